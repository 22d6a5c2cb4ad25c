package engine

import (
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"

	"odoo-upgrade-action/internal/dump"
	"odoo-upgrade-action/internal/dump/script"
	"odoo-upgrade-action/internal/sandbox/requests"
)

// Losing is an engine that upgrades nothing either, but says that it did, and loses or changes
// what it is told to: so people see what a comparison finds. It needs plain SQL, or Odoo's zip.
type Losing struct {
	Copy
	losses []loss
}

// loss is something that is lost or changed.
type loss struct {
	table  string
	column string // that it changes
	times  int    // how many rows
	// change returns the column's new value, or that the row is gone; ok is false for a row that it leaves.
	change func(row map[string]string) (value string, gone, ok bool)
}

// ParseLosses returns the engine that loses what each text says: rows:N, cent, unit, view, action
// or field.
func ParseLosses(texts []string) (*Losing, error) {
	e := &Losing{}
	for _, text := range texts {
		kind, number, counted := strings.Cut(text, ":")
		times := 1
		if counted {
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("%q is not something to lose: use a number, as in rows:3", text)
			}
			times = n
		}
		l, known := losses[kind]
		if !known {
			return nil, fmt.Errorf("%q is not something to lose: use rows:3, cent, unit, view, action or field", text)
		}
		l.times = times
		e.losses = append(e.losses, l)
	}
	return e, nil
}

// off switches a record off. A view that no other one extends is the base of many.
func off(row map[string]string) (string, bool, bool) {
	return "f", false, row["active"] == "t" && row["inherit_id"] != `\N`
}

// minus subtracts a hundredth of so many from a number.
func minus(column string, hundredths int64) func(map[string]string) (string, bool, bool) {
	return func(row map[string]string) (string, bool, bool) {
		n, ok := new(big.Rat).SetString(row[column])
		if !ok || n.Sign() <= 0 {
			return "", false, false
		}
		_, decimals, _ := strings.Cut(row[column], ".")
		return n.Sub(n, big.NewRat(hundredths, 100)).FloatString(len(decimals)), false, true
	}
}

var losses = map[string]loss{
	"rows":   {table: "res_partner", change: func(map[string]string) (string, bool, bool) { return "", true, true }},
	"cent":   {table: "account_move_line", column: "balance", change: minus("balance", 1)},
	"unit":   {table: "stock_quant", column: "quantity", change: minus("quantity", 100)},
	"view":   {table: "ir_ui_view", column: "active", change: off},
	"action": {table: "ir_cron", column: "active", change: off},
	"field":  {table: "ir_model_fields", change: func(row map[string]string) (string, bool, bool) { return "", true, row["state"] == "manual" }},
}

// Name implements requests.Engine.
func (*Losing) Name() string { return "losing" }

// About implements requests.Engine.
func (*Losing) About() string { return "It upgrades nothing, and loses what it was told to." }

// Upgrade implements requests.Engine.
func (e *Losing) Upgrade(ctx context.Context, w requests.Work) (requests.Result, error) {
	result := requests.Result{
		Message: "This is a sandbox. It changed nothing but versions.",
		Notes:   "A sandbox that loses things describes none of them: the comparison finds them.", Name: UpgradedName(w),
	}
	if len(e.losses) > 0 {
		result.Message = "This is a sandbox. It changed nothing but versions, and lost what it was told to."
	}
	_, _ = fmt.Fprintln(w.Log, "Copying the database, and losing what this sandbox is told to lose.")
	if w.Dump.Kind != dump.SQL && w.Dump.Kind != dump.OdooZip {
		return result, &requests.FailedError{Message: "A sandbox loses rows of plain SQL and of Odoo's zip only."}
	}
	edit := &editor{losses: slices.Clone(e.losses), target: w.Target, test: w.Aim == "test"}
	err := WriteFile(w.Upgraded, func(out io.Writer) error {
		out = Stoppable{ctx, out}
		if w.Dump.Kind == dump.OdooZip {
			return edit.zip(out, w.Original)
		}
		return edit.script(out, w)
	})
	result.Disabled = edit.disabled
	return result, err
}

// script edits a file of SQL, in gzip or not.
func (e *editor) script(out io.Writer, w requests.Work) error {
	in, err := os.Open(w.Original)
	if err != nil {
		return err
	}
	defer in.Close()
	text, err := w.Dump.Wrapper.Reader(in)
	if err != nil {
		return err
	}
	wrapped := w.Dump.Wrapper.Writer(out)
	return errors.Join(e.edit(wrapped, text), wrapped.Close())
}

// zip edits dump.sql of a zip.
func (e *editor) zip(out io.Writer, path string) error {
	in, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer in.Close()
	z := zip.NewWriter(out)
	for _, member := range in.File {
		if member.Name != "dump.sql" {
			if err := z.Copy(member); err != nil {
				return err
			}
			continue
		}
		text, err := member.Open()
		if err != nil {
			return err
		}
		edited, err := z.CreateHeader(&zip.FileHeader{Name: member.Name, Method: zip.Deflate, Modified: member.Modified})
		if err == nil {
			err = e.edit(edited, text)
		}
		if err := errors.Join(err, text.Close()); err != nil {
			return err
		}
	}
	return z.Close()
}

// editor copies a script, and changes rows of COPY on the way.
type editor struct {
	losses []loss
	target string // Odoo's version afterwards
	test   bool   // whether the database is neutralized

	disabled []requests.View
}

func (e *editor) edit(out io.Writer, in io.Reader) error {
	lines, w := bufio.NewReader(in), bufio.NewWriter(out)
	var rows *script.Copy
	for {
		line, err := lines.ReadString('\n')
		switch c, copies := script.ParseCopy(line, script.Public); {
		case rows == nil && copies && strings.HasPrefix(line, "COPY "):
			rows = &c
		case rows != nil && line == "\\.\n":
			line = e.end(*rows) + line
			rows = nil
		case rows != nil:
			line = e.row(*rows, line)
		}
		if _, err := w.WriteString(line); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return w.Flush()
		}
		if err != nil {
			return err
		}
	}
}

// row returns what becomes of a row, "" if it is gone.
func (e *editor) row(c script.Copy, line string) string {
	fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	row := map[string]string{}
	for name, at := range c.Columns {
		if at < len(fields) {
			row[name] = fields[at]
		}
	}
	if at, ok := c.Columns["latest_version"]; ok && c.Table.Name == "ir_module_module" && row["license"] == "LGPL-3" && row["latest_version"] != `\N` {
		parts := strings.SplitN(row["latest_version"], ".", 3)
		fields[at] = e.target + "." + parts[len(parts)-1]
	}
	for n := range e.losses {
		l := &e.losses[n]
		if l.times == 0 || l.table != c.Table.Name {
			continue
		}
		value, gone, ok := l.change(row)
		if !ok {
			continue
		}
		l.times--
		if gone {
			return ""
		}
		fields[c.Columns[l.column]] = value
		if id, err := strconv.Atoi(row["id"]); err == nil && l.table == "ir_ui_view" {
			e.disabled = append(e.disabled, requests.View{ID: id, Name: row["name"]})
		}
	}
	return strings.Join(fields, "\t") + "\n"
}

// end returns the rows that a table gets: a test copy is neutralized.
func (e *editor) end(c script.Copy) string {
	if c.Table.Name != "ir_config_parameter" || !e.test {
		return ""
	}
	fields := make([]string, len(c.Columns))
	for name, at := range c.Columns {
		fields[at] = map[string]string{"id": "1000000", "key": "database.is_neutralized", "value": "true"}[name]
		if fields[at] == "" {
			fields[at] = `\N`
		}
	}
	return strings.Join(fields, "\t") + "\n"
}
