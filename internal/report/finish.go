package report

import (
	"encoding/json"
	"errors"

	"odoo-upgrade-action/internal/advice"
	"odoo-upgrade-action/internal/job"
	"odoo-upgrade-action/internal/upgrade"
)

// Explanation is how the end of a run is explained to people.
type Explanation struct {
	Title   string // a few words
	Text    string // what happened and what the platform is doing now, one paragraph
	Next    string // what to do next, one paragraph, or ""
	Command string // the command that continues the request, or ""
	Code    string // the YAML or the shell command that does, or ""
	Request string // text to ask for help with, or ""
	Fine    bool   // whether the command did what it was asked to do
}

// Finish reports how the run ended: the remaining outputs, one annotation unless all
// is well, and the summary.
func (r *Report) Finish(e job.Ending, why Explanation) {
	r.endLog()
	r.out.Ending()
	if e.Status.State != "" {
		r.maskURLs(e.Status)
		if r.hushed {
			e.Status.Fields, e.Status.Links = nil, nil
		}
		r.outputs.bytes, r.full = min(r.outputs.bytes, maxOutputs/4), false // the last status is written in any case
		r.statusOutputs(e.Status)
	}
	r.output("failures", failuresJSON(e.Err))
	r.output("result", string(e.Result))
	r.causes(e, why.Fine)
	text := why.Text
	if len(e.Causes) > 0 {
		text += " " + advice.Sentence(e.Causes[0].Text()) + "\n" + e.Causes[0].Advice
	}
	if why.Next != "" {
		text += "\n" + why.Next
	}
	switch {
	case !why.Fine:
		r.out.Error(why.Title, text)
	case e.Err != nil, e.Result == job.UpgradeFailed:
		r.warn(why.Title, text)
	default:
		r.info(why.Title + ". " + text)
	}
	if why.Code != "" {
		r.info("To continue:")
		r.info(why.Code)
	}
	if err := r.out.Summary(r.summary(e, why)); err != nil {
		r.warn("Job summary", err.Error())
	}
}

// failuresJSON lists the platform's failures in the shape in which they came,
// "[]" if there are none.
func failuresJSON(err error) string {
	list := []map[string]any{}
	if refused, ok := errors.AsType[*upgrade.RefusedError](err); ok {
		for _, f := range refused.Failures {
			entry := map[string]any{"reason": f.Reason, "message": f.Message}
			for key, value := range f.Other {
				entry[key] = value
			}
			for key, value := range map[string]string{"code": f.Code, "value": f.Value} {
				if value != "" {
					entry[key] = value
				}
			}
			if len(f.Expected) > 0 {
				entry["expected"] = f.Expected
			}
			list = append(list, entry)
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return "[]"
	}
	return string(text)
}
