// Package jsonedit is the node type JSON Edit: it changes members of a JSON value and leaves everything else as it is written.
package jsonedit

import (
	"embed"
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a JSON Edit.
type Config struct {
	Field   string   `json:"field" title:"JSON" required:"true" widget:"field" help:"A field of type json, or a text that is JSON. It is changed in its place." example:"body"`
	Changes []Change `json:"changes" title:"Changes" required:"true" help:"Made one after the other: a later one sees what earlier ones did."`
}

// Change is one change at a path.
type Change struct {
	Do      string `json:"do" title:"Change" required:"true" enum:"set|remove|rename|move"`
	Path    string `json:"path" title:"Path" required:"true" help:"From $ on: .key, ['any key'] or [0]." example:"$.customer.name"`
	Value   string `json:"value,omitempty" title:"Value" widget:"expression" showIf:"do=set" help:"An expression; null becomes null. What is missing on the path is made." example:"upper(status)"`
	Name    string `json:"name,omitempty" title:"New name" showIf:"do=rename" help:"The member keeps its place." example:"fullName"`
	To      string `json:"to,omitempty" title:"To" showIf:"do=move" help:"The path where it stands afterwards. What is missing on it is made; what is there is replaced." example:"$.name"`
	Missing string `json:"missing,omitempty" title:"Where it is missing" enum:"ignore|reject" showIf:"do=remove|rename|move" help:"Empty: ignore. Then nothing is changed." advanced:"true"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "json.edit", Version: 1, Title: "JSON Edit", Category: node.CategoryTransform,
		Summary:  "Sets, renames, moves and removes members of a JSON value.",
		Synonyms: []string{"JSON Updater", "JSON Field Remover", "change json", "json patch", "set json value", "remove json key", "rename json key"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

// mostValues is how many values can be set: each is an argument of one call.
const mostValues = 60

// Plan checks paths and values and emits the projection.
func (x *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	f, ok := c.Field("field", x.Field, in)
	if !ok {
		return
	}
	if k := f.Type.Kind; k != flows.Text && k != flows.JSON {
		c.Problem("field", "json.type", fmt.Sprintf("%q is of type %s, and JSON is a text or of type json", f.Name, f.Type), "choose another field, or make JSON with JSON Build before")
		return
	}
	args := []expr.Expr{c.Expr("field", "cast("+expr.FieldName(f.Name)+" as text)", in)}
	var steps []step
	for i, change := range x.Changes {
		p := planner{Context: c, in: in, at: fmt.Sprintf("changes[%d].", i)}
		s, value, good := p.change(change)
		if ok = ok && good; value != nil {
			s.value = len(args)
			args = append(args, value)
		}
		steps = append(steps, s)
	}
	if len(args) > mostValues+1 {
		c.Problem("changes", "json.changes", fmt.Sprintf("%d values are set, and one node sets %d", len(args)-1, mostValues), "set the others in another JSON Edit")
		return
	}
	if !ok || len(steps) == 0 {
		return
	}
	var op node.Project
	known := slices.Clone(in)
	value, failed := op.Native(editing(steps), &known, args...)
	if f.Type.Kind == flows.JSON {
		value = "try_cast(" + value + " as json)"
	}
	for _, g := range in {
		col := node.Column{Name: g.Name, Expr: c.FieldRef(g.Name, in)}
		if g.Name == f.Name {
			col.Expr = c.Expr("field", value, known)
		}
		op.Columns = append(op.Columns, col)
	}
	op.Checks = []node.Check{{Cond: c.Expr("field", failed+" is not null", known), Field: f.Name, Code: "json.edit", Message: f.Name + " cannot be changed so", Why: c.Expr("field", failed, known)}}
	c.Emit(node.Out, op, slices.Clone(in))
}

type planner struct {
	*node.Context
	in flows.Schema
	at string
}

// change compiles a change, with the value that it sets; false after reporting what is wrong with it.
func (p planner) change(c Change) (s step, value expr.Expr, ok bool) {
	if c.Do == "" || c.Path == "" {
		return s, nil, false // reported
	}
	s = step{do: c.Do, strict: c.Missing == "reject", name: c.Name}
	s.from, ok = p.path("path", c.Path)
	switch c.Do {
	case "set":
		value, good := p.value(c.Value)
		return s, value, ok && good
	case "rename":
		if c.Name == "" {
			p.Problem(p.at+"name", "config.required", `"New name" is missing`, "write one")
			return s, nil, false
		}
		if ok && (len(s.from.steps) == 0 || s.from.steps[len(s.from.steps)-1].Key == nil) {
			p.Problem(p.at+"path", "json.path", fmt.Sprintf("%s is no member of an object and has no name", c.Path), "give the path of a member, such as $.customer.name")
			return s, nil, false
		}
	case "move":
		if c.To == "" {
			p.Problem(p.at+"to", "config.required", `"To" is missing`, "write the path where it stands afterwards")
			return s, nil, false
		}
		to, good := p.path("to", c.To)
		s.to, ok = to, ok && good
	}
	if ok && c.Do != "set" && len(s.from.steps) == 0 {
		p.Problem(p.at+"path", "json.path", "$ is the whole, which can only be set", "give the path of a part, such as $.customer.name")
		return s, nil, false
	}
	return s, nil, ok
}

func (p planner) path(member, text string) (path, bool) {
	steps, err := expr.ParsePath(text)
	if err != nil {
		p.Problem(p.at+member, "json.path", fmt.Sprintf("%q is no path: %v", text, err), `write for example $.customer.name, $.items[0] or $['a b']`)
	}
	return path{text, steps}, err == nil
}

// value is what is set, as a JSON text that is never null.
func (p planner) value(src string) (expr.Expr, bool) {
	e := p.Expr(p.at+"value", src, p.in)
	if e == nil {
		return nil, false
	}
	if expr.Fallible(e) {
		p.Problem(p.at+"value", "json.fallible", "the value cannot be computed for every record", "compute it in a Formula before, where such records can be refused")
		return nil, false
	}
	switch e.Type().Kind {
	case flows.Double: // one that is not finite is no JSON
		src = "try_cast(cast((" + src + ") as text) as json)"
	case flows.Bytes:
		src = "to_json(encode_base64(" + src + "))"
	case flows.JSON:
	default:
		src = "to_json(" + src + ")"
	}
	e = p.Expr(p.at+"value", "coalesce(cast("+src+" as text), 'null')", p.in)
	return e, e != nil
}
