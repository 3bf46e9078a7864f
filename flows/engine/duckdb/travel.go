package duckdb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/flows"
	"spark/flows/node"
)

// How records leave DuckDB as Arrow and come back as they were: what Arrow lacks travels as text, and an interval as its
// three parts, at any depth.

// travelling selects fields as they travel; arrived is the way back.
func travelling(s flows.Schema) string { return columnsAs(s, leave) }

func arrived(s flows.Schema) string { return columnsAs(s, arrive) }

func columnsAs(s flows.Schema, as func(x string, t flows.Type, depth int) string) string {
	list := make([]string, len(s))
	for i, f := range s {
		name := quoteName(f.Name)
		list[i] = as(name, f.Type, 0) + " AS " + name
	}
	return strings.Join(list, ", ")
}

// changes reports whether a type travels as another one.
func changes(t flows.Type) bool {
	switch t.Kind {
	case flows.Interval:
		return true
	case flows.List:
		return changes(*t.Elem)
	case flows.Struct:
		return slices.ContainsFunc(t.Fields, func(f flows.Field) bool { return changes(f.Type) })
	}
	return travelsAsText(t)
}

func leave(x string, t flows.Type, depth int) string {
	switch {
	case t.Kind == flows.Interval:
		part := func(p string) string { return fmt.Sprintf("date_part('%s', %s)", p, x) }
		return nullable(x, fmt.Sprintf("struct_pack(months := %s * 12 + %s, days := %s, micros := %s * 3600000000 + %s * 60000000 + %s)",
			part("year"), part("month"), part("day"), part("hour"), part("minute"), part("microseconds")))
	case changes(t) && (t.Kind == flows.List || t.Kind == flows.Struct):
		return inside(x, t, depth, leave)
	case travelsAsText(t):
		return "CAST(" + x + " AS VARCHAR)"
	}
	return "CAST(" + x + " AS " + SQLType(t) + ")"
}

func arrive(x string, t flows.Type, depth int) string {
	switch {
	case t.Kind == flows.Interval:
		part := func(p string) string { return fmt.Sprintf("struct_extract(%s, '%s')", x, p) }
		return nullable(x, fmt.Sprintf("(to_months(CAST(%s AS INTEGER)) + to_days(CAST(%s AS INTEGER)) + to_microseconds(%s))", part("months"), part("days"), part("micros")))
	case changes(t) && (t.Kind == flows.List || t.Kind == flows.Struct):
		return inside(x, t, depth, arrive)
	}
	return "CAST(" + x + " AS " + SQLType(t) + ")"
}

// inside changes what a list or a struct holds.
func inside(x string, t flows.Type, depth int, as func(x string, t flows.Type, depth int) string) string {
	if t.Kind == flows.List {
		item := fmt.Sprintf("x%d", depth)
		return fmt.Sprintf("list_transform(%s, lambda %s: %s)", x, item, as(item, *t.Elem, depth+1))
	}
	fields := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		fields[i] = quoteName(f.Name) + " := " + as(fmt.Sprintf("struct_extract(%s, %s)", x, quoteText(f.Name)), f.Type, depth+1)
	}
	return nullable(x, "struct_pack("+strings.Join(fields, ", ")+")")
}

// travelType is node.ArrowType but for intervals.
func travelType(t flows.Type) arrow.DataType {
	switch t.Kind {
	case flows.Interval:
		var parts []arrow.Field
		for _, name := range []string{"months", "days", "micros"} {
			parts = append(parts, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64, Nullable: true})
		}
		return arrow.StructOf(parts...)
	case flows.List:
		return arrow.ListOf(travelType(*t.Elem))
	case flows.Struct:
		fields := make([]arrow.Field, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = arrow.Field{Name: f.Name, Type: travelType(f.Type), Nullable: true}
		}
		return arrow.StructOf(fields...)
	}
	return node.ArrowType(t)
}

func arrowSchema(s flows.Schema) *arrow.Schema {
	fields := make([]arrow.Field, len(s))
	for i, f := range s {
		fields[i] = arrow.Field{Name: f.Name, Type: travelType(f.Type), Nullable: true}
	}
	return arrow.NewSchema(fields, nil)
}
