package flows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The document's objects keep the members they do not know. decodeKnown and encodeKnown do that for every struct
// with an Extra field; the plain types below have no methods and so no recursion.

type (
	plainFlow      Flow
	plainParameter Parameter
	plainSettings  Settings
	plainNode      Node
	plainEdge      Edge
	plainEndpoint  Endpoint
)

// UnmarshalJSON keeps unknown members in Extra.
func (f *Flow) UnmarshalJSON(b []byte) error { return decodeKnown(b, (*plainFlow)(f), &f.Extra) }

// MarshalJSON writes unknown members back.
func (f Flow) MarshalJSON() ([]byte, error) {
	if f.Nodes == nil {
		f.Nodes = []Node{}
	}
	if f.Edges == nil {
		f.Edges = []Edge{}
	}
	return encodeKnown(plainFlow(f), f.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (p *Parameter) UnmarshalJSON(b []byte) error {
	err := decodeKnown(b, (*plainParameter)(p), &p.Extra)
	if e, ok := errors.AsType[*Error](err); ok {
		return e.At(Path{Field: "parameters"})
	}
	return err
}

// MarshalJSON writes unknown members back.
func (p Parameter) MarshalJSON() ([]byte, error) { return encodeKnown(plainParameter(p), p.Extra) }

// UnmarshalJSON keeps unknown members in Extra.
func (s *Settings) UnmarshalJSON(b []byte) error {
	return decodeKnown(b, (*plainSettings)(s), &s.Extra)
}

// MarshalJSON writes unknown members back.
func (s Settings) MarshalJSON() ([]byte, error) { return encodeKnown(plainSettings(s), s.Extra) }

// IsZero reports whether nothing is set, so that an empty object is not written.
func (s Settings) IsZero() bool { return reflect.DeepEqual(s, Settings{}) }

// UnmarshalJSON keeps unknown members in Extra.
func (n *Node) UnmarshalJSON(b []byte) error { return decodeKnown(b, (*plainNode)(n), &n.Extra) }

// MarshalJSON writes unknown members back.
func (n Node) MarshalJSON() ([]byte, error) { return encodeKnown(plainNode(n), n.Extra) }

// edgeEnds are the ends of an edge as they are written.
type edgeEnds struct {
	From json.RawMessage `json:"from"`
	To   json.RawMessage `json:"to"`
}

// UnmarshalJSON keeps unknown members in Extra, FromExtra and ToExtra.
func (e *Edge) UnmarshalJSON(b []byte) error {
	if err := decodeKnown(b, (*plainEdge)(e), &e.Extra); err != nil {
		return err
	}
	var ends edgeEnds
	if err := json.Unmarshal(b, &ends); err != nil {
		return err
	}
	if ends.From != nil {
		if err := decodeKnown(ends.From, (*plainEndpoint)(&e.From), &e.FromExtra); err != nil {
			return err
		}
	}
	if ends.To != nil {
		return decodeKnown(ends.To, (*plainEndpoint)(&e.To), &e.ToExtra)
	}
	return nil
}

// MarshalJSON writes unknown members back.
func (e Edge) MarshalJSON() ([]byte, error) {
	from, err := encodeKnown(plainEndpoint(e.From), e.FromExtra)
	if err != nil {
		return nil, err
	}
	to, err := encodeKnown(plainEndpoint(e.To), e.ToExtra)
	if err != nil {
		return nil, err
	}
	return encodeKnown(edgeEnds{from, to}, e.Extra)
}

func decodeKnown(b []byte, known any, extra *Extra) error {
	if err := json.Unmarshal(b, known); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	t := reflect.TypeOf(known).Elem()
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "-" {
			delete(all, name)
		}
	}
	// encoding/json matches names without regard to case; what it took that way is refused rather than kept twice.
	for name := range all {
		if at := slices.IndexFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			return tag != "-" && strings.EqualFold(tag, name)
		}); at >= 0 {
			return &Error{Code: "document.member", Params: Params{"member": name},
				Message:    fmt.Sprintf("%s is spelt with other capitals than the document format does", quoted(name)),
				Suggestion: "write it in the document's own spelling: members are compared exactly"}
		}
	}
	if len(all) > 0 {
		*extra = all
	}
	return nil
}

func encodeKnown(known any, extra Extra) ([]byte, error) {
	b, err := marshal(known)
	if err != nil || len(extra) == 0 {
		return b, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	for k, v := range extra {
		if _, known := all[k]; !known {
			all[k] = v
		}
	}
	return marshal(all)
}

// marshal is json.Marshal without the escapes for HTML: documents are files.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// canonicalJSON sorts members (with last at the end of the top level) and indents; numbers keep their spelling.
func canonicalJSON(b []byte, last string) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	writeCanonical(&out, v, 0, last)
	out.WriteByte('\n')
	if out.Len() > MaxDocumentBytes {
		return nil, &Error{Code: "document.too_large", Params: Params{"limit": MaxDocumentBytes},
			Message:    fmt.Sprintf("written with its indentation the flow document has more than the %d bytes that are allowed", MaxDocumentBytes),
			Suggestion: "keep data in files and not in the flow"}
	}
	return out.Bytes(), nil
}

// writeCanonical stops soon after the limit: indentation can make a deeply nested document a hundred times as large.
func writeCanonical(out *bytes.Buffer, v any, depth int, last string) {
	if out.Len() > MaxDocumentBytes {
		return
	}
	newline := func(d int) { out.WriteByte('\n'); out.WriteString(strings.Repeat("  ", d)) }
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int {
			if (a == last) != (b == last) {
				if a == last {
					return 1
				}
				return -1
			}
			return strings.Compare(a, b)
		})
		out.WriteByte('{')
		for i, k := range keys {
			if i > 0 {
				out.WriteByte(',')
			}
			newline(depth + 1)
			key, _ := marshal(k)
			out.Write(key)
			out.WriteString(": ")
			writeCanonical(out, v[k], depth+1, "")
		}
		if len(keys) > 0 {
			newline(depth)
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			newline(depth + 1)
			writeCanonical(out, e, depth+1, "")
		}
		if len(v) > 0 {
			newline(depth)
		}
		out.WriteByte(']')
	default:
		s, _ := marshal(v)
		out.Write(s)
	}
}

// checkJSON refuses what encoding/json would pass over in silence: two members of one name, text that is not UTF-8,
// more than one value, and sizes that no drawing has.
func checkJSON(b []byte) error {
	if len(b) > MaxDocumentBytes {
		return &Error{Code: "document.too_large", Params: Params{"bytes": len(b), "limit": MaxDocumentBytes},
			Message: fmt.Sprintf("the flow document has %d bytes and %d are allowed", len(b), MaxDocumentBytes), Suggestion: "is this really a flow document?"}
	}
	if !utf8.Valid(b) {
		return &Error{Code: "document.encoding", Message: "the flow document is not UTF-8", Suggestion: "save it as UTF-8"}
	}
	if bytes.HasPrefix(b, []byte("\uFEFF")) {
		return &Error{Code: "document.encoding", Path: Path{Line: 1}, Message: "the flow document begins with a byte order mark",
			Suggestion: "save it as UTF-8 without one"}
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := walkJSON(dec, b, 0); err != nil {
		return documentError(b, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return &Error{Code: "document.syntax", Path: Path{Line: lineAt(b, dec.InputOffset())},
			Message: "there is text after the end of the flow document", Suggestion: "remove it"}
	}
	if at := loneSurrogate(b); at >= 0 {
		return &Error{Code: "document.encoding", Path: Path{Line: lineAt(b, int64(at))},
			Message:    fmt.Sprintf("%s is half a character: a surrogate without its other half", b[at:at+6]),
			Suggestion: "write the character itself, or both halves"}
	}
	return nil
}

// loneSurrogate returns where valid JSON escapes half of a surrogate pair, which encoding/json would replace by
// U+FFFD, or -1.
func loneSurrogate(b []byte) int {
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		r := escapedRune(b[i:])
		switch {
		case !utf16.IsSurrogate(r):
			i++ // the escaped character, which may be another backslash
		case utf16.DecodeRune(r, escapedRune(b[i+6:])) == utf8.RuneError:
			return i
		default:
			i += 11
		}
	}
	return -1
}

// escapedRune returns the number in the \uXXXX that b begins with, or -1.
func escapedRune(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

func walkJSON(dec *json.Decoder, b []byte, depth int) error {
	if depth > MaxDocumentDepth {
		return &Error{Code: "document.too_deep", Params: Params{"limit": MaxDocumentDepth}, Path: Path{Line: lineAt(b, dec.InputOffset())},
			Message: fmt.Sprintf("the flow document is nested more than %d deep", MaxDocumentDepth), Suggestion: "is this really a flow document?"}
	}
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for dec.More() {
		if delim == '{' {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if seen[name] {
				return &Error{Code: "document.duplicate", Params: Params{"member": name}, Path: Path{Line: lineAt(b, dec.InputOffset())},
					Message: fmt.Sprintf("the member %s occurs twice in one object", quoted(name)), Suggestion: "remove one of them"}
			}
			seen[name] = true
		}
		if err := walkJSON(dec, b, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// documentError turns an error of encoding/json into a sentence with a line.
func documentError(b []byte, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := &Error{Code: "document.syntax", Message: "the flow document is not valid JSON: " + err.Error(),
		Suggestion: "check the text at that line", Cause: err}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		e.Message, e.Suggestion = "the flow document ends in the middle", "get a complete copy of the file"
		e.Path.Line = lineAt(b, int64(len(b)))
	}
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		e.Path.Line = lineAt(b, se.Offset)
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		e.Code, e.Path = "document.type", Path{Line: lineAt(b, te.Offset), Field: te.Field}
		e.Message = fmt.Sprintf("the flow document has %s where %s is expected", valueWords(te.Value), typeWords(te.Type))
		e.Suggestion = "compare it with a document exported by this version"
	}
	return e
}

// placed finds the place of a type error in the whole document: encoding/json counts from the beginning of the object
// whose UnmarshalJSON failed, and the types below have none.
func placed(b []byte, err error) error {
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok {
		return err
	}
	var shape struct {
		plainFlow
		Parameters []plainParameter `json:"parameters"`
		Settings   plainSettings    `json:"settings"`
		Nodes      []plainNode      `json:"nodes"`
		Edges      []plainEdge      `json:"edges"`
	}
	again := json.Unmarshal(b, &shape)
	if again == nil {
		return err
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](again); ok {
		te.Field = strings.TrimPrefix(te.Field, "plainFlow.")
	}
	return again
}

// valueWords says in words what encoding/json calls "string" or "number 1.5".
func valueWords(v string) string {
	switch v {
	case "string":
		return "text"
	case "array":
		return "a list"
	case "bool":
		return "true or false"
	case "object":
		return "an object"
	case "number":
		return "a number"
	}
	return "the " + v
}

// typeWords names a Go type of the document in the words of JSON.
func typeWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	default:
		return "a whole number"
	}
}

func lineAt(b []byte, offset int64) int64 {
	return 1 + int64(bytes.Count(b[:min(int64(len(b)), max(0, offset))], []byte("\n")))
}
