package actions

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestLinesAreHarmless(t *testing.T) {
	cases := []struct {
		text string
		want []string
	}{
		{"plain", []string{"plain"}},
		{"::error::x", []string{": :error::x"}},
		{" \t ::set-output name=a::b", []string{": :set-output name=a::b"}},
		{"a\u00a0::b", []string{"a\u00a0::b"}},
		{"\u00a0\u2003::add-mask::a", []string{": :add-mask::a"}},
		{"\u200b\ufeff::warning::a", []string{": :warning::a"}},
		{"ok\r::error::x\n\n##[group]y", []string{"ok", ": :error::x", "# #[group]y"}},
		{"in the middle ##[error]x", []string{"in the middle # #[error]x"}},
		{"\x1b[31mred\x00\u202e\u2028", []string{"[31mred"}},
		{"bad \xff utf-8", []string{"bad  utf-8"}},
		{"", nil},
	}
	for _, c := range cases {
		if got := Lines(c.text); !slices.Equal(got, c.want) {
			t.Errorf("Lines(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

// obeyed tells whether the runner would see a command in the line, as
// ActionCommand.cs looks for one.
func obeyed(line string) bool {
	return strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[")
}

func FuzzLines(f *testing.F) {
	for _, s := range []string{"::error::x", "a##[b", "#\x00#[x", ":\u200b:x", "\r\n ::a", "#\u200b##[", "\xff::a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, line := range Lines(text) {
			if obeyed(line) || strings.ContainsAny(line, "\r\n\x00\x1b\u2028") {
				t.Errorf("%q became %q", text, line)
			}
		}
	})
}

func TestMaskBeforeUse(t *testing.T) {
	const key = "Aw7p+tGV/FuZ_FOR3U8VFQ=="
	var out bytes.Buffer
	r := New(&out, env(map[string]string{"GITHUB_ACTIONS": "true"}))
	r.Mask(key)
	r.Mask("ab")
	r.Mask("first line of it\nsecond line of it")
	masks := out.String()
	for _, want := range []string{
		"::add-mask::" + key + "\n", "::add-mask::Aw7p+tGV/FuZ_FOR3U8VFQ\n",
		"::add-mask::Aw7p%252BtGV%252FFuZ_FOR3U8VFQ%253D%253D\n", // the runner's own escaping of %
		"::add-mask::Aw7p%252btGV%252fFuZ_FOR3U8VFQ%253d%253d\n",
		"::add-mask::second line of it\n",
	} {
		if !strings.Contains(masks, want) {
			t.Errorf("no %q in\n%s", want, masks)
		}
	}
	if strings.Contains(masks, "::ab\n") {
		t.Error("a short value was masked")
	}
	out.Reset()
	r.Info("url/" + key + "/x Aw7p%2BtGV%2FFuZ_FOR3U8VFQ%3D%3D")
	r.Info("hidden: Aw7p\x00+tGV/FuZ_\u200bFOR3U8VFQ==")
	r.Error("t "+key, "m "+key)
	if s := out.String(); strings.Contains(s, "Aw7p") || strings.Count(s, "***") != 5 {
		t.Errorf("leaked: %s", s)
	}
}

func TestAnnotations(t *testing.T) {
	var out bytes.Buffer
	r := New(&out, env(map[string]string{"GITHUB_ACTIONS": "true"}))
	r.Error("It: failed, 100%", "line one\n::error::two")
	want := "::error title=It%3A failed%2C 100%25::line one%0A: :error::two\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	for range 12 {
		r.Warning("w", strings.Repeat("x", 5000))
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if n := strings.Count(out.String(), "::warning"); n != 10 || len(lines) != 12 {
		t.Errorf("%d annotations in %d lines, want 10 in 12", n, len(lines))
	}
	if len(lines[0]) > 4096+30 || !strings.HasSuffix(lines[0], "(cut)") {
		t.Errorf("annotation of %d bytes was not cut", len(lines[0]))
	}
	out.Reset()
	New(&out, env(nil)).Error("title", "text")
	if out.String() != "error: title: text\n" {
		t.Errorf("outside a workflow: %q", out.String())
	}
}

func TestOutputs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "output")
	r := New(&bytes.Buffer{}, env(map[string]string{"GITHUB_OUTPUT": file}))
	if err := r.Output("one", "\x1b[1ma\n::error::b ##[c]"); err != nil {
		t.Fatal(err)
	}
	evil := "x\n_GitHubActionsFileCommandDelimeter_\nresult<<_GitHubActionsFileCommandDelimeter_\nsuccess"
	if err := r.Output("two", evil); err == nil {
		t.Error("a value that sets another output was taken")
	}
	got, _ := os.ReadFile(file)
	want := "one<<_GitHubActionsFileCommandDelimeter_\n[1ma : :error::b # #[c]\n_GitHubActionsFileCommandDelimeter_\n"
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	broken := New(&bytes.Buffer{}, env(map[string]string{"GITHUB_OUTPUT": t.TempDir()}))
	if err := broken.Output("one", "a"); err == nil || !strings.Contains(err.Error(), "GITHUB_OUTPUT") {
		t.Errorf("writing into a folder: %v", err)
	}
}

func TestSummaryIsCutAndRedacted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "summary")
	r := New(&bytes.Buffer{}, env(map[string]string{"GITHUB_STEP_SUMMARY": file}))
	r.Mask("the-secret-key")
	if err := r.Summary("the-secret-key " + strings.Repeat("é", 1<<20)); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(file)
	if len(got) > 1<<20 || !bytes.HasPrefix(got, []byte("*** é")) || !bytes.HasSuffix(got, []byte("(cut)\n")) {
		t.Errorf("summary of %d bytes: %.20q…", len(got), got)
	}
}

// TestEveryFormIsRedacted has forms that programs give a key in a URL: each encodes other
// characters.
func TestEveryFormIsRedacted(t *testing.T) {
	const key = "Aw7p+tGV/FuZ_FOR3U8VFQ=="
	for name, form := range map[string]string{
		"as it is":                    key,
		"Python's quote":              "Aw7p%2BtGV/FuZ_FOR3U8VFQ%3D%3D",
		"everything":                  "%41%77%37%70%2b%74%47%56%2f%46%75%5a%5f%46%4f%52%33%55%38%56%46%51%3d%3d",
		"one character, in each case": "Aw7p+tGV%2fFuZ%5fFOR3U8VFQ%3D=",
	} {
		var log bytes.Buffer
		r := New(&log, env(map[string]string{"GITHUB_ACTIONS": "true"}))
		r.Mask(key)
		log.Reset()
		r.Info("see https://x.example/" + form + "/archive, 100% sure")
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		last := lines[len(lines)-1]
		if !strings.HasPrefix(last, "see https://x.example/***") || !strings.HasSuffix(last, "/archive, 100% sure") || strings.Contains(last, "FOR3U8") {
			t.Errorf("%s: %q", name, last)
		}
		known := slices.Contains(Forms(key), form)
		masked := strings.Contains(log.String(), "::add-mask::")
		if masked == known {
			t.Errorf("%s: masked for others: %t (%q)", name, masked, log.String())
		}
	}
}

// TestFloodedLog is a platform that has much to say.
func TestFloodedLog(t *testing.T) {
	for name, text := range map[string]string{"many lines": strings.Repeat("x\n", 30_000), "long lines": strings.Repeat(strings.Repeat("x", 10_000)+"\n", 1_000)} {
		var log bytes.Buffer
		r := New(&log, env(map[string]string{"GITHUB_ACTIONS": "true"}))
		r.Info(text)
		r.Info(text)
		r.Ending()
		r.Info("To continue: do this")
		r.Error("The end", "is seen")
		if log.Len() > maxLogBytes+1000 || bytes.Count(log.Bytes(), []byte("\n")) > maxLogLines+10 {
			t.Errorf("%s: %d bytes", name, log.Len())
		}
		if strings.Count(log.String(), "what follows is left out") != 1 || !strings.HasSuffix(log.String(), "To continue: do this\n::error title=The end::is seen\n") {
			t.Errorf("%s: ends with %q", name, log.String()[max(0, log.Len()-300):])
		}
	}
}

// TestCheckingOutputsKeepsThem checks while others append to the same file.
func TestCheckingOutputsKeepsThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outputs")
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			r := New(io.Discard, env(map[string]string{"GITHUB_OUTPUT": path}))
			for range 50 {
				if err := r.CheckOutputs(); err != nil {
					t.Error(err)
				}
				if err := r.Output("request-id", strings.Repeat(strconv.Itoa(n), 5)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	text, err := os.ReadFile(path)
	if got := strings.Count(string(text), "request-id<<"); err != nil || got != 200 || strings.Contains(string(text), "\x00") {
		t.Errorf("%d of 200 outputs are there, %v", got, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
