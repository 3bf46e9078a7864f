package xmljson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"spark/flows/expr"
	"spark/internal/xmljson"
)

// decoders are large, and one is used for many texts.
var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(strings.NewReader("")) }}

// writing makes XML of JSON. root stands around everything; "" takes the only member.
func writing(root string, declaration bool) *expr.Native {
	return &expr.Native{Name: "json_to_xml", Call: func(dst []byte, args []string) ([]byte, error) {
		dec := decoders.Get().(*jsontext.Decoder)
		defer decoders.Put(dec)
		dec.Reset(bytes.NewBufferString(args[0]))
		v, err := readValue(dec, 0)
		if err == nil {
			_, err = dec.ReadToken()
		}
		if !errors.Is(err, io.EOF) {
			return dst, unread(err)
		}
		if root == "" {
			if v.kind != '{' || len(v.items) != 1 || v.items[0].kind == '[' || strings.HasPrefix(v.items[0].name, "@") || v.items[0].name == "#text" {
				return dst, errors.New("it is not an object with one member, which would be the root element; name one in the settings")
			}
			v, root := v.items[0], v.items[0].name
			return writeDocument(dst, root, v, declaration)
		}
		if v.kind == '[' {
			return dst, fmt.Errorf("it is a list, and there can be only one %s", root)
		}
		return writeDocument(dst, root, v, declaration)
	}}
}

func unread(err error) error {
	switch {
	case err == nil:
		return errors.New("something follows the JSON")
	case errors.Is(err, errDeep):
		return err
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("an object has a member twice")
	}
	return errors.New("it is no JSON")
}

// value is JSON that has been read, its members in their order and numbers as they are written.
type value struct {
	kind  jsontext.Kind // { [ " 0 t f n
	name  string        // of the member
	text  string
	items []value
}

var errDeep = fmt.Errorf("it is nested deeper than %d", xmljson.MaxDepth)

func readValue(dec *jsontext.Decoder, depth int) (v value, err error) {
	t, err := dec.ReadToken()
	if err != nil {
		return v, noEnd(err)
	}
	v = value{kind: t.Kind()}
	if v.kind != '{' && v.kind != '[' {
		v.text = t.String()
		return v, nil
	}
	if depth == xmljson.MaxDepth {
		return v, errDeep
	}
	for {
		if k := dec.PeekKind(); k == '}' || k == ']' {
			_, err := dec.ReadToken()
			return v, noEnd(err)
		}
		name := ""
		if v.kind == '{' {
			t, err := dec.ReadToken()
			if err != nil {
				return v, noEnd(err)
			}
			name = t.String()
		}
		item, err := readValue(dec, depth+1)
		if err != nil {
			return v, err
		}
		item.name = name
		v.items = append(v.items, item)
	}
}

// noEnd tells the end inside of a value from the one behind it.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func writeDocument(dst []byte, root string, v value, declaration bool) ([]byte, error) {
	if declaration {
		dst = append(dst, `<?xml version="1.0" encoding="UTF-8"?>`...)
	}
	w := xmlWriter{out: dst}
	w.element(root, v, "/"+pointer(root))
	return w.out, w.err
}

type xmlWriter struct {
	out []byte
	err error // the first one
}

// inPointer writes a step of a JSON pointer.
var inPointer = strings.NewReplacer("~", "~0", "/", "~1")

func pointer(step string) string { return inPointer.Replace(step) }

func (w *xmlWriter) fail(at, format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
	}
}

// name is what elements and attributes may be called, with one prefix at most.
var name = regexp.MustCompile(`^[\pL_][\pL\pM\pN_.·-]*(?::[\pL_][\pL\pM\pN_.·-]*)?$`)

func isName(s string) bool { return isSimple(s) || name.MatchString(s) }

// isSimple reports whether s is a name of ASCII letters, digits and _, as most are.
func isSimple(s string) bool {
	for i := range len(s) {
		c := s[i]
		if letter := c == '_' || c|32 >= 'a' && c|32 <= 'z'; !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// element writes a value as an element. at is its place in the JSON.
func (w *xmlWriter) element(called string, v value, at string) {
	if !isName(called) {
		w.fail(at, "%q cannot be the name of an element", clip(called))
	}
	if w.err != nil {
		return
	}
	w.out = append(append(w.out, '<'), called...)
	if v.kind == '{' {
		w.attributes(v, at)
	}
	body := len(w.out)
	w.out = append(w.out, '>')
	if v.kind == '{' {
		for _, m := range v.items {
			w.member(m, at+"/"+pointer(m.name))
		}
	} else {
		w.text(v, at)
	}
	if len(w.out) == body+1 { // nothing is in it
		w.out = append(w.out[:body], "/>"...)
		return
	}
	w.out = append(append(append(w.out, "</"...), called...), '>')
}

func (w *xmlWriter) attributes(v value, at string) {
	for _, m := range v.items {
		called, is := strings.CutPrefix(m.name, "@")
		if !is {
			continue
		}
		at := at + "/" + pointer(m.name)
		if !isName(called) {
			w.fail(at, "%q cannot be the name of an attribute", clip(called))
			return
		}
		w.out = append(append(append(w.out, ' '), called...), `="`...)
		w.text(m, at)
		w.out = append(w.out, '"')
	}
}

func (w *xmlWriter) member(m value, at string) {
	switch {
	case strings.HasPrefix(m.name, "@"):
	case m.name == "#text":
		w.text(m, at)
	case m.kind == '[':
		for i, item := range m.items {
			if at := fmt.Sprintf("%s/%d", at, i); item.kind == '[' {
				w.fail(at, "a list in a list has no form in XML")
			} else {
				w.element(m.name, item, at)
			}
		}
	default:
		w.element(m.name, m, at)
	}
}

// text writes a value that is no object and no list; null is nothing. White space that a reader would change is written as
// numbers.
func (w *xmlWriter) text(v value, at string) {
	switch v.kind {
	case '{', '[':
		w.fail(at, "an attribute or a text is one value, and no object or list")
		return
	case 'n':
		return
	}
	for _, r := range v.text {
		switch {
		case r == '&':
			w.out = append(w.out, "&amp;"...)
		case r == '<':
			w.out = append(w.out, "&lt;"...)
		case r == '>':
			w.out = append(w.out, "&gt;"...)
		case r == '"':
			w.out = append(w.out, "&quot;"...)
		case r == '\t' || r == '\n' || r == '\r':
			w.out = fmt.Appendf(w.out, "&#%d;", r)
		case r < ' ' || r == 0xFFFE || r == 0xFFFF:
			w.fail(at, "the character U+%04X cannot stand in XML", r)
			return
		default:
			w.out = append(w.out, string(r)...)
		}
	}
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
