package digest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// upgraded is a report of two steps, as the platform's template writes it.
const upgraded = `<h2> Congratulations, you have just upgraded to Odoo 17.0 </h2>
<p> Here are changes. </p><br/>
<h3>Disabled views</h3><ul><li><details>
<summary>The below custom views have been disabled during the migration.</summary>
<ul>
<li><a target="_blank" href="/web?debug=1#view_type=form&amp;model=ir.ui.view&amp;action=30&amp;id=1201">sale.order.form.bakery</a></li>
<li><a target="_blank" href="/web?debug=1#view_type=form&amp;model=ir.ui.view&amp;action=30&amp;id=1202">res.partner.form &lt;b&gt;</a></li>
</ul></details></li></ul>
<h3>Overridden views</h3><ul><li><details><summary>The below standard views have been overridden.</summary><ul>
<li>sale.view_order_form &nbsp; <a href="/odoo/action-30/800?debug=1">Original</a> &nbsp; <a href="/odoo/action-30/1300?debug=1">Copy</a></li></ul></details></li></ul>
<h3>Accounting</h3><ul>
<li><details><summary>Taxes were changed.</summary><i>The total number of affected records is 250. This list is showing the first 2 records.</i><ul>
<li>Tax <a href="/odoo/account.tax/5">Bread 7%</a></li>
<li>Tax <a href="/odoo/account.tax/6">Cake 19%</a></li>
</ul></details></li>
<li>The journal was renamed.</li>
<li><p>Please check the lock dates.</p></li>
</ul>
<h2>Upgrade report: 18.0</h2>
<h3>Disabled views</h3><ul><li><details><summary>Disabled.</summary><ul><li><a href="#id=1203&amp;model=ir.ui.view">x</a><li><a href="#id=1204">y</a></ul></details></ul>
<h3>Other</h3><ul></ul>`

func TestReport(t *testing.T) {
	r, err := ReadReport(strings.NewReader(upgraded))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(r)
	const group1, group2 = `"group":"The below custom views have been disabled during the migration."`, `"group":"Taxes were changed."`
	want := `{"steps":[{"version":"17.0","categories":[` +
		`{"name":"Disabled views","total":2,"entries":[{"text":"sale.order.form.bakery",` + group1 + `,"id":1201,"model":"ir.ui.view"},{"text":"res.partner.form \u003cb\u003e",` + group1 + `,"id":1202,"model":"ir.ui.view"}]},` +
		`{"name":"Overridden views","total":1,"entries":[{"text":"sale.view_order_form Original Copy","group":"The below standard views have been overridden.","id":800}]},` +
		`{"name":"Accounting","total":252,"entries":[{"text":"Tax Bread 7%",` + group2 + `,"id":5,"model":"account.tax"},{"text":"Tax Cake 19%",` + group2 + `,"id":6,"model":"account.tax"},{"text":"The journal was renamed."},{"text":"Please check the lock dates."}]}]},` +
		`{"version":"18.0","categories":[{"name":"Disabled views","total":2,"entries":[{"text":"x","group":"Disabled.","id":1203,"model":"ir.ui.view"},{"text":"y","group":"Disabled.","id":1204}]},{"name":"Other","total":0,"entries":[]}]}]}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if r.DisabledViews() != 4 || r.String() != "Disabled views: 4, Overridden views: 1, Accounting: 252" {
		t.Errorf("%d, %s", r.DisabledViews(), r)
	}
}

// TestHostileReport has what no report has: it is bounded, and nothing fails.
func TestHostileReport(t *testing.T) {
	deep := "<h3>Deep</h3>" + strings.Repeat("<ul><li>x", 100000)
	wide := "<h3>Wide</h3><ul>" + strings.Repeat("<li>x</li>", 3*maxEntries) + "</ul>"
	for name, text := range map[string]string{
		"deep": deep, "wide": wide, "many categories": strings.Repeat("<h3>c</h3>", 100000), "many steps": strings.Repeat("<h2>18.0</h2>", 100000),
		"long text": "<h3>x</h3><li>" + strings.Repeat("x", 900<<10), "unclosed": "<h3>x<ul><li>y<script>", "closed only": "<h2>1.0</h2></li></ul></h3></h2>",
	} {
		r, err := ReadReport(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if encoded, _ := json.Marshal(r); len(encoded) > 4<<20 {
			t.Errorf("%s: %d bytes", name, len(encoded))
		}
	}
	if r, _ := ReadReport(strings.NewReader(wide)); r.Counts()[0].Total != 3*maxEntries || len(r.Counts()[0].Entries) != maxEntries {
		t.Errorf("wide: %d", r.Counts()[0].Total)
	}
	for _, text := range []string{"", "bytes\x00\xff", "<html><p>login</p>"} {
		if _, err := ReadReport(strings.NewReader(text)); !errors.Is(err, ErrNotReport) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzReport reads anything.
func FuzzReport(f *testing.F) {
	f.Add(upgraded)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ReadReport(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, c := range r.Counts() {
			if c.Total < int64(len(c.Entries)) || c.Name == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}
