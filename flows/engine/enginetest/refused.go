package enginetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// refusal is a record that the interpreter refuses. What the engine stores of it must say the same.
type refusal struct {
	blames []blame // one of them
	raw    string  // of a source: the record as in the file; else a JSON object of the input's fields as text
	file   string  // of a source
	line   int64
	record int64
}

// blame is the code of a reject and the field that it names; "*" is any.
type blame struct{ code, field string }

// incomputable is what a reject may say of an expression that has no value, in a field.
func incomputable(field string) []blame {
	return []blame{{"value.overflow", field}, {"value.division_by_zero", field}}
}

// refuse says that a node refuses the record r of its input.
func (ref *reference) refuse(s flows.Schema, r row, blames ...blame) {
	ref.rejected++
	ref.refused = append(ref.refused, refusal{blames: blames, raw: rawRecord(s, r)})
}

// rawRecord is a JSON object of the fields as text, null where nothing is known.
func rawRecord(s flows.Schema, r row) string {
	var b bytes.Buffer
	text := func(v any) {
		var one bytes.Buffer
		enc := json.NewEncoder(&one)
		enc.SetEscapeHTML(false)
		if v != nil {
			v = fmt.Sprint(v)
		}
		if err := enc.Encode(v); err != nil {
			panic(err)
		}
		b.Write(bytes.TrimRight(one.Bytes(), "\n"))
	}
	for i, f := range s {
		b.WriteByte("{,"[min(i, 1)])
		text(f.Name)
		b.WriteByte(':')
		text(r[i])
	}
	b.WriteByte('}')
	return b.String()
}

// rejectsPort opens the rejects port of ref: a Select takes of it what the interpreter knows to the letter, and whatever
// else is generated reads that.
func (g *generator) rejectsPort(of *reference) {
	names := []string{"node", "raw"}
	if g.chance(30) {
		names = names[1:]
	}
	var picks []map[string]string
	out := &table{}
	for _, n := range names {
		as := g.name("reject ")
		picks = append(picks, map[string]string{"name": n, "as": as})
		out.schema = append(out.schema, flows.Field{Name: as, Type: flows.Of(flows.Text)})
	}
	for _, r := range of.refused {
		o := row{of.id, r.raw}
		out.rows = append(out.rows, o[2-len(names):])
	}
	ref := g.add("select", map[string]any{"fields": picks, "others": "drop"}, map[string]plan.Ref{node.In: {Node: of.id, Port: node.Rejects}})
	g.used["rejects read on"]++
	g.opened(ref, node.Out, out)
}

// compareRejects compares the stored rejects with those of the interpreter: each one, with its node, code, place and
// content. Of a node that was stopped early there are some of them.
func (c *comparison) compareRejects() error {
	if c.plan.Uncounted() {
		return nil
	}
	stored := map[string][]node.Reject{}
	for _, r := range c.stored {
		stored[r.Node] = append(stored[r.Node], r)
	}
	for id := range stored {
		if c.ref(id).policy != flows.RejectStore {
			return fmt.Errorf("node %s has the policy %s and its rejects were stored", id, c.ref(id).policy)
		}
	}
	for _, ref := range c.refs {
		if ref.policy != flows.RejectStore || c.loose[ref.id] {
			continue
		}
		got := stored[ref.id]
		if len(got) != len(ref.refused) && (len(got) > len(ref.refused) || !c.anyMarked(ref)) {
			return fmt.Errorf("node %s stored %d rejects, expected %d", ref.id, len(got), len(ref.refused))
		}
		left := slices.Clone(ref.refused)
		for _, r := range got {
			at := slices.IndexFunc(left, func(w refusal) bool { return w.is(r, ref.inputs == nil) })
			if at < 0 {
				return fmt.Errorf("node %s stored the reject %+v, expected one of %+v", ref.id, r, left)
			}
			left = slices.Delete(left, at, at+1)
		}
		if err := c.compareOrigins(ref, got); err != nil {
			return err
		}
	}
	return nil
}

func (w refusal) is(r node.Reject, source bool) bool {
	place := r.File == w.file && r.Line == w.line && r.Record == w.record || !source
	return place && r.Raw == w.raw && r.Reason != "" && slices.ContainsFunc(w.blames, func(b blame) bool {
		return b.code == r.Code && (b.field == r.Field || b.field == "*")
	})
}

// unchanging are node types whose records are those of their input, field by field.
var unchanging = []string{"filter", "switch", "limit", "checkpoint", "expectations", "stop", "sort", "sample.records"}

// compareOrigins: where a reject says which record of which file it comes from, it is that one, and no other reject of the
// node comes from it, too. That is known where nothing between the source and the node changes records.
func (c *comparison) compareOrigins(ref *reference, got []node.Reject) error {
	at := ref
	for at.inputs != nil {
		if from, ok := at.inputs[node.In]; !ok || from.Port == node.Rejects || at != ref && !slices.Contains(unchanging, at.kind) {
			return nil
		}
		at = c.ref(at.inputs[node.In].Node)
	}
	if at == ref {
		return nil // compared already
	}
	seen := map[int64]bool{}
	for _, r := range got {
		if r.Record == 0 {
			continue
		}
		switch content, ok := at.contents[r.Record]; {
		case !ok || r.File != at.path:
			return fmt.Errorf("a reject of %s comes from record %d of %q, and %s has no such record", ref.id, r.Record, r.File, at.path)
		case content != r.Raw:
			return fmt.Errorf("a reject of %s comes from record %d of %s: %s, and that is %s", ref.id, r.Record, r.File, r.Raw, content)
		case seen[r.Record]:
			return fmt.Errorf("two rejects of %s come from record %d", ref.id, r.Record)
		}
		seen[r.Record] = true
		c.used["reject with its origin"]++
	}
	return nil
}

// loosen finds the nodes below the rejects of a node that was stopped early: nobody knows what they got.
func (c *comparison) loosen() {
	c.loose = map[string]bool{}
	for _, ref := range c.refs { // topological
		for _, from := range slices.Collect(maps.Values(ref.inputs)) {
			if c.loose[from.Node] || from.Port == node.Rejects && c.anyMarked(c.ref(from.Node)) {
				c.loose[ref.id] = true
			}
		}
	}
}

// badLine is what the interpreter knows of a record that a source refuses. b is the file up to it.
func (ref *reference) badLine(path, text string, b []byte, record int64, codes ...string) {
	var blames []blame
	for _, code := range codes {
		blames = append(blames, blame{code, "*"})
	}
	ref.rejected++
	ref.refused = append(ref.refused, refusal{blames: blames, raw: strings.TrimRight(text, "\n"), file: path, line: int64(bytes.Count(b, []byte{'\n'})) + 1, record: record})
}
