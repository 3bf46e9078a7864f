// Package xmljson writes XML as JSON: attributes with @, text beside them as #text, elements of one name as a list.
package xmljson

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep elements may be nested.
const MaxDepth = 1000

// element is one that has been read.
type element struct {
	name     string
	attrs    []xml.Attr
	children []*element
	text     strings.Builder
}

// Append appends the JSON of an XML document to dst. arrays are names of elements, or their paths, which begin with a slash,
// that are lists also where there is one of them only. join keeps the text of elements that have both text and elements; else it is
// an error. Errors are parts of a sentence, with line and character.
func Append(dst []byte, document string, arrays []string, join bool) ([]byte, error) {
	r := reader{join: join}
	root, err := r.read(document)
	if err != nil {
		return dst, err
	}
	w := jsonWriter{arrays: arrays, out: append(dst, '{')}
	w.member(root.name)
	if path := "/" + root.name; w.always(path, root.name) {
		w.list([]*element{root}, path)
	} else {
		w.element(root, path)
	}
	return append(w.out, '}'), nil
}

type reader struct {
	dec   *xml.Decoder
	join  bool
	stack []*element
	root  *element
}

// read returns the root element. Entities are the five of XML and numbers of characters: others are refused, and so is a
// document type that could declare some. Names stand as they are written, with their prefixes.
func (r *reader) read(text string) (*element, error) {
	r.dec = xml.NewDecoder(strings.NewReader(strings.TrimPrefix(text, "\uFEFF")))
	r.dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is decoded, whatever it was
	for {
		token, err := r.dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.take(token)
		}
		if err != nil {
			line, column := r.dec.InputPos()
			return nil, fmt.Errorf("line %d, character %d: %s", line, column, plain(err))
		}
	}
	switch {
	case len(r.stack) > 0:
		return nil, fmt.Errorf("it ends inside of the element %s", r.path())
	case r.root == nil:
		return nil, errors.New("there is no element in it")
	}
	return r.root, nil
}

// plain is an error of the decoder as a part of a sentence.
func plain(err error) string {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return syntax.Msg
	}
	return strings.TrimPrefix(err.Error(), "xml: ")
}

func (r *reader) path() string {
	var b strings.Builder
	for _, e := range r.stack {
		b.WriteString("/" + e.name)
	}
	return b.String()
}

func (r *reader) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return r.open(t)
	case xml.EndElement:
		return r.close(written(t.Name))
	case xml.CharData:
		if len(r.stack) > 0 {
			r.stack[len(r.stack)-1].text.Write(t)
		} else if !blank(string(t)) {
			return errors.New("there is text outside of the root element")
		}
	case xml.Directive:
		if strings.Contains(string(t), "[") {
			return errors.New("the document type declares something of its own, such as entities, which are never expanded")
		}
	}
	return nil
}

func (r *reader) open(t xml.StartElement) error {
	e := &element{name: written(t.Name), attrs: slices.Clone(t.Attr)}
	seen := make(map[string]bool, len(e.attrs))
	for _, a := range e.attrs {
		if name := written(a.Name); seen[name] {
			return fmt.Errorf("the element %s has the attribute %s twice", e.name, name)
		} else {
			seen[name] = true
		}
	}
	switch {
	case len(r.stack) == MaxDepth:
		return fmt.Errorf("elements are nested deeper than %d", MaxDepth)
	case len(r.stack) > 0:
		parent := r.stack[len(r.stack)-1]
		parent.children = append(parent.children, e)
	case r.root != nil:
		return fmt.Errorf("there is a second root element, %s", e.name)
	default:
		r.root = e
	}
	r.stack = append(r.stack, e)
	return nil
}

func (r *reader) close(name string) error {
	if len(r.stack) == 0 {
		return fmt.Errorf("</%s> ends nothing", name)
	}
	e := r.stack[len(r.stack)-1]
	if e.name != name {
		return fmt.Errorf("</%s> stands where <%s> ends", name, e.name)
	}
	if len(e.children) > 0 && !r.join && !blank(e.text.String()) {
		return fmt.Errorf("the element %s has text beside elements", r.path())
	}
	r.stack = r.stack[:len(r.stack)-1]
	return nil
}

// written is a name as it stands in the text.
func written(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// blank reports whether a text is white space as XML knows it.
func blank(s string) bool { return strings.Trim(s, " \t\r\n") == "" }

type jsonWriter struct {
	arrays []string
	out    []byte
}

func (w *jsonWriter) always(path, name string) bool {
	return slices.Contains(w.arrays, path) || slices.Contains(w.arrays, name)
}

func (w *jsonWriter) text(s string) {
	w.out, _ = jsontext.AppendQuote(w.out, s) // only what is no UTF-8 is an error, and the decoder has refused that
}

// member begins a member of an object.
func (w *jsonWriter) member(name string) {
	if w.out[len(w.out)-1] != '{' {
		w.out = append(w.out, ',')
	}
	w.text(name)
	w.out = append(w.out, ':')
}

func (w *jsonWriter) list(all []*element, path string) {
	w.out = append(w.out, '[')
	for i, e := range all {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.element(e, path)
	}
	w.out = append(w.out, ']')
}

// element writes a text, or an object of attributes, elements and text.
func (w *jsonWriter) element(e *element, path string) {
	text := e.text.String()
	if len(e.attrs)+len(e.children) == 0 {
		w.text(text)
		return
	}
	w.out = append(w.out, '{')
	for _, a := range e.attrs {
		w.member("@" + written(a.Name))
		w.text(a.Value)
	}
	var names []string
	same := map[string][]*element{}
	for _, c := range e.children {
		if same[c.name] == nil {
			names = append(names, c.name)
		}
		same[c.name] = append(same[c.name], c)
	}
	for _, name := range names {
		w.member(name)
		below := path + "/" + name
		if all := same[name]; len(all) > 1 || w.always(below, name) {
			w.list(all, below)
		} else {
			w.element(all[0], below)
		}
	}
	if len(e.children) > 0 && blank(text) {
		text = "" // between elements
	}
	if text != "" {
		w.member("#text")
		w.text(text)
	}
	w.out = append(w.out, '}')
}
