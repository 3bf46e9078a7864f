package node

import (
	"fmt"

	"spark/flows"
	"spark/flows/expr"
)

// OrderKey is a setting: one criterion of an order.
type OrderKey struct {
	Field string `json:"field" title:"Field" required:"true" widget:"field" example:"ordered_at"`
	Order string `json:"order,omitempty" title:"Order" enum:"ascending|descending" help:"Empty: ascending."`
	Nulls string `json:"nulls,omitempty" title:"Nulls" enum:"last|first" advanced:"true" help:"Empty: last."`
}

// SortKeys compiles an order over the fields of schema and reports what is wrong with it at the config field.
func (c *Context) SortKeys(field string, keys []OrderKey, schema flows.Schema) []SortKey {
	var list []SortKey
	for i, k := range keys {
		if _, ok := c.Field(fmt.Sprintf("%s[%d].field", field, i), k.Field, schema); ok {
			list = append(list, SortKey{Expr: c.FieldRef(k.Field, schema), Descending: k.Order == "descending", NullsFirst: k.Nulls == "first"})
		}
	}
	return list
}

// FieldRefs returns the expressions that are the named fields of schema and reports misspellings at the config field.
func (c *Context) FieldRefs(field string, names []string, schema flows.Schema) []expr.Expr {
	var list []expr.Expr
	for i, name := range names {
		if _, ok := c.Field(fmt.Sprintf("%s[%d]", field, i), name, schema); ok {
			list = append(list, c.FieldRef(name, schema))
		}
	}
	return list
}
