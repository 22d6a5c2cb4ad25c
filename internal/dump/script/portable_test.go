package script

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"odoo-upgrade-action/internal/dump/stream"
)

func portableOf(t *testing.T, in io.Reader) string {
	t.Helper()
	var out bytes.Buffer
	if err := Portable(&out, in); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestPortable has what is left out as pg_dump writes it, and what resembles it and stays.
func TestPortable(t *testing.T) {
	for _, gone := range []string{
		"ALTER TABLE public.res_partner OWNER TO odoo;", `ALTER SEQUENCE public."Odd name" OWNER TO "O'Brien; -- x";`, "ALTER LARGE OBJECT 4711 OWNER TO odoo;",
		"ALTER FUNCTION public.f(a integer, b text) OWNER TO odoo;", "ALTER OPERATOR public.@@ (text, text) OWNER TO odoo;", "ALTER SCHEMA public OWNER TO odoo;",
		"ALTER TEXT SEARCH CONFIGURATION public.c OWNER TO odoo;", "ALTER OPERATOR CLASS public.c USING btree OWNER TO odoo;",
		"GRANT SELECT,INSERT ON TABLE public.t TO odoo;", "REVOKE ALL ON SCHEMA public FROM PUBLIC;", "ALTER DEFAULT PRIVILEGES FOR ROLE odoo GRANT SELECT ON TABLES TO x;",
		"COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL';", "COMMENT ON SCHEMA public IS 'it''s public';", `GRANT SELECT ON t TO "O'Brien";`, "SET default_tablespace = fast;", "SET SESSION AUTHORIZATION 'odoo';",
		"SET transaction_timeout = 0;", "SET default_with_oids = false;", `\restrict abcXYZ123`, `\unrestrict abcXYZ123`,
	} {
		if got := portableOf(t, strings.NewReader("SELECT 1;\n\n"+gone+"\n\nSELECT 2;\n")); got != "SELECT 1;\n\n\n\nSELECT 2;\n" && got != "SELECT 1;\n\n\nSELECT 2;\n" {
			t.Errorf("%s: %q", gone, got)
		}
	}
	for _, stays := range []string{
		"ALTER TABLE public.t ALTER COLUMN a SET DEFAULT 1/0, OWNER TO nonesuch;", "ALTER TABLE public.t ADD CONSTRAINT c CHECK (a < 1 OR 'x OWNER TO y' = '');",
		"ALTER TABLE public.t OWNER TO a, ADD COLUMN b int;", "SET CONSTRAINTS ALL IMMEDIATE;", "SET search_path = public;", "COMMENT ON TABLE public.t IS 'GRANT x TO y;';",
		"INSERT INTO t VALUES ('\nGRANT x TO y;\n');", "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$\nGRANT x TO y;\nALTER TABLE t OWNER TO x;\n$$;",
		"COPY public.t (a) FROM stdin;\nGRANT x TO y;\nALTER TABLE t OWNER TO x;\n\\\\restrict abc\n\\.\n", "-- GRANT x TO y;\n", "/*\nGRANT x TO y;\n*/ SELECT 1;", `\! true`, `\connect x`,
		`\restrict a b`, "GRANT x TO y", "CREATE SCHEMA public CREATE TABLE t ();", "", "SELECT '" + strings.Repeat("x", 3*scriptBuffer) + "';", strings.Repeat("x", 3*scriptBuffer),
		"COPY public.t (a) FROM stdin;\n" + strings.Repeat("y", 3*scriptBuffer) + "\n\\.\n", "SELECT 1; GRANT x TO y -- no end",
	} {
		in := "SELECT 1;\n" + stays
		for _, reader := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			if len(in) > scriptBuffer && reader != nil {
				reader = iotest.HalfReader(strings.NewReader(in))
			}
			if got := portableOf(t, reader); got != in {
				t.Errorf("%.200q became %.200q", in, got)
			}
		}
	}
	if got := portableOf(t, strings.NewReader("CREATE SCHEMA public;\n")); got != "CREATE SCHEMA IF NOT EXISTS public;\n" {
		t.Errorf("the schema public: %q", got)
	}
	if got := portableOf(t, strings.NewReader("\xef\xbb\xbfSELECT 1;\n")); got != "SELECT 1;\n" {
		t.Errorf("with a byte order mark: %q", got)
	}
	for name, in := range map[string]string{"between": "SELECT 1;\n\x00\n", "in a row": "COPY t (a) FROM stdin;\n1\n\x00\x00\n\\.\n"} {
		if err := Portable(io.Discard, strings.NewReader(in)); !errors.Is(err, ErrZeroByte) {
			t.Errorf("zero bytes %s: %v", name, err)
		}
	}
	broken := errors.New("disk full")
	if err := Portable(brokenWriter{broken}, strings.NewReader(strings.Repeat("SELECT 1;\n", 1<<20))); !errors.Is(err, broken) {
		t.Errorf("writing fails: %v", err)
	}
	if err := Portable(io.Discard, io.MultiReader(strings.NewReader("SELECT 1;\n"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("reading fails: %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

// maybeLeftOut is in whatever loses something.
var maybeLeftOut = regexp.MustCompile(`ALTER|GRANT|REVOKE|COMMENT|CREATE|SET|\\|\x00|\x{feff}`)

// FuzzPortable checks that nothing is lost of what has nothing to leave out.
func FuzzPortable(f *testing.F) {
	sample, err := os.ReadFile(filepath.Join("..", "..", "sandbox", "sample", "dump.sql"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.ReplaceAll(sample, []byte("CREATE"), []byte("SELECT")), 100)
	f.Add([]byte("COPY t (a) FROM stdin;\n1\n"), 3)
	f.Fuzz(func(t *testing.T, in []byte, piece int) {
		var out bytes.Buffer
		err := Portable(&out, &pieces{in, max(1, piece)})
		if maybeLeftOut.Match(in) || bytes.HasPrefix(in, stream.BOM) {
			return
		}
		if err != nil || !bytes.Equal(out.Bytes(), in) {
			t.Errorf("%v: %q became %q", err, in, out.Bytes())
		}
	})
}

// pieces reads so many bytes at a time.
type pieces struct {
	left []byte
	n    int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.left[:min(p.n, len(p.left))])
	p.left = p.left[n:]
	return n, nil
}
