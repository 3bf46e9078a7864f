package node

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"spark/flows"
	"spark/flows/expr"
)

// Context is what a node's Plan sees of the flow, and where it puts what it finds.
type Context struct {
	Node   flows.Node
	Params []expr.Param // parameters of the run
	Lookup Describer    // nil where data must not be looked at
	// NoOrigin says, by input, why its records have no file and number; none for those that have.
	NoOrigin map[string]string

	inputs   map[string]flows.Schema
	problems flows.Problems
	outputs  map[string]Result
}

// Describer answers what can only be known by looking at data.
type Describer interface {
	EngineDescriber
	DatasetDescriber
}

// EngineDescriber is what an engine describes.
type EngineDescriber interface {
	FileDescriber
	QueryDescriber
}

// DatasetDescriber describes what is reached through connections.
type DatasetDescriber interface {
	// DescribeDataset returns the schema of a selection.
	DescribeDataset(connection string, from Select) (flows.Schema, error)
}

// FileDescriber describes files.
type FileDescriber interface {
	// Describe returns the schema of a file set.
	Describe(format, path string, options []byte) (flows.Schema, error)
	// Bytes returns the size of a file set, 0 where it is unknown.
	Bytes(path string) int64
}

// Looking puts a Describer together. datasets may be nil where no connections are known.
func Looking(engine EngineDescriber, datasets DatasetDescriber) Describer {
	if datasets == nil {
		datasets = Datasets{Connections: ConnectionSet{}}
	}
	return lookup{engine, datasets}
}

type lookup struct {
	EngineDescriber
	DatasetDescriber
}

// Result is what an output port means.
type Result struct {
	Op     Op
	Schema flows.Schema
}

// NewContext prepares the planning of one node. inputs holds the schema of each connected input by its InputKey.
func NewContext(n flows.Node, inputs map[string]flows.Schema, params []expr.Param, d Describer) *Context {
	return &Context{Node: n, Params: params, Lookup: d, inputs: inputs, outputs: map[string]Result{}}
}

// Input returns the schema at an input port; false where nothing is connected or its schema is unknown because of
// problems upstream.
func (c *Context) Input(port string) (flows.Schema, bool) {
	s, ok := c.inputs[port]
	return s, ok
}

// Inputs returns the schemas at a port that takes many edges, in their order.
func (c *Context) Inputs(port string) []flows.Schema {
	var list []flows.Schema
	for {
		s, ok := c.inputs[InputKey(port, len(list))]
		if !ok {
			return list
		}
		list = append(list, s)
	}
}

// Emit says what an output port means and which fields its records have. Sinks emit to port "".
func (c *Context) Emit(port string, op Op, schema flows.Schema) {
	c.outputs[port] = Result{Op: op, Schema: schema}
}

// Results returns what was emitted and every problem found.
func (c *Context) Results() (map[string]Result, flows.Problems) { return c.outputs, c.problems }

// Problem reports an error in a config field.
func (c *Context) Problem(field, code, message, suggestion string) {
	c.problems = append(c.problems, &flows.Error{Code: code, Path: flows.Path{Node: c.Node.ID, Field: field}, Message: message, Suggestion: suggestion})
}

// Warn reports something that does not keep the flow from running.
func (c *Context) Warn(field, code, message, suggestion string) {
	c.Problem(field, code, message, suggestion)
	c.problems[len(c.problems)-1].Severity = flows.SeverityWarning
}

// Report adds an error found elsewhere, at a config field.
func (c *Context) Report(field string, err error) {
	if err == nil {
		return
	}
	if ps, ok := errors.AsType[flows.Problems](err); ok {
		for _, p := range ps {
			c.problems = append(c.problems, p.At(flows.Path{Node: c.Node.ID, Field: field}))
		}
		return
	}
	c.problems = append(c.problems, flows.AsError(err).At(flows.Path{Node: c.Node.ID, Field: field}))
}

// Expr compiles an expression over the fields of schema; nil after reporting what is wrong with it.
func (c *Context) Expr(field, src string, schema flows.Schema) expr.Expr {
	return c.compile(field, src, schema, expr.Compile)
}

// AggregateExpr compiles an expression that may use aggregate functions.
func (c *Context) AggregateExpr(field, src string, schema flows.Schema) expr.Expr {
	return c.compile(field, src, schema, expr.CompileAggregate)
}

func (c *Context) compile(field, src string, schema flows.Schema, compile func(string, expr.Env) (expr.Expr, error)) expr.Expr {
	if src == "" {
		c.Problem(field, "config.required", "an expression is missing", "write one, such as quantity > 0")
		return nil
	}
	e, err := compile(src, expr.Env{Fields: schema, Params: c.Params, NoOrigin: c.noOrigin(schema)})
	if err != nil {
		c.Report(field, err)
		return nil
	}
	return e
}

// noOrigin says why the records of an expression have no origin. Where the fields are those of one input it is that
// input's; where they come from several, all have to have one.
func (c *Context) noOrigin(fields flows.Schema) string {
	for port, s := range c.inputs {
		if len(s) > 0 && len(s) == len(fields) && &s[0] == &fields[0] {
			return c.NoOrigin[port]
		}
	}
	for _, port := range slices.Sorted(maps.Keys(c.NoOrigin)) {
		return c.NoOrigin[port]
	}
	return ""
}

// Condition compiles an expression that must be boolean.
func (c *Context) Condition(field, src string, schema flows.Schema) expr.Expr {
	e := c.Expr(field, src, schema)
	if e != nil && e.Type().Kind != flows.Boolean {
		c.Problem(field, "expr.type", fmt.Sprintf("the condition is of type %s and must be boolean", e.Type()), "compare it with something, such as amount > 0")
		return nil
	}
	return e
}

// Field finds a field of schema by name and reports a misspelling.
func (c *Context) Field(field, name string, schema flows.Schema) (flows.Field, bool) {
	f, ok := schema.Find(name)
	if !ok {
		c.problems = append(c.problems, &flows.Error{Code: "schema.unknown_field", Params: flows.Params{"field": name},
			Path: flows.Path{Node: c.Node.ID, Field: field}, Message: fmt.Sprintf("there is no field %q at the input", name),
			Suggestion: flows.DidYouMean(name, schema.Names())})
	}
	return f, ok
}

// FieldRef returns the expression that is a field of schema, unchanged.
func (c *Context) FieldRef(name string, schema flows.Schema) expr.Expr {
	e, err := expr.Compile(expr.FieldName(name), expr.Env{Fields: schema})
	if err != nil {
		c.Report("", err)
	}
	return e
}

// Unique reports output field names that occur twice.
func (c *Context) Unique(field string, names []string) bool {
	seen := map[string]bool{}
	for _, n := range names {
		if seen[n] {
			c.Problem(field, "schema.duplicate_field", fmt.Sprintf("two output fields are named %q", n), "rename one of them")
			return false
		}
		seen[n] = true
	}
	return true
}
