package flows

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// leastSecret is the length, in octets, of the shortest value that is looked for: shorter ones stand everywhere by chance.
const leastSecret = 4

// Scrubber writes *** in the place of secret values, however they are written. It is meant for sentences, not for records:
// those have no secrets, and must not be changed. The zero value leaves everything as it is.
type Scrubber struct {
	forms   []string // longest first
	replace *strings.Replacer
}

// NewScrubber looks for these values.
func NewScrubber(secrets []string) Scrubber {
	var s Scrubber
	for _, secret := range secrets {
		if len(secret) >= leastSecret {
			s.forms = append(s.forms, spellings(secret)...)
		}
	}
	if len(s.forms) == 0 {
		return Scrubber{}
	}
	slices.SortFunc(s.forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a) // a form may be a part of another
		}
		return strings.Compare(a, b)
	})
	s.forms = slices.Compact(s.forms)
	pairs := make([]string, 0, 2*len(s.forms))
	for _, form := range s.forms {
		pairs = append(pairs, form, "***")
	}
	s.replace = strings.NewReplacer(pairs...)
	return s
}

// spellings are the ways in which systems write a value: as it is, quoted as in Go, in SQL, in JSON, in an address, as octets.
func spellings(secret string) []string {
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(secret) // a text always has a form in JSON
	escaped, _ := json.Marshal(secret)
	inside := func(quoted string) string { return strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`) }
	octets := []byte(secret)
	return []string{secret, inside(strconv.Quote(secret)), inside(strconv.QuoteToASCII(secret)), strings.ReplaceAll(secret, "'", "''"), strings.ReplaceAll(secret, `"`, `""`),
		inside(strings.TrimSpace(plain.String())), inside(string(escaped)), url.QueryEscape(secret), url.PathEscape(secret), strings.TrimPrefix(url.UserPassword("", secret).String(), ":"),
		base64.RawStdEncoding.EncodeToString(octets), base64.RawURLEncoding.EncodeToString(octets)}
}

// Text hides the values in a text.
func (s Scrubber) Text(text string) string {
	if s.replace == nil {
		return text
	}
	return s.replace.Replace(text)
}

// Error hides them in an error, whatever its kind; one that holds none stays the same error.
func (s Scrubber) Error(err error) error {
	if err == nil || s.replace == nil {
		return err
	}
	if ps, ok := errors.AsType[Problems](err); ok {
		return s.Problems(ps)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return s.problem(e)
	}
	if text := s.Text(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// Problems hides them in all problems.
func (s Scrubber) Problems(ps Problems) Problems {
	if s.replace == nil {
		return ps
	}
	out := make(Problems, len(ps))
	for i, p := range ps {
		out[i] = s.problem(p)
	}
	return out
}

// problem is a copy of e in which they are hidden wherever they stand. Its cause, which may quote them, is left out.
func (s Scrubber) problem(e *Error) *Error {
	if e == nil || s.replace == nil {
		return e
	}
	c := *e
	c.Message, c.Suggestion, c.Cause = s.Text(e.Message), s.Text(e.Suggestion), nil
	c.Path.Column, c.Path.File = s.Text(e.Path.Column), s.Text(e.Path.File)
	c.Params = Params{}
	for name, v := range e.Params {
		switch x := v.(type) {
		case string:
			v = s.Text(x)
		case []string:
			list := make([]string, len(x))
			for i, text := range x {
				list[i] = s.Text(text)
			}
			v = list
		}
		c.Params[name] = v
	}
	return &c
}

// Nodes hides them in what the statuses of nodes say.
func (s Scrubber) Nodes(nodes []NodeStatus) []NodeStatus {
	if s.replace == nil {
		return nodes
	}
	out := slices.Clone(nodes)
	for i := range out {
		out[i].Reason = s.Text(out[i].Reason)
	}
	return out
}

// Rejects hides them in the sentences of refused records; the records stay.
func (s Scrubber) Rejects(list []Reject) []Reject {
	if s.replace == nil {
		return list
	}
	out := slices.Clone(list)
	for i := range out {
		out[i].Reason = s.Text(out[i].Reason)
	}
	return out
}

// RejectLines is Rejects for lines of AppendReject.
func (s Scrubber) RejectLines(lines []byte) ([]byte, error) {
	if !slices.ContainsFunc(s.forms, func(form string) bool { return bytes.Contains(lines, []byte(form)) }) {
		return lines, nil
	}
	var out []byte
	for line := range bytes.Lines(lines) {
		var r Reject
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, errors.New("a reject cannot be read") // which might quote one of them
		}
		r.Reason = s.Text(r.Reason)
		out = AppendReject(out, &r)
	}
	return out, nil
}
