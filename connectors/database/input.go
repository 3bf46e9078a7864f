package database

import (
	"context"
	"fmt"

	"spark/flows"
	"spark/flows/node"
)

func init() {
	node.Register(&node.Type{
		ID: "database.input", Version: 1, Title: "Database Input",
		Summary:  "Reads records from a table or a query of a database.",
		Category: node.CategorySource,
		Synonyms: []string{"JDBC Input", "PostgreSQL", "MySQL", "MariaDB", "SQL", "table", "query", "select", "source"},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Input{From: "table", Mode: "all", Lag: "1 second"} },
		Files:    files("input"),
	})
}

// Input is the config of database.input.
type Input struct {
	Connection string      `json:"connection" title:"Connection" required:"true" widget:"connection" help:"A connection of the project." example:"warehouse"`
	From       string      `json:"from" title:"Read" enum:"table|query"`
	Table      string      `json:"table,omitempty" title:"Table" showIf:"from=table" widget:"table" help:"With its schema, such as sales.orders." example:"public.orders"`
	Where      string      `json:"where,omitempty" title:"Where" showIf:"from=table" widget:"sql" secrets:"true" help:"Condition in the database's own SQL; it is checked by the database." example:"updated_at >= date '2026-01-01'"`
	Query      string      `json:"query,omitempty" title:"Query" showIf:"from=query" widget:"sql" help:"One SELECT in the database's own SQL." example:"select id, total from orders"`
	Mode       string      `json:"mode" title:"Records" enum:"all|incremental" help:"incremental reads what is new since the last run."`
	Cursor     string      `json:"cursor,omitempty" title:"Cursor" widget:"column" showIf:"mode=incremental" help:"Column that grows with every change: a number, a date or a time. An index on it makes the reading fast." example:"updated_at"`
	CursorKey  []string    `json:"cursorKey,omitempty" title:"Order of equal cursors" widget:"columns" showIf:"mode=incremental" help:"Columns that order records of one cursor value, such as the primary key." example:"id"`
	Start      string      `json:"start,omitempty" title:"Begin at" showIf:"mode=incremental" help:"The first run reads from this value on. Empty: from the smallest." example:"2026-01-01"`
	Overlap    string      `json:"overlap,omitempty" title:"Overlap" showIf:"mode=incremental" help:"What lies so far below the cursor is read again, for records that come late: a number, or a time such as 5 minutes. The output should be an upsert, then." example:"5 minutes"`
	Lag        string      `json:"lag,omitempty" title:"Stay behind" showIf:"mode=incremental" advanced:"true" help:"For times: records younger than this are left to the next run."`
	Zone       string      `json:"zone,omitempty" title:"Time zone of the cursor" showIf:"mode=incremental" advanced:"true" help:"Of a date, or of a time without a zone. Empty: UTC." example:"Europe/Berlin"`
	Readers    int64       `json:"connections,omitempty" title:"Connections" showIf:"from=table" minimum:"0" advanced:"true" help:"How many a large table is read over at once, all of them in one snapshot. Empty: up to 4, as there are cores. 1: no more than one." example:"2"`
	Fields     []ReadField `json:"fields,omitempty" title:"Fields" widget:"fields" help:"What is read, with its types. Empty: all columns, looked up whenever the flow is checked or run."`
}

// mostReaders keeps one node from taking the connections of everybody else.
const mostReaders = 16

// ReadField is a column that is read.
type ReadField struct {
	Name string     `json:"name" title:"Field" required:"true"`
	Type flows.Type `json:"type" title:"Type" required:"true"`
}

// Plan reports what is wrong and emits the reading.
func (in *Input) Plan(c *node.Context) {
	from := node.Select{Table: in.Table, Where: in.Where, Connections: int(in.Readers)}
	switch {
	case in.From == "query" && in.Query == "":
		c.Problem("query", "config.required", `"Query" is missing`, "write one SELECT")
		return
	case in.From == "query":
		from = node.Select{Query: in.Query}
	case in.Readers > mostReaders:
		c.Problem("connections", "database.connections", fmt.Sprintf("%d connections are too many for one table", in.Readers), fmt.Sprintf("choose up to %d", mostReaders))
		return
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
	if in.Mode == "incremental" {
		if from.Incremental = in.incremental(c, schema); from.Incremental == nil {
			return
		}
	}
	from.Fields = schema
	c.Emit(node.Out, node.Read{Source: source{connection: in.Connection, from: from, retyped: len(in.Fields) > 0}, Schema: schema}, schema)
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
	retyped    bool // the fields may have other types than the columns
}

var _ node.Source = source{}

// Incremental reports whether it goes on where the last run has ended.
func (s source) Incremental() bool { return s.from.Incremental != nil }

// Selection is what is read.
func (s source) Selection() (string, node.Select) { return s.connection, s.from }

// Narrowed reads what also meets a condition. Values of another type than the field's may be compared in another way.
func (s source) Narrowed(where string) node.Source {
	if s.from.Table == "" || s.retyped {
		return nil
	}
	if s.from.Where != "" {
		where = "(" + s.from.Where + "\n) AND (" + where + ")"
	}
	s.from.Where = where
	return s
}

var (
	_ node.IncrementalSource = source{}
	_ node.SelectingSource   = source{}
)

func (s source) String() string {
	if i := s.from.Incremental; i != nil {
		return s.what() + ", new by " + i.Cursor
	}
	return s.what()
}

func (s source) what() string {
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
