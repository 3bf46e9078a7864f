package node

import (
	"fmt"

	"spark/flows"
	"spark/flows/expr"
)

// Native adds to what a projection computes once per record the result of a function in Go. known are the fields that
// expressions of the projection know, to which it is added. Returned is the source of the value, null where an argument is
// null or the function failed; and that of what it said then, null where it did not fail. Arguments cannot fail.
func (p *Project) Native(fn *expr.Native, known *flows.Schema, args ...expr.Expr) (value, failed string) {
	call := expr.NewApply(fn, args...)
	name := fmt.Sprintf("__spark_native%d", len(p.Shared))
	p.Shared = append(p.Shared, Column{Name: name, Expr: call})
	*known = append((*known)[:len(*known):len(*known)], flows.Field{Name: name, Type: call.Type()})
	get := func(member string) string { return fmt.Sprintf("get_field(%s, '%s')", name, member) }
	return get(expr.NativeValue), get(expr.NativeError)
}
