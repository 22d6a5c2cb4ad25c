// Package advice keeps apart what happened, which an error's text says, and what to do about
// it.
//
// A layer gives advice where it knows some, by New or Give or a method Advice of its own
// error. It names an input in braces, like {server-url}; package cli, which shows Of the error
// that ended a command, writes what the input is called where the user is: an input of a
// workflow, or a flag.
package advice

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// Adviser is an error that knows what to do about it, in sentences.
type Adviser interface {
	error
	Advice() string
}

// advised is an error with advice.
type advised struct {
	error
	do string
}

func (e *advised) Unwrap() error  { return e.error }
func (e *advised) Advice() string { return e.do }

// New returns an error with a text, and what to do about it.
func New(text, do string) error { return &advised{errors.New(text), do} }

// Give adds to an error what to do about it. It returns nil for nil.
func Give(err error, do string) error {
	if err == nil {
		return nil
	}
	return &advised{err, do}
}

// Of returns what to do about an error: the advice of each error in it, the outermost first,
// and none twice.
func Of(err error) string {
	var list []string
	collect(err, &list)
	return strings.Join(list, " ")
}

// Sentence returns a text as a sentence: with a capital letter, unless it begins with a name, and
// a period.
func Sentence(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" && word != "" {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if text == "" || strings.HasSuffix(text, "?") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// Full returns an error's text as a sentence, and what to do about it.
func Full(err error) string { return strings.TrimSpace(Sentence(err.Error()) + " " + Of(err)) }

func collect(err error, list *[]string) {
	if a, ok := err.(Adviser); ok && a.Advice() != "" && !slices.Contains(*list, a.Advice()) {
		*list = append(*list, a.Advice())
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		collect(e.Unwrap(), list)
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			collect(part, list)
		}
	}
}

var inBraces = regexp.MustCompile(`\{[a-z0-9-]+\}`)

// Named writes a text with what name returns for each input in braces. What it returns "" for
// is left as it is: it may be another's text.
func Named(text string, name func(input string) string) string {
	return inBraces.ReplaceAllStringFunc(text, func(braced string) string {
		if called := name(braced[1 : len(braced)-1]); called != "" {
			return called
		}
		return braced
	})
}
