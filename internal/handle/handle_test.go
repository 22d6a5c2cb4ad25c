package handle

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"

	"odoo-upgrade-action/internal/upgrade"
)

func sample() Handle {
	return Handle{
		Server: "https://upgrade.odoo.com", Protocol: "json-rpc", Ticket: upgrade.Ticket{ID: "10534", Key: "Aw7pItGVKFuZ_FOR3U8VFQ==", Session: "{}"},
		Filename: "db.dump", Aim: upgrade.Test, Target: "17.0", DumpSHA256: strings.Repeat("ab", 32), DumpSize: 1 << 40,
	}
}

func TestThereAndBack(t *testing.T) {
	text, err := Seal(sample(), "M123456-abcdef")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^odoo-upgrade-1\.[0-9A-Za-z_-]+$`).MatchString(text) || len(text) > 1000 {
		t.Errorf("%d characters: %s", len(text), text)
	}
	sealed, _ := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, Prefix))
	for _, secret := range []string{"Aw7p", "10534", "upgrade.odoo.com", "M123456"} {
		if strings.Contains(string(sealed), secret) || strings.Contains(text, secret) {
			t.Errorf("%s can be read in it", secret)
		}
	}
	got, err := Open(" "+text+"\n", "M123456-abcdef")
	if err != nil || got != sample() {
		t.Errorf("%+v, %v", got, err)
	}
	again, _ := Seal(sample(), "M123456-abcdef")
	if again == text {
		t.Error("the same handle twice: nothing random in it")
	}
}

func TestWhatDoesNotOpen(t *testing.T) {
	text, err := Seal(sample(), "M123456-abcdef")
	if err != nil {
		t.Fatal(err)
	}
	middle := len(text) / 2
	changed := text[:middle] + string(map[bool]byte{true: 'A', false: 'B'}[text[middle] != 'A']) + text[middle+1:]
	cases := map[string]struct {
		text, secret string
		want         error
	}{
		"another secret": {text, "M123456-abcdeg", ErrWrongSecret},
		"no secret":      {text, "", ErrWrongSecret},
		"cut":            {text[:len(text)-5], "M123456-abcdef", ErrDamaged},
		"changed":        {changed, "M123456-abcdef", nil},
		"nothing":        {"", "M123456-abcdef", ErrDamaged},
		"something else": {"https://upgrade.odoo.com/1/2", "M123456-abcdef", ErrDamaged},
		"masked":         {"***", "M123456-abcdef", ErrDamaged},
		"too long":       {Prefix + strings.Repeat("A", maxText+1), "M123456-abcdef", ErrDamaged},
	}
	for name, c := range cases {
		got, err := Open(c.text, c.secret)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || got != (Handle{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := Seal(sample(), ""); err == nil {
		t.Error("sealed under no secret")
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(Prefix+"AAAA", "x")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, text, secret string) {
		if h, err := Open(text, secret); err != nil && h != (Handle{}) {
			t.Error("half a handle")
		}
	})
}
