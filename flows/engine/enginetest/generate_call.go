package enginetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
	"spark/flows/plan"
)

// TestCall is a node type of the tests: a Call without anything outside. It returns the length of a field's text in bytes
// and the text with its ends exchanged, and refuses texts that end with one of some letters.
const TestCall = "test.call"

type testCall struct {
	Field    string `json:"field" title:"Field"`
	Refuse   string `json:"refuse" title:"Refuse"` // last letters
	Length   string `json:"length" title:"Length"`
	Reversed string `json:"reversed" title:"Reversed"`
	Parallel int    `json:"parallel" title:"Parallel"`
}

func init() {
	node.Register(&node.Type{ID: TestCall, Version: 1, Title: "Test Call", Inputs: []node.Port{{Name: node.In}}, Outputs: []node.Port{{Name: node.Out, Title: "Records"}}, Rejects: true,
		New: func() node.Config { return &testCall{} }, Files: fstest.MapFS{"help.md": {Data: []byte("# Test Call\n")}, "icon.svg": {Data: []byte("<svg/>")}}})
}

func (t *testCall) results() flows.Schema {
	return flows.Schema{{Name: t.Length, Type: flows.Of(flows.Int64)}, {Name: t.Reversed, Type: flows.Of(flows.Text)}}
}

func (t *testCall) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	e := c.Expr("field", "cast("+expr.FieldName(t.Field)+" as text)", in)
	if e == nil {
		return
	}
	c.Emit(node.Out, node.Call{Caller: t, Args: []node.Column{{Name: "text", Expr: e}}, Results: t.results(), Parallel: t.Parallel}, append(slices.Clone(in), t.results()...))
}

func (t *testCall) String() string { return "test" }

func (t *testCall) Open(context.Context, *node.Calling) (node.Calls, error) { return t, nil }

func (t *testCall) Close() error { return nil }

func (t *testCall) Prepare(args node.Args) any {
	text, ok := args(0)
	if !ok {
		return nil
	}
	return text
}

func (t *testCall) Call(_ context.Context, prepared any) ([]any, *node.Reject, error) {
	text, ok := prepared.(string)
	if !ok {
		return []any{nil, nil}, nil, nil
	}
	if len(text)%7 == 3 { // others overtake it
		time.Sleep(50 * time.Microsecond)
	}
	if t.refuses(text) {
		return nil, &node.Reject{Code: "test.refused", Field: t.Field, Reason: "its last letter is bad"}, nil
	}
	return []any{int64(len(text)), exchanged(text)}, nil, nil
}

func (t *testCall) refuses(text string) bool {
	return text != "" && strings.ContainsRune(t.Refuse, rune(text[len(text)-1]))
}

// exchanged is a text with its ends in the place of each other.
func exchanged(text string) string {
	r := []rune(text)
	if len(r) > 1 {
		r[0], r[len(r)-1] = r[len(r)-1], r[0]
	}
	return string(r)
}

// call hands the records to a function in Go.
func (g *generator) call(in plan.Ref) {
	t := g.table(in)
	at := g.pick(len(t.schema))
	if k := t.schema[at].Type.Kind; k != flows.Text && k != flows.Int64 {
		return
	}
	config := &testCall{Field: t.schema[at].Name, Length: g.name("l"), Reversed: g.name("x"), Parallel: 1 + g.pick(4)}
	if g.chance(40) {
		config.Refuse = "1e"
	}
	ref := g.add(TestCall, config, map[string]plan.Ref{node.In: in})
	out := &table{schema: append(slices.Clone(t.schema), config.results()...), ordered: t.ordered}
	for _, r := range t.rows {
		o := append(slices.Clone(r), nil, nil)
		if r[at] != nil {
			text := fmt.Sprint(r[at])
			if config.refuses(text) {
				ref.refuse(t.schema, r, blame{"test.refused", config.Field})
				continue
			}
			o[len(o)-2], o[len(o)-1] = int64(len(text)), exchanged(text)
		}
		g.follows(o, r)
		out.rows = append(out.rows, o)
	}
	g.used["call"]++
	if ref.rejected > 0 {
		g.used["refused by call"]++
	}
	if above := g.ref(in.Node); above.kind == TestCall {
		g.used["call behind call"]++
	}
	g.policy(ref)
	g.opened(ref, node.Out, out)
	if g.chance(30) {
		g.call(plan.Ref{Node: ref.id, Port: node.Out})
	}
}
