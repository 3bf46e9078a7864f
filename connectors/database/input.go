package database

import (
	"context"

	"spark/flows"
	"spark/flows/node"
)

func init() {
	node.Register(&node.Type{
		ID: "database.input", Version: 1, Title: "Database Input",
		Summary:  "Reads records from a table or a query of a database.",
		Category: node.CategorySource,
		Synonyms: []string{"JDBC Input", "PostgreSQL", "SQL", "table", "query", "select", "source"},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Input{From: "table"} },
		Files:    files("input"),
	})
}

// Input is the config of database.input.
type Input struct {
	Connection string      `json:"connection" title:"Connection" required:"true" widget:"connection" help:"A connection of the project." example:"warehouse"`
	From       string      `json:"from" title:"Read" enum:"table|query"`
	Table      string      `json:"table,omitempty" title:"Table" showIf:"from=table" widget:"table" help:"With its schema, such as sales.orders." example:"public.orders"`
	Where      string      `json:"where,omitempty" title:"Where" showIf:"from=table" widget:"sql" help:"Condition in the database's own SQL; it is checked by the database." example:"updated_at >= date '2026-01-01'"`
	Query      string      `json:"query,omitempty" title:"Query" showIf:"from=query" widget:"sql" help:"One SELECT in the database's own SQL." example:"select id, total from orders"`
	Fields     []ReadField `json:"fields,omitempty" title:"Fields" widget:"fields" help:"What is read, with its types. Empty: all columns, looked up whenever the flow is checked or run."`
}

// ReadField is a column that is read.
type ReadField struct {
	Name string     `json:"name" title:"Field" required:"true"`
	Type flows.Type `json:"type" title:"Type" required:"true"`
}

// Plan reports what is wrong and emits the reading.
func (in *Input) Plan(c *node.Context) {
	from := node.Select{Table: in.Table, Where: in.Where}
	switch {
	case in.From == "query" && in.Query == "":
		c.Problem("query", "config.required", `"Query" is missing`, "write one SELECT")
		return
	case in.From == "query":
		from = node.Select{Query: in.Query}
	case in.Table == "":
		c.Problem("table", "config.required", `"Table" is missing`, "choose a table")
		return
	}
	if in.Connection == "" {
		return // reported
	}
	schema, err := in.schema(c, from)
	if err != nil {
		c.Report("connection", err)
		return
	}
	from.Fields = schema
	c.Emit(node.Out, node.Read{Source: source{connection: in.Connection, from: from}, Schema: schema}, schema)
}

func (in *Input) schema(c *node.Context, from node.Select) (flows.Schema, error) {
	if len(in.Fields) > 0 {
		var s flows.Schema
		for _, f := range in.Fields {
			s = append(s, flows.Field(f))
		}
		return s, nil
	}
	if c.Lookup == nil {
		return nil, &flows.Error{Code: "database.fields", Message: "the fields are not known", Suggestion: "read them from the database"}
	}
	return c.Lookup.DescribeDataset(in.Connection, from)
}

// source reads a selection.
type source struct {
	connection string
	from       node.Select
}

var _ node.Source = source{}

func (s source) String() string {
	if s.from.Query != "" {
		return "query of " + s.connection
	}
	return s.from.Table + " of " + s.connection
}

// Read delivers the records.
func (s source) Read(ctx context.Context, r *node.Reading) (node.ReadStats, error) {
	c, d, err := node.Database(r.Connections, s.connection)
	if err != nil {
		return node.ReadStats{}, err
	}
	return d.Read(ctx, c, s.from, r)
}
