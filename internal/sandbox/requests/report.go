package requests

import (
	"fmt"
	"html"
	"strings"
)

// View is one that an engine switched off.
type View struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// Report is what an engine changed, as the platform reports it: HTML, upgrade-report.html.
func (r Record) Report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<h2> Congratulations, you have just upgraded to Odoo %s </h2>\n<p> Here are changes that may impact day to day flows in this new version. </p>\n", html.EscapeString(r.Target))
	if len(r.Disabled) > 0 {
		b.WriteString("<h3>Disabled views</h3>\n<ul>\n<li><details><summary>The below custom views have been disabled during the migration because they were no longer valid.</summary>\n<ul>\n")
		for _, v := range r.Disabled {
			fmt.Fprintf(&b, "<li><a target=\"_blank\" href=\"/web?debug=1#view_type=form&amp;model=ir.ui.view&amp;id=%d\">%s</a></li>\n", v.ID, html.EscapeString(v.Name))
		}
		b.WriteString("</ul></details></li>\n</ul>\n")
	}
	fmt.Fprintf(&b, "<h3>Other</h3>\n<ul>\n<li>%s</li>\n<li>%s</li>\n</ul>\n", html.EscapeString(r.Message), html.EscapeString(r.Notes))
	return b.String()
}
