package run

import (
	"io"
	"slices"
	"strings"

	"odoo-upgrade-action/internal/actions"
	"odoo-upgrade-action/internal/upgrade"
)

// masking is a writer that replaces secrets.
type masking struct {
	out     io.Writer
	secrets *strings.Replacer
	longest int
	rest    []byte // in which a secret may begin
}

func newMasking(out io.Writer, secrets ...upgrade.Secret) *masking {
	m := &masking{out: out}
	var pairs []string
	for _, secret := range secrets {
		forms := actions.Forms(secret.Reveal())
		slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) }) // the first that fits is replaced
		for _, form := range forms {
			if len(form) >= actions.MinMask {
				pairs = append(pairs, form, "***")
				m.longest = max(m.longest, len(form))
			}
		}
	}
	m.secrets = strings.NewReplacer(pairs...)
	return m
}

// Write implements io.Writer.
func (m *masking) Write(b []byte) (int, error) {
	text := []byte(m.secrets.Replace(string(m.rest) + string(b)))
	whole := max(0, len(text)-max(0, m.longest-1))
	m.rest = text[whole:]
	_, err := m.out.Write(text[:whole])
	return len(b), err
}

// flush writes what is left at the end.
func (m *masking) flush() error {
	_, err := m.out.Write(m.rest)
	m.rest = nil
	return err
}
