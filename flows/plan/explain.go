package plan

import (
	"fmt"
	"strings"

	"spark/flows/node"
)

// Explain writes the plan as text: one paragraph per stage, one line per operator. Its form is covered by goldens.
func (p *Plan) Explain() string {
	var b strings.Builder
	if p.Engine != "" {
		fmt.Fprintf(&b, "engine %s\n", p.Engine)
	}
	for i, s := range p.Stages {
		fmt.Fprintf(&b, "stage %d: %s\n", i+1, p.describe(s))
		for _, st := range s.Steps {
			fmt.Fprintf(&b, "  %s = %s%s\n", st.Ref, st.describe(), st.marks())
		}
		if s.Sink != nil {
			w := s.Sink.Results[""].Op.(node.Write)
			fmt.Fprintf(&b, "  %s = write %s from %s\n", s.Sink.ID, w.Target, s.Target)
		}
	}
	for _, d := range Deliveries(p.Flow, p.Params) {
		if p.Find(d.Node) != nil {
			fmt.Fprintf(&b, "delivery to %s: %s: %s\n", d.Node, d.Guarantee, d.Reason)
		}
	}
	for _, n := range p.Flow.Nodes {
		if reason, ok := p.Skipped[n.ID]; ok {
			fmt.Fprintf(&b, "skipped %s: %s\n", n.ID, reason)
		}
	}
	return b.String()
}

func (p *Plan) describe(s *Stage) string {
	switch s.Kind {
	case StageKeep:
		if p.reads(s.Target) > 1 {
			return fmt.Sprintf("keep %s, which several steps read", s.Target)
		}
		return fmt.Sprintf("keep %s, which a later stage reads", s.Target)
	case StageCount:
		return fmt.Sprintf("count %s, which no node reads", s.Target)
	}
	return fmt.Sprintf("%s into %s", s.Target, s.Sink.ID)
}

// reads counts the steps and sinks that read a kept relation.
func (p *Plan) reads(kept Ref) int {
	n := 0
	for _, s := range p.Stages {
		if s.Sink != nil && s.Target == kept {
			n++
		}
		for _, st := range s.Steps {
			for _, in := range st.Inputs {
				if in.Ref == kept {
					n++
				}
			}
		}
	}
	return n
}

func (st *Step) marks() string {
	var m []string
	_, stop := st.Op.(node.Stop)
	if len(st.Needed) < len(st.Schema) {
		m = append(m, fmt.Sprintf("%d of %d fields", len(st.Needed), len(st.Schema)))
	}
	if st.Guarded && !stop {
		m = append(m, "may refuse records: "+string(st.Node.Policy))
	}
	if st.Origin {
		m = append(m, "with origin")
	}
	if st.BuildLeft {
		m = append(m, "builds on the left")
	}
	if len(m) == 0 {
		return ""
	}
	return "  (" + strings.Join(m, "; ") + ")"
}

func (st *Step) describe() string {
	in := func(i int) string { return st.Inputs[i].Ref.String() }
	switch op := st.Op.(type) {
	case node.Read:
		return "read " + op.Source.String()
	case node.Filter:
		if op.Negate {
			return fmt.Sprintf("filter %s where not (%s)", in(0), op.Cond)
		}
		return fmt.Sprintf("filter %s where %s", in(0), op.Cond)
	case node.Stop:
		return fmt.Sprintf("stop at a record of %s where %s, saying %s", in(0), op.Cond, op.Message)
	case node.Expect:
		return describeExpect(op, in(0))
	case node.Query:
		tables := make([]string, len(op.Tables))
		for i, t := range op.Tables {
			tables[i] = fmt.Sprintf("%s as %s", in(i), t)
		}
		return fmt.Sprintf("query %s: %s", strings.Join(tables, ", "), strings.Join(strings.Fields(op.SQL), " "))
	case node.Call:
		return fmt.Sprintf("call for each record of %s: %s, %s", in(0), op.Caller, columns(op.Args))
	case node.Profile:
		return fmt.Sprintf("profile %s: %s", in(0), strings.Join(op.Fields, ", "))
	case node.Project:
		return describeProject(op, in(0))
	case node.Elements:
		return describeElements(op, in(0))
	case node.Join:
		keys := make([]string, len(op.Keys))
		for i, k := range op.Keys {
			keys[i] = fmt.Sprintf("%s = %s", k.Left, k.Right)
		}
		return fmt.Sprintf("%s join %s with %s on %s", op.Kind, in(0), in(1), strings.Join(keys, " and "))
	case node.Aggregate:
		if len(op.Keys) == 0 {
			return fmt.Sprintf("aggregate %s: %s", in(0), columns(op.Aggs))
		}
		return fmt.Sprintf("aggregate %s by %s: %s", in(0), columns(op.Keys), columns(op.Aggs))
	case node.Enrich:
		return describeLookup(op, in(0), in(1))
	case node.Union:
		return describeUnion(op, st.Inputs)
	case node.Sort:
		return fmt.Sprintf("sort %s by %s", in(0), order(op.Keys))
	case node.Pick:
		return describePick(op, in(0))
	case node.Draw:
		return fmt.Sprintf("draw %s: %s", in(0), lots(op))
	case node.Window:
		return describeWindow(op, in(0))
	case node.Unnest:
		return describeUnnest(op, in(0))
	case node.Limit:
		return fmt.Sprintf("limit %s to %d after %d", in(0), op.Count, op.Offset)
	}
	return fmt.Sprintf("%T", st.Op)
}

func describeUnion(op node.Union, inputs []Input) string {
	parts := make([]string, len(inputs))
	for i, in := range inputs {
		parts[i] = in.Ref.String()
		if s := columns(op.Inputs[i]); s != columnNames(op.Inputs[i]) {
			parts[i] += " (" + s + ")"
		}
	}
	if op.Distinct {
		return "distinct union of " + strings.Join(parts, " and ")
	}
	return "union of " + strings.Join(parts, " and ")
}

func columnNames(cs []node.Column) string {
	names := make([]string, len(cs))
	for i, c := range cs {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

func order(keys []node.SortKey) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = k.Expr.String()
		if k.Descending {
			parts[i] += " descending"
		}
		if k.NullsFirst {
			parts[i] += " nulls first"
		}
	}
	return strings.Join(parts, ", ")
}

func columns(cs []node.Column) string {
	parts := make([]string, len(cs))
	for i, c := range cs {
		parts[i] = c.Name
		if s := c.Expr.String(); s != c.Name {
			parts[i] = c.Name + " = " + s
		}
	}
	return strings.Join(parts, ", ")
}
