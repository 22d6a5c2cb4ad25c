package inventory

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"odoo-upgrade-action/internal/dump/script"
)

// source says where the records of a kind are. Of several columns, the first that there is counts:
// they are called one thing or another by Odoo's version.
type source struct {
	kind     Kind
	table    string
	model    string // that xml ids name
	name     []string
	active   []string
	of       string // column with the model that it is of
	parent   string
	content  []string // whose digest is kept
	action   string   // column with the server action whose name it has, if it has none of its own
	when, is string   // only records whose column "when" is one of "is", with commas around each
	public   bool     // its name says nothing of people or business
}

// sources are all of them.
var sources = []source{
	{kind: View, table: "ir_ui_view", model: "ir.ui.view", name: []string{"name"}, active: []string{"active"}, of: "model", parent: "inherit_id", content: []string{"arch_db", "arch"}, public: true},
	{kind: ScheduledAction, table: "ir_cron", model: "ir.cron", name: []string{"cron_name", "name"}, active: []string{"active"}, action: "ir_actions_server_id", public: true},
	{kind: ServerAction, table: "ir_act_server", model: "ir.actions.server", name: []string{"name"}, of: "model_name", content: []string{"code"}, when: "usage", is: ",,ir_actions_server,", public: true},
	{kind: Automation, table: "base_automation", model: "base.automation", name: []string{"name"}, active: []string{"active"}, action: "action_server_id", public: true},
	{kind: Automation, table: "base_action_rule", model: "base.action.rule", name: []string{"name"}, active: []string{"active"}, public: true},
	{kind: OutgoingServer, table: "ir_mail_server", model: "ir.mail_server", name: []string{"name"}, active: []string{"active"}},
	{kind: IncomingServer, table: "fetchmail_server", model: "fetchmail.server", name: []string{"name"}, active: []string{"active"}},
	{kind: Report, table: "ir_act_report_xml", model: "ir.actions.report", name: []string{"report_name", "name"}, of: "model", public: true},
	{kind: Template, table: "mail_template", model: "mail.template", name: []string{"name"}, active: []string{"active"}, of: "model", public: true},
	{kind: Template, table: "email_template", model: "email.template", name: []string{"name"}, of: "model", public: true},
	{kind: RecordRule, table: "ir_rule", model: "ir.rule", name: []string{"name"}, active: []string{"active"}, content: []string{"domain_force"}, public: true},
	{kind: Filter, table: "ir_filters", model: "ir.filters", name: []string{"name"}, active: []string{"active"}, of: "model_id"},
	{kind: Page, table: "website_page", model: "website.page", name: []string{"url"}, active: []string{"is_published", "website_published"}, public: true},
	{kind: User, table: "res_users", model: "res.users", name: []string{"login"}, active: []string{"active"}, when: "share", is: ",,f,"},
	{kind: Company, table: "res_company", model: "res.company", name: []string{"name"}, active: []string{"active"}},
	{kind: Language, table: "res_lang", model: "res.lang", name: []string{"code"}, active: []string{"active"}, public: true},
}

// manualFields are those that people made, with Studio or by hand.
var manualFields = source{kind: Field, table: "ir_model_fields", name: []string{"name"}, of: "model", when: "state", is: ",manual,", public: true}

// pick returns the first of some columns that there is, "" for none.
func pick(c script.Copy, columns []string) string {
	for _, column := range columns {
		if _, ok := c.Columns[column]; ok {
			return column
		}
	}
	return ""
}

// recordsOf returns what takes the records of a kind.
func (t *tally) recordsOf(s source, c script.Copy) script.Rows {
	records := map[uint32]*Record{}
	t.kinds[s.table] = records
	active := pick(c, s.active)
	p := c.Pick("id", pick(c, s.name), active, s.of, s.parent, pick(c, s.content), s.when, s.action)
	return func(line []byte) {
		f := p.Fields(line)
		id, ok := idOf(f[0])
		if !ok || s.when != "" && !strings.Contains(s.is, ","+short(f[6])+",") || t.records.Add(1) > maxRecords {
			return
		}
		parent, _ := idOf(f[4])
		action, _ := idOf(f[7])
		records[id] = &Record{
			Name: clip(translated(f[1])), Model: short(f[3]), Parent: parent, Inactive: active != "" && string(f[2]) != "t", Digest: digest(f[5]), action: action,
		}
	}
}

// clip shortens a name, at a character.
func clip(name string) string {
	if len(name) <= maxName {
		return strings.ToValidUTF8(name, "?")
	}
	n := maxName
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return strings.ToValidUTF8(name[:n], "?") + "…"
}

// translated reads a text that may be in several languages: since 16.0, a column of JSON has one
// for each. It returns the English one, which the source has, or the first.
func translated(field []byte) string {
	if len(field) == 0 {
		return ""
	}
	text := script.Unescape(field)
	if text[0] != '{' {
		return text
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return text
	}
	found := ""
	for decoder.More() { // no deeper than that, and no more than the text has
		language, err := decoder.Token()
		if err != nil {
			return text
		}
		value, err := decoder.Token()
		said, ok := value.(string)
		if err != nil || !ok && value != nil {
			return text
		}
		if language == "en_US" && ok {
			return said
		}
		if found == "" {
			found = said
		}
	}
	return found
}

// digest is a digest of a content, "" if there is none. White space at its ends does not count.
func digest(field []byte) string {
	text := strings.TrimSpace(translated(field))
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}

// names are those of accounts, products and the like, by table and id.
type names map[string]map[int64]string

func (n names) get(table string, id int64) string { return n[table][id] }

// named are the columns with names, by table.
var named = map[string][]string{
	"account_journal": {"code", "name"}, "product_template": {"name"}, "res_currency": {"name"},
}

// named returns what takes the names of a table's records, which are in one column or several.
func (t *tally) named(c script.Copy, columns ...string) script.Rows {
	found := map[int64]string{}
	t.names[c.Table.Name] = found
	p := c.Pick(append([]string{"id"}, columns...)...)
	return func(line []byte) {
		f := p.Fields(line)
		var parts []string
		for _, field := range f[1:] {
			if text := translated(field[:min(len(field), 4<<10)]); text != "" {
				parts = append(parts, text)
			}
		}
		name := clip(strings.Join(parts, " "))
		if t.nameBytes.Add(int64(len(name))+48) <= maxNameBytes {
			found[number(f[0])] = name
		}
	}
}

// products takes product_product: the code of each, and of which template it is.
func (t *tally) products(c script.Copy) script.Rows {
	found := map[int64]string{}
	t.names["product_product"] = found
	p := c.Pick("id", "product_tmpl_id", "default_code")
	return func(line []byte) {
		f := p.Fields(line)
		name := string(bytes.Clone(f[1][:min(len(f[1]), 20)])) + " " + clip(short(f[2]))
		if t.nameBytes.Add(int64(len(name))+48) <= maxNameBytes {
			found[number(f[0])] = name
		}
	}
}

// nameProducts gives products the names of their templates.
func (n names) nameProducts() {
	for id, name := range n["product_product"] {
		template, code, _ := strings.Cut(name, " ")
		full := n["product_template"][number([]byte(template))]
		if code != "" {
			full = strings.TrimSpace("[" + code + "] " + full)
		}
		n["product_product"][id] = full
	}
}
