package duckdb

import (
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// profile computes one struct of each field in one pass and makes records of them.
func (b *builder) profile(st *plan.Step, op node.Profile, in string) string {
	var aggregates, structs []string
	schema := st.Node.InputSchemas[st.Inputs[0].Port]
	for i, name := range op.Fields {
		f, _ := schema.Find(name)
		var members []string
		for _, m := range measures(f, op.Distinct) {
			at := fmt.Sprintf("a%d_%s", i, m.name)
			aggregates = append(aggregates, m.sql+" AS "+at)
			members = append(members, quoteName(m.name)+" := "+at)
		}
		structs = append(structs, fmt.Sprintf("struct_pack(\"field\" := %s, \"type\" := %s, %s)", quoteText(name), quoteText(f.Type.String()), strings.Join(members, ", ")))
	}
	return b.tapped(fmt.Sprintf("SELECT %s FROM (SELECT unnest([%s]) AS p FROM (SELECT %s FROM %s))", memberNames(), strings.Join(structs, ", "), strings.Join(aggregates, ", "), in), b.run.taps[st.Ref])
}

func memberNames() string {
	list := make([]string, len(node.ProfileSchema))
	for i, f := range node.ProfileSchema {
		list[i] = fmt.Sprintf("struct_extract(p, %s) AS %s", quoteText(f.Name), quoteName(f.Name))
	}
	return strings.Join(list, ", ")
}

type measure struct{ name, sql string }

// computable bounds the numbers of which mean and deviation are computed: the squares of larger ones are infinite.
const computable = 1e150

// measures are the aggregates of a field, in the order and types of node.ProfileSchema behind field and type.
func measures(f flows.Field, distinct bool) []measure {
	x := quoteName(f.Name)
	text := func(v string) string {
		if f.Type.Kind == flows.Bytes {
			return plainText(v, f.Type)
		}
		return toText(v, f.Type)
	}
	m := map[string]string{"records": "count(*)", "nulls": "count(*) - count(" + x + ")"}
	if distinct {
		m["distinct"] = "count(DISTINCT " + x + ")"
	}
	numeric := f.Type.IsInteger() || f.Type.Kind == flows.Decimal || f.Type.Kind == flows.Double
	switch f.Type.Kind {
	case flows.List, flows.Struct, flows.JSON:
	default:
		m["minimum"], m["maximum"] = text("min("+x+")"), text("max("+x+")")
	}
	if numeric {
		d := "CAST(" + x + " AS DOUBLE)"
		only := fmt.Sprintf(" FILTER (WHERE isfinite(%s) AND abs(%[1]s) < %g)", d, computable)
		m["mean"], m["deviation"] = "avg("+d+")"+only, "stddev_samp("+d+")"+only
	}
	if f.Type.Kind == flows.Text {
		m["shortest"], m["longest"] = "min(length("+x+"))", "max(length("+x+"))"
		m["empty"] = "count(*) FILTER (WHERE " + x + " = '')"
	}
	list := make([]measure, 0, len(node.ProfileSchema)-2)
	for _, p := range node.ProfileSchema[2:] {
		sql, ok := m[p.Name]
		if !ok {
			sql = "any_value(NULL)"
		}
		list = append(list, measure{p.Name, fmt.Sprintf("CAST(%s AS %s)", sql, SQLType(p.Type))})
	}
	return list
}
