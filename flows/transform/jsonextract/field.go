package jsonextract

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

// planner builds the projection: of the record and, where each element of an array becomes one, of its elements.
type planner struct {
	*node.Context
	doc          string
	in           flows.Schema
	schema       flows.Schema // of the input and what is computed once
	record, each node.Project
	op           *node.Project // the one that is being built
	array        string        // the path of the array, "" where a record stays one
	parts        string        // the parts that are being read
	present      string        // a condition for the element being there, and more
}

func newPlanner(c *node.Context, doc string, in flows.Schema) *planner {
	p := &planner{Context: c, doc: doc, in: in, schema: slices.Clone(in), parts: parts}
	p.op = &p.record
	return p
}

// What is computed once: the parts of a record and of an element as json_read returns them, the element, and its place.
const (
	parts        = "__spark_json"
	elementParts = "__spark_jsone"
	item         = "__spark_item"
	position     = "__spark_position"
)

// each is how a path says each element of an array.
const each = "[*]"

// share computes something once for each record; false after reporting what is wrong with it.
func (p *planner) share(field, name, src string) bool {
	e := p.Expr(field, src, p.schema)
	if e == nil {
		return false
	}
	p.op.Shared = append(p.op.Shared, node.Column{Name: name, Expr: e})
	p.schema = append(p.schema, flows.Field{Name: name, Type: e.Type()})
	return true
}

func (p *planner) refuse(field, cond, code, message string, fail bool, explain func(string) string) {
	if e := p.Condition(field, cond, p.schema); e != nil {
		p.op.Checks = append(p.op.Checks, node.Check{Cond: e, Field: p.doc, Code: code, Message: message, Fail: fail, Explain: explain})
	}
}

// iterates takes the path of the array; false after reporting what is wrong with it.
func (p *planner) iterates(path string) bool {
	if path == "" {
		return true
	}
	if outer, inner, ok := cut(path); ok && inner == "$" {
		path = outer
	}
	if _, _, nested := cut(path); nested {
		p.Problem("each", "json.path", fmt.Sprintf("%q goes through an array inside an array", path), "choose the outer array, take the inner one as list<json>, and its elements with another JSON Extract")
		return false
	}
	steps, err := expr.ParsePath(path)
	if err != nil {
		p.Problem("each", "json.path", fmt.Sprintf("%q is no path: %v", path, err), "write for example $.items[*], or $[*] for a text that is an array itself")
		return false
	}
	p.array = expr.FormatPath(steps)
	return true
}

// cut takes a path apart at the first [*]: the path of the array, and that of what is in the element, from $ on.
func cut(path string) (outer, inner string, ok bool) {
	for i := range path {
		if !strings.HasPrefix(path[i:], each) {
			continue
		}
		if _, err := expr.ParsePath(path[:i]); err == nil { // otherwise it stands in a key
			return path[:i], "$" + path[i+len(each):], true
		}
	}
	return "", "", false
}

// sound reports what is wrong with the paths, types and defaults of fields, and then false.
func (p *planner) sound(fields []Field) bool {
	ok := true
	problem := func(at, code, message, suggestion string) {
		p.Problem(at, code, message, suggestion)
		ok = false
	}
	for i, f := range fields {
		at := fmt.Sprintf("fields[%d].", i)
		if f.Path == "" || f.Name == "" || f.Type.Kind == flows.Invalid {
			return false // reported
		}
		if message, suggestion := p.wrongPath(f.Path); message != "" {
			problem(at+"path", "json.path", message, suggestion)
		}
		switch f.Type.Kind {
		case flows.List:
			if f.Type.Elem.Kind == flows.JSON {
				break
			}
			fallthrough
		case flows.Bytes, flows.Struct:
			problem(at+"type", "json.type", fmt.Sprintf("a part of a JSON text does not become %s", f.Type), "take it as json, a list as list<json>, or bytes as text and decode_base64(…) in a Formula")
		}
		if (f.Missing == onDefault || f.Null == onDefault || f.Wrong == onDefault) && f.Default == "" {
			problem(at+"default", "config.required", "the default is missing", "write one, such as 0 or 'unknown'")
		}
	}
	return ok
}

// wrongPath says what is wrong with the path of a field, and what to do; "" where nothing is.
func (p *planner) wrongPath(path string) (message, suggestion string) {
	outer, inner, element := cut(path)
	if !element {
		inner = path
	} else if _, _, more := cut(inner); more {
		return fmt.Sprintf("%q goes through an array inside an array", path), "take the inner array as list<json>, and its elements with another JSON Extract"
	}
	if _, err := expr.ParsePath(inner); err != nil {
		return fmt.Sprintf("%q is no path: %v", path, err), `write for example $.customer.name, $.items[0] or $['a b']`
	}
	if !element {
		return "", ""
	}
	switch steps, _ := expr.ParsePath(outer); {
	case p.array == "":
		return fmt.Sprintf("%q is a part of each element of an array, and a record stays one record", path),
			fmt.Sprintf("choose For each element of %s%s, or take one element with [0]", outer, each)
	case expr.FormatPath(steps) != p.array:
		return fmt.Sprintf("%q is a part of the elements of %s, and there is one record for each of %s", path, outer, p.array),
			fmt.Sprintf("take %s as list<json>, and its elements with another JSON Extract", outer)
	}
	return "", ""
}

// read reads the parts for fields at once, of the record or of its element; false after reporting what is wrong. The array
// that is iterated over comes first.
func (p *planner) read(field, name, doc string, fields []Field) bool {
	list := []string{doc}
	if p.array != "" && p.op == &p.record {
		list = append(list, quote("json"), quote(p.array))
	}
	for _, f := range fields {
		if path, mine := p.here(f); mine {
			list = append(list, quote(form(f.Type)), quote(path))
		}
	}
	return len(list) == 1 || p.share(field, name, "json_read("+strings.Join(list, ", ")+")")
}

// here is the path of a field in what is being read, and whether it is in there.
func (p *planner) here(f Field) (path string, is bool) {
	_, inner, element := cut(f.Path)
	if element {
		return inner, p.op == &p.each
	}
	return f.Path, p.op == &p.record
}

// form is how json_read is to write a part that becomes a type.
func form(t flows.Type) string {
	switch {
	case t.Kind == flows.JSON, t.Kind == flows.List:
		return "json"
	case t.IsInteger() || t.Kind == flows.Decimal:
		return "number"
	}
	return "value"
}

// nth are the kind and the text of the n-th part, from 0.
func (p *planner) nth(n int) (kind, part string) {
	return fmt.Sprintf("get_field(%s, 'kind%d')", p.parts, n+1), fmt.Sprintf("get_field(%s, 'part%d')", p.parts, n+1)
}

// list is the array that is iterated over, nil where there is none. A record in which something else stands there is refused.
func (p *planner) list(fail bool) expr.Expr {
	if p.array == "" {
		return nil
	}
	kind, part := p.nth(0)
	p.refuse("each", kind+" = 'd'", "json.duplicate", fmt.Sprintf("a key of %s is there twice", p.array), false, nil)
	p.refuse("each", kind+" not in ('a', 'm', 'z', 'd')", "json.wrong_type", p.array+" is no array", fail, found(p.array, "json.wrong_type"))
	return p.Expr("each", fmt.Sprintf("json_elements(try_cast(%s as json))", part), p.schema)
}

// fields are the values of the fields that are read from the record or from its element; nil for the others.
func (p *planner) fields(fields []Field) []expr.Expr {
	values, n := make([]expr.Expr, len(fields)), 0
	if p.array != "" && p.op == &p.record {
		n++
	}
	for i, f := range fields {
		if _, mine := p.here(f); mine {
			values[i] = p.field(i, n, f)
			n++
		}
	}
	return values
}

// elements puts the values of the fields of elements between those of the record; false after reporting what is wrong.
func (p *planner) elements(fields []Field, values []expr.Expr) bool {
	p.op, p.parts, p.present = &p.each, elementParts, position+" is not null and "
	p.schema = append(p.schema, flows.Field{Name: item, Type: flows.Of(flows.JSON)}, flows.Field{Name: position, Type: flows.Of(flows.Int64)})
	if !p.read("fields", elementParts, item, fields) {
		return false
	}
	for i, e := range p.fields(fields) {
		if e != nil {
			values[i] = e
		}
	}
	return true
}

// field is the value of the i-th field, the n-th part; nil after reporting what is wrong with it. Records are refused as
// it says.
func (p *planner) field(i, n int, f Field) expr.Expr {
	at, path := fmt.Sprintf("fields[%d]", i), f.Path
	if _, inner, element := cut(path); element {
		path = p.array + each + inner[1:]
	}
	kind, part := p.nth(n)
	value := fmt.Sprintf("__spark_json%d", i)
	if f.Type.Kind != flows.Text && f.Type.Kind != flows.JSON { // a conversion reads its text more than once
		text := value + "text"
		if !p.share(at, text, part) {
			return nil
		}
		part = text
	}
	if !p.share(at+".type", value, converted(f, kind, part)) {
		return nil
	}
	gone := value + " is null and " + p.present // of most records no more is looked at
	p.refuse(at, gone+kind+" = 'd'", "json.duplicate", fmt.Sprintf("a key of %s is there twice", path), false, nil)
	instead := ""
	for _, w := range []struct{ policy, standard, when, code, message string }{
		{f.Missing, onNull, gone + fmt.Sprintf("coalesce(%s, 'm') = 'm'", kind), "json.missing", "is missing"},
		{f.Null, onNull, gone + kind + " = 'z'", "json.null", "is null"},
		{f.Wrong, onReject, gone + kind + " not in ('m', 'z', 'd')", "json.wrong_type", fmt.Sprintf("is no %s", f.Type)},
	} {
		policy := w.policy
		if policy == "" {
			policy = w.standard
		}
		switch policy {
		case onReject, onFail:
			p.refuse(at, w.when, w.code, path+" "+w.message, policy == onFail, found(path, w.code))
		case onDefault:
			instead += fmt.Sprintf(" when %s then cast((%s) as %s)", w.when, f.Default, f.Type)
		}
	}
	if instead != "" {
		if !p.fits(at+".default", f) {
			return nil
		}
		value = "case" + instead + " else " + value + " end"
	}
	return p.Expr(at, value, p.schema)
}

// fits reports a default that is no expression, or of a type that does not become that of the field.
func (p *planner) fits(at string, f Field) bool {
	e := p.Expr(at, f.Default, p.in)
	if e == nil {
		return false
	}
	if _, err := expr.Compile(fmt.Sprintf("cast((%s) as %s)", f.Default, f.Type), expr.Env{Fields: p.in, Params: p.Params}); err != nil {
		p.Problem(at, "json.default", fmt.Sprintf("the default is of type %s, which does not become %s", e.Type(), f.Type), "write a value of the field's type")
		return false
	}
	return true
}

// converted is a part as its type; null where it is none.
func converted(f Field, kind, part string) string {
	switch {
	case f.Type.Kind == flows.Text:
		return part
	case f.Type.Kind == flows.JSON:
		return fmt.Sprintf("case when %s <> 'z' then try_cast(%s as json) end", kind, part)
	case f.Type.Kind == flows.List:
		return fmt.Sprintf("json_elements(try_cast(%s as json))", part)
	case f.Format != "":
		return fmt.Sprintf("try_cast(%s as %s format %s)", part, f.Type, quote(f.Format))
	}
	return fmt.Sprintf("try_cast(%s as %s)", part, f.Type)
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
