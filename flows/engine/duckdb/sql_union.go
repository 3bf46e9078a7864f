package duckdb

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows/node"
	"spark/flows/plan"
)

// union reads its inputs in their order: DuckDB keeps the order of UNION ALL.
func (b *builder) union(st *plan.Step, op node.Union) (string, error) {
	parts := make([]string, len(op.Inputs))
	for i, cols := range op.Inputs {
		var list []string
		for _, c := range cols {
			if !op.Distinct && !slices.Contains(st.Needed, c.Name) {
				continue
			}
			r, err := b.run.render.Render(c.Expr)
			if err != nil {
				return "", err
			}
			list = append(list, fmt.Sprintf("%s AS %s", r.Value, quoteName(c.Name)))
		}
		if st.Origin {
			list = append(list, quoteName(node.OriginFile), quoteName(node.OriginRecord))
		}
		parts[i] = fmt.Sprintf("SELECT %s FROM %s", strings.Join(list, ", "), b.relation(st.Inputs[i].Ref))
	}
	all := strings.Join(parts, " UNION ALL ")
	if !op.Distinct {
		return all, nil
	}
	return "SELECT DISTINCT * FROM (" + all + ")", nil
}
