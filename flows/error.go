package flows

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Params are the values of an error's sentence, for translation and for programs.
type Params map[string]any

// Severity says whether a problem keeps a flow from running; lines of a log may be only information.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// Path points at the place of a problem. Every part is optional.
type Path struct {
	Node   string `json:"node,omitempty"`   // node id
	Port   string `json:"port,omitempty"`   // port of that node
	Field  string `json:"field,omitempty"`  // config field such as `condition` or `fields[2].expression`
	Offset int    `json:"offset,omitempty"` // first character inside that config field, 1-based; 0 when unknown
	Length int    `json:"length,omitempty"` // characters from Offset; 0 when unknown
	File   string `json:"file,omitempty"`   // data file or document
	Line   int64  `json:"line,omitempty"`   // line of that file, 1-based
	Record int64  `json:"record,omitempty"` // record of that file, 1-based, header not counted
	Column string `json:"column,omitempty"` // field of the record
}

func (p Path) String() string {
	var parts []string
	add := func(label, value string) {
		if value != "" {
			parts = append(parts, label+" "+value)
		}
	}
	add("node", p.Node)
	add("port", p.Port)
	if p.Field != "" && p.Offset > 0 {
		add("setting", fmt.Sprintf("%s at %d", p.Field, p.Offset))
	} else {
		add("setting", p.Field)
	}
	add("file", p.File)
	if p.Line > 0 {
		add("line", fmt.Sprint(p.Line))
	}
	if p.Record > 0 {
		add("record", fmt.Sprint(p.Record))
	}
	if p.Column != "" {
		add("field", p.Column)
	}
	return strings.Join(parts, ", ")
}

// Error is an error that a person can act on: a code for programs, a place, a sentence and what to do.
type Error struct {
	Code       string   `json:"code"`
	Severity   Severity `json:"severity,omitempty"` // empty means error
	Params     Params   `json:"params,omitempty"`
	Path       Path     `json:"path,omitzero"`
	Message    string   `json:"message"`
	Suggestion string   `json:"suggestion,omitempty"`
	Cause      error    `json:"-"`
}

// Error writes the place, the sentence and the suggestion on one line.
func (e *Error) Error() string {
	s := e.Message
	if p := e.Path.String(); p != "" {
		s = p + ": " + s
	}
	if e.Suggestion != "" {
		s += "; " + e.Suggestion
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }

// At returns a copy of e whose empty path parts are filled from p.
func (e *Error) At(p Path) *Error {
	c := *e
	fill := func(dst *string, v string) {
		if *dst == "" {
			*dst = v
		}
	}
	fill(&c.Path.Node, p.Node)
	fill(&c.Path.Port, p.Port)
	fill(&c.Path.Field, p.Field)
	fill(&c.Path.File, p.File)
	fill(&c.Path.Column, p.Column)
	if c.Path.Line == 0 {
		c.Path.Line = p.Line
	}
	if c.Path.Record == 0 {
		c.Path.Record = p.Record
	}
	if c.Path.Offset == 0 {
		c.Path.Offset, c.Path.Length = p.Offset, p.Length
	}
	return &c
}

// AsError returns the *Error inside err, or wraps err as an internal one. nil stays nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if ps, ok := errors.AsType[Problems](err); ok && len(ps) > 0 {
		return ps[0]
	}
	return &Error{Code: "internal", Message: err.Error(), Cause: err}
}

// Problems are all the findings of one validation.
type Problems []*Error

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Failed reports whether one of them is an error and not only a warning.
func (ps Problems) Failed() bool {
	return slices.ContainsFunc(ps, func(e *Error) bool { return e.Severity != SeverityWarning })
}

// Err returns ps as an error if one of them is more than a warning.
func (ps Problems) Err() error {
	if ps.Failed() {
		return ps
	}
	return nil
}

// Without hides these values in all problems.
func (ps Problems) Without(secrets []string) Problems { return NewScrubber(secrets).Problems(ps) }

// quoted puts a value that somebody else wrote into a sentence: escaped, and not longer than a sentence bears.
func quoted(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return strconv.Quote(string(r[:most])) + "…"
	}
	return strconv.Quote(s)
}

// Nearest returns the candidate closest to word by edit distance, "" if none is near enough to be a misspelling.
// Letter case costs nothing.
func Nearest(word string, candidates []string) string {
	best, bestAt := "", max(1, min(3, len(word)/3))+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c), bestAt); d < bestAt {
			best, bestAt = c, d
		}
	}
	return best
}

// DidYouMean returns a suggestion sentence for a misspelt word, or the list of what there is.
func DidYouMean(word string, candidates []string) string {
	if c := Nearest(word, candidates); c != "" {
		return fmt.Sprintf("did you mean %q?", c)
	}
	if n := len(candidates); n == 0 {
		return "there is none to choose from"
	} else if n > 12 {
		return fmt.Sprintf("there are %s and %d more", strings.Join(candidates[:12], ", "), n-12)
	}
	return "there is " + strings.Join(candidates, ", ")
}

// distance is the optimal string alignment distance (Damerau–Levenshtein without edits across a transposition),
// or limit when it is at least that.
func distance(a, b string, limit int) int {
	if abs(len(a)-len(b)) >= limit {
		return limit
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return min(prev[len(b)], limit)
}

func abs(i int) int {
	if i < 0 {
		return -i
	}
	return i
}
