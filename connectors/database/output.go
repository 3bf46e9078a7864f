package database

import (
	"context"
	"fmt"
	"slices"
	"time"

	"spark/flows"
	"spark/flows/node"
)

func init() {
	node.Register(&node.Type{
		ID: "database.output", Version: 1, Title: "Database Output",
		Summary:  "Writes records into a table of a database: all of them, or none.",
		Category: node.CategoryOutput,
		Synonyms: []string{"JDBC Output", "Update", "PostgreSQL", "MySQL", "MariaDB", "SQL", "table", "insert", "upsert", "merge", "load", "sink"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		New: func() node.Config {
			return &Output{Mode: string(node.LoadAppend), NoTable: "create", NoColumn: "fail", NoFit: "fail", LockTimeout: 60}
		},
		Once:  true,
		Files: files("output"),
	})
}

// Output is the config of database.output.
type Output struct {
	Connection  string    `json:"connection" title:"Connection" required:"true" widget:"connection" help:"A connection of the project." example:"warehouse"`
	Table       string    `json:"table" title:"Table" required:"true" widget:"table" help:"With its schema, such as sales.orders." example:"public.orders"`
	Mode        string    `json:"mode" title:"Mode" enum:"append|truncate|replace|upsert|update|delete" help:"append adds records. truncate and replace put them in place of all others: readers wait, or see the old ones meanwhile. upsert, update and delete find records by their key."`
	Key         []string  `json:"key,omitempty" title:"Key" widget:"fieldnames" help:"Fields that identify a record, for upsert, update and delete. The table needs a unique index on their columns for upsert."`
	Columns     []Mapping `json:"columns,omitempty" title:"Columns" widget:"mapping" help:"Which field goes into which column. Empty: every field into the column of its name."`
	NoTable     string    `json:"noTable" title:"If the table is missing" enum:"create|fail" help:"It is created with the types of the fields, or the run fails."`
	NoColumn    string    `json:"noColumn" title:"If a column is missing" enum:"fail|create" help:"The run fails, or the column is added."`
	NoFit       string    `json:"noFit" title:"If a column is too small" enum:"fail|widen" help:"The run fails, or the column gets a type that holds all values of the field and all that it holds now: integer becomes bigint, varchar(20) text, numeric(8,2) numeric(10,4)."`
	LockTimeout int64     `json:"lockTimeout" title:"Wait for locks" minimum:"1" advanced:"true" help:"Seconds to wait for others that hold the table, until the load fails. In MySQL and MariaDB a load with a key is tried five times."`
	BeforeSQL   string    `json:"beforeSQL,omitempty" title:"SQL before" widget:"sql" secrets:"true" advanced:"true" help:"Executed in the transaction of the load, before it."`
	AfterSQL    string    `json:"afterSQL,omitempty" title:"SQL after" widget:"sql" secrets:"true" advanced:"true" help:"Executed in the transaction of the load, after it."`
}

// Mapping is one field and its column.
type Mapping struct {
	Field  string `json:"field" title:"Field" required:"true" widget:"field"`
	Column string `json:"column" title:"Column" required:"true" widget:"column"`
}

// Plan reports what is wrong and emits the writing.
func (out *Output) Plan(c *node.Context) {
	in, known := c.Input(node.In)
	if !known || out.Connection == "" || out.Table == "" {
		return // reported
	}
	load := node.TableLoad{Table: out.Table, Mode: node.LoadMode(out.Mode), NoTable: node.Missing(out.NoTable), NoColumn: node.Missing(out.NoColumn), NoFit: node.Misfit(out.NoFit), LockTimeout: time.Duration(out.LockTimeout) * time.Second, BeforeSQL: out.BeforeSQL, AfterSQL: out.AfterSQL}
	ok := out.columns(c, in, &load)
	ok = out.key(c, in, &load) && ok
	if ok {
		c.Emit("", node.Write{Target: target{connection: out.Connection, load: load}}, in)
	}
}

func (out *Output) columns(c *node.Context, in flows.Schema, load *node.TableLoad) bool {
	if len(out.Columns) == 0 {
		for _, f := range in {
			load.Columns = append(load.Columns, node.LoadColumn{Field: f, Name: f.Name})
		}
		return true
	}
	ok := true
	var names []string
	for i, m := range out.Columns {
		f, found := c.Field(fmt.Sprintf("columns[%d].field", i), m.Field, in)
		if slices.Contains(names, m.Column) {
			c.Problem(fmt.Sprintf("columns[%d].column", i), "database.column_twice", fmt.Sprintf("two fields go into the column %q", m.Column), "give one of them another column")
			ok = false
		}
		names = append(names, m.Column)
		load.Columns = append(load.Columns, node.LoadColumn{Field: f, Name: m.Column})
		ok = ok && found
	}
	return ok
}

func (out *Output) key(c *node.Context, in flows.Schema, load *node.TableLoad) bool {
	if !load.Mode.Keyed() {
		return true
	}
	if len(out.Key) == 0 {
		c.Problem("key", "config.required", fmt.Sprintf("%s needs a key", out.Mode), "choose the fields that identify a record")
		return false
	}
	for i, name := range out.Key {
		at := fmt.Sprintf("key[%d]", i)
		if _, ok := c.Field(at, name, in); !ok {
			return false
		}
		k := slices.IndexFunc(load.Columns, func(col node.LoadColumn) bool { return col.Field.Name == name })
		if k < 0 {
			c.Problem(at, "database.key_unmapped", fmt.Sprintf("the key field %q goes into no column", name), "map it to a column")
			return false
		}
		load.Key = append(load.Key, load.Columns[k].Name)
	}
	return true
}

// target writes a table.
type target struct {
	connection string
	load       node.TableLoad
}

var (
	_ node.BatchTarget = target{}
	_ node.LateTarget  = target{}
)

func (t target) String() string {
	return fmt.Sprintf("%s of %s (%s)", t.load.Table, t.connection, t.load.Mode)
}

// Late refuses what would take away the records that were written before.
func (t target) Late() (reason, suggestion string) {
	switch {
	case t.load.Mode == node.LoadTruncate || t.load.Mode == node.LoadReplace:
		return fmt.Sprintf("%s would put the replayed records in place of all others of %s", t.load.Mode, t.load.Table), "choose the mode upsert with a key, or run the flow again as a whole"
	case t.load.BeforeSQL != "" || t.load.AfterSQL != "":
		return "its own SQL would be executed for the replayed records alone", "leave the SQL out in a revision for the replay, or run the flow again as a whole"
	}
	return "", ""
}

func (t target) Identity() string { return "table " + t.connection + " " + t.load.Table }

// Open connects to the database and prepares the load.
func (t target) Open(ctx context.Context, w *node.Writing) (node.BatchSink, error) {
	c, d, err := node.Database(w.Connections, t.connection)
	if err != nil {
		return nil, err
	}
	return d.Open(ctx, c, t.load, w)
}
