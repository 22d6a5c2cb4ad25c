package script

import (
	"strings"
	"testing"
)

// scanAll returns what a lexer takes of a text that comes in pieces of n bytes, statement
// by statement, and in which mode it ends.
func scanAll(text string, n int) (code []string, mode lexMode) {
	var l lexer
	var statement strings.Builder
	take := func(b []byte) { statement.Write(b) }
	var buffer []byte
	for len(text) > 0 || len(buffer) > 0 {
		more := min(n, len(text))
		buffer, text = append(buffer, text[:more]...), text[more:]
		for {
			used, ended := l.scan(buffer, text == "", take)
			buffer = buffer[used:]
			if !ended {
				break
			}
			code = append(code, statement.String())
			statement.Reset()
			l = lexer{backslash: l.backslash}
			if len(buffer) > 0 && buffer[0] == '\\' { // a command of psql's ended it
				buffer = buffer[1:]
			}
		}
		if text == "" {
			break
		}
	}
	return append(code, statement.String()), l.mode
}

func TestLexer(t *testing.T) {
	for text, want := range map[string][]string{
		"SELECT 1; SELECT 2;":                       {"SELECT 1;", " SELECT 2;", ""},
		"SELECT ';', 'it''s;' ;x":                   {"SELECT ';', 'it''s;' ;", "x"},
		`SELECT '\'; SELECT 2`:                      {`SELECT '\';`, " SELECT 2"},
		`SELECT E'\';', 1; x`:                       {`SELECT E'\';', 1;`, " x"},
		`SELECT "a;""b;" ; x`:                       {`SELECT "a;""b;" ;`, " x"},
		"SELECT $$;$$, $a$;$$;$a$; x":               {"SELECT $$;$$, $a$;$$;$a$;", " x"},
		"SELECT a$b$;x$b$":                          {"SELECT a$b$;", "x$b$"},
		"SELECT $1; x":                              {"SELECT $1;", " x"},
		"SELECT (1;2); x":                           {"SELECT (1;2);", " x"},
		"SELECT 1 -- ; '\n; x":                      {"SELECT 1 \n;", " x"},
		"SELECT 1 /* ; /* ; */ ' */; x":             {"SELECT 1 ;", " x"},
		"SELECT 4 - 2 / 1; x":                       {"SELECT 4 - 2 / 1;", " x"},
		`SELECT 'a' \gexec` + "\n":                  {"SELECT 'a' ", "gexec\n"},
		"SELECT 1,\npg_dump: it's bad;\n2;":         {"SELECT 1,\n\n2;", ""},
		"DO $body$ BEGIN; END; $body$;":             {"DO $body$ BEGIN; END; $body$;", ""},
		"CREATE RULE r DO (SELECT 1; SELECT 2);":    {"CREATE RULE r DO (SELECT 1; SELECT 2);", ""},
		"INSERT INTO t VALUES ('$$;', '--;', '/*')": {"INSERT INTO t VALUES ('$$;', '--;', '/*')"},
	} {
		for _, n := range []int{1, 2, 3, 7, 1000} {
			if got, _ := scanAll(text, n); strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%q, %d bytes at a time: %q, want %q", text, n, got, want)
			}
		}
	}
}

func FuzzLexer(f *testing.F) {
	for _, text := range []string{"SELECT E'\\'' || $x$ ' $x$; -- c\n/* /* */ */ SELECT \"a\"\"b\";", "COPY \"public\".\"t\" (a) FROM stdin;\n", "(;);$$$a$\npg_dump: x\n'"} {
		f.Add(text, byte(3))
	}
	f.Fuzz(func(t *testing.T, text string, n byte) {
		whole, mode := scanAll(text, len(text)+1)
		pieces, other := scanAll(text, int(n)+1)
		if strings.Join(whole, "|") != strings.Join(pieces, "|") || mode != other {
			t.Errorf("%q in %d: %v %q, %v %q", text, n, mode, whole, other, pieces)
		}
	})
}

func TestTokens(t *testing.T) {
	for statement, want := range map[string]Table{
		"public.t (":                  {"public", "t"},
		`"public"."t" (`:              {"public", "t"},
		`PUBLIC . T (`:                {"public", "t"},
		`"Public"."a""b"`:             {"Public", `a"b`},
		"t":                           {"path", "t"},
		"IF NOT EXISTS public.t (":    {"public", "t"},
		`ONLY "t"`:                    {"path", "t"},
		`"if"`:                        {"path", "if"},
		"":                            {"path", ""},
		`"without an end`:             {"path", "without an end"},
		"public.ir_module_module\n(x": {"public", "ir_module_module"},
	} {
		words := tokens(statement)
		if got := words.table("path"); got != want {
			t.Errorf("%q: %v, want %v", statement, got, want)
		}
	}
	c, ok := ParseCopy(`COPY "public"."t" ("a,b", c, "d)") FROM stdin;`, "")
	if !ok || c.Table != (Table{"public", "t"}) || len(c.Columns) != 3 || c.Columns["a,b"] != 0 || c.Columns["c"] != 1 || c.Columns["d)"] != 2 {
		t.Errorf("%v, %t", c, ok)
	}
	for _, statement := range []string{"COPY t (a) TO stdout;", "COPY t (a", "SELECT 1", "COPY", "COPY (SELECT 1) TO stdout;"} {
		if c, ok := ParseCopy(statement, ""); ok {
			t.Errorf("%q: %v", statement, c)
		}
	}
}
