package openapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"

	"spark/flows"
)

// value is a value of a document, with its members in their order. Aliases of YAML are shared, not copied, so that a document
// is never larger than its text.
type value struct {
	kind    byte // {, [, " (text), 0 (number), t (boolean) or n (null)
	text    string
	items   []*value
	names   []string
	members map[string]*value
}

// get is a member, nil where there is none; of nil, too.
func (v *value) get(name string) *value {
	if v == nil {
		return nil
	}
	return v.members[name]
}

// str is the text of a scalar, "" of anything else.
func (v *value) str() string {
	if v == nil || v.kind == '{' || v.kind == '[' || v.kind == 'n' {
		return ""
	}
	return v.text
}

func (v *value) yes() bool { return v.str() == "true" }

func (v *value) list() []*value {
	if v == nil {
		return nil
	}
	return v.items
}

func (v *value) put(name string, m *value) {
	if v.members == nil {
		v.members = map[string]*value{}
	}
	if _, again := v.members[name]; !again {
		v.names = append(v.names, name)
	}
	v.members[name] = m
}

// parse reads JSON or YAML. Its error says in which line.
func parse(text []byte) (*value, error) {
	text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	switch first := bytes.TrimSpace(text); {
	case len(first) == 0:
		return nil, syntax("it is empty", 0)
	case !utf8.Valid(text):
		return nil, syntax("it is not UTF-8", 0)
	case first[0] == '<':
		return nil, syntax("it is a web page or XML", 1)
	case first[0] == '{':
		return parseJSON(text)
	}
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		return nil, syntax(strings.TrimPrefix(err.Error(), "yaml: "), 0)
	}
	t := aliases{}
	return t.value(&n), nil
}

func syntax(why string, line int) error {
	if line > 0 {
		why = fmt.Sprintf("line %d: %s", line, why)
	}
	if r := []rune(why); len(r) > 200 {
		why = string(r[:200]) + "…"
	}
	return &flows.Error{Code: "openapi.syntax", Message: "the document cannot be read: " + why, Suggestion: "choose an OpenAPI document as JSON or YAML, whole and in UTF-8"}
}

func parseJSON(text []byte) (*value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	v, err := readJSON(d)
	if err == nil {
		if _, err = d.ReadToken(); errors.Is(err, io.EOF) {
			return v, nil
		}
		if err == nil {
			err = errors.New("more follows behind the document")
		}
	}
	at := d.InputOffset()
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at, err = s.ByteOffset, s.Err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		at, err = int64(len(text)), errors.New("it ends too early")
	}
	return nil, syntax(strings.TrimPrefix(err.Error(), "jsontext: "), 1+bytes.Count(text[:min(at, int64(len(text)))], []byte{'\n'}))
}

func readJSON(d *jsontext.Decoder) (*value, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	v := &value{kind: byte(t.Kind())}
	switch v.kind {
	case '{':
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String()
			m, err := readJSON(d)
			if err != nil {
				return nil, err
			}
			v.put(key, m)
		}
		_, err = d.ReadToken()
	case '[':
		for d.PeekKind() != ']' {
			m, err := readJSON(d)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, m)
		}
		_, err = d.ReadToken()
	case 'f':
		v.kind, v.text = 't', "false"
	default:
		v.text = t.String()
	}
	return v, err
}

// aliases are the values of nodes that are referred to more than once.
type aliases map[*yaml.Node]*value

func (t aliases) value(n *yaml.Node) *value {
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) > 0 {
			return t.value(n.Content[0])
		}
	case yaml.AliasNode:
		if v, ok := t[n.Alias]; ok {
			return v
		}
		return t.value(n.Alias)
	case yaml.MappingNode:
		v := &value{kind: '{'}
		t.note(n, v)
		for i := 0; i+1 < len(n.Content); i += 2 {
			v.put(n.Content[i].Value, t.value(n.Content[i+1]))
		}
		return v
	case yaml.SequenceNode:
		v := &value{kind: '['}
		t.note(n, v)
		for _, c := range n.Content {
			v.items = append(v.items, t.value(c))
		}
		return v
	case yaml.ScalarNode:
		kind := map[string]byte{"!!int": '0', "!!float": '0', "!!bool": 't', "!!null": 'n'}[n.ShortTag()]
		if kind == 0 {
			kind = '"'
		}
		return &value{kind: kind, text: n.Value}
	}
	return &value{kind: 'n'}
}

func (t aliases) note(n *yaml.Node, v *value) {
	if n.Anchor != "" {
		t[n] = v
	}
}
