package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/expr"
	"spark/flows/node"
	"spark/flows/plan"
)

// DescribeQuery asks DuckDB, in a database that has the tables without records.
func (e *Engine) DescribeQuery(q node.QueryQuestion) (flows.Schema, error) {
	temp, err := os.MkdirTemp("", "spark-describe-")
	if err != nil {
		return nil, fmt.Errorf("temp folder: %w", err)
	}
	defer os.RemoveAll(temp)
	b, err := e.openBox(engine.Env{Temp: temp, Threads: 1})
	if err != nil {
		return nil, err
	}
	defer b.close()
	names := make([]string, len(q.Tables))
	for i, t := range q.Tables {
		names[i] = t.Name
		if err := b.create(t); err != nil {
			return nil, err
		}
	}
	var params []expr.Param
	for _, p := range q.Params {
		params = append(params, expr.Param{Name: p.Name, Type: p.Type})
	}
	for _, name := range q.Secrets {
		params = append(params, expr.Param{Name: name, Secret: true})
	}
	sql, err := b.statement(q.SQL, names, params)
	if err != nil {
		return nil, err
	}
	rows, err := b.conn.QueryText("DESCRIBE " + sql)
	if err != nil {
		return nil, queryError(err)
	}
	var schema flows.Schema
	for _, r := range rows {
		t, err := typeOfSQL(*r[1])
		if err != nil {
			e := flows.AsError(err)
			e.Suggestion = fmt.Sprintf("cast the column %s to another type", *r[0])
			return nil, e
		}
		schema = append(schema, flows.Field{Name: *r[0], Type: t})
	}
	return schema, nil
}

// box is a database of its own for statements that people write: all optimizers are at work, and nothing of the run can
// be seen but the tables that are put into it.
type box struct {
	db   *capi.DB
	conn *capi.Conn
}

func (e *Engine) openBox(env engine.Env) (*box, error) {
	db, err := capi.Open(e.settings(env), func(capi.Refused) error { return nil })
	if err != nil {
		return nil, err
	}
	b := &box{db: db}
	if b.conn, err = db.Connect(); err != nil {
		db.Close()
		return nil, err
	}
	if err := (&Engine{}).lock(env, nil, b.conn); err != nil { // without the data folders
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *box) close() {
	b.conn.Close()
	b.db.Close()
}

// create makes an empty table.
func (b *box) create(t node.QueryTable) error {
	cols := make([]string, len(t.Schema))
	for i, f := range t.Schema {
		cols[i] = quoteName(f.Name) + " " + SQLType(f.Type)
	}
	_, err := b.conn.Exec(fmt.Sprintf("CREATE TEMP TABLE %s (%s)", quoteName(t.Name), strings.Join(cols, ", ")))
	return err
}

// statement is what people wrote, with the values of the parameters, once it is known to be one SELECT that reads
// nothing but its tables. It is written anew from DuckDB's own syntax tree.
func (b *box) statement(sql string, tables []string, params []expr.Param) (string, error) {
	sql, err := setParams(sql, params)
	if err != nil {
		return "", err
	}
	rows, err := b.conn.QueryText("SELECT json_serialize_sql(" + quoteText(sql) + ")")
	if err != nil {
		return "", queryError(err)
	}
	var tree syntaxTree
	if err := json.Unmarshal([]byte(*rows[0][0]), &tree); err != nil {
		return "", fmt.Errorf("duckdb: syntax tree: %w", err)
	}
	switch {
	case tree.Error && tree.ErrorType == "not implemented": // DuckDB serializes SELECT only
		return "", &flows.Error{Code: "sql.not_select", Message: "this is not a SELECT statement", Suggestion: "write one SELECT; WITH may come before it"}
	case tree.Error:
		return "", queryError(fmt.Errorf("%s", tree.ErrorMessage))
	case len(tree.Statements) != 1:
		return "", &flows.Error{Code: "sql.statements", Message: fmt.Sprintf("there are %d statements", len(tree.Statements)), Suggestion: "write one SELECT"}
	}
	if err := inspect(tree.Statements[0], tables); err != nil {
		return "", err
	}
	rows, err = b.conn.QueryText("SELECT json_deserialize_sql(" + quoteText(*rows[0][0]) + ")")
	if err != nil {
		return "", queryError(err)
	}
	return *rows[0][0], nil
}

// syntaxTree is what json_serialize_sql returns.
type syntaxTree struct {
	Error        bool   `json:"error"`
	ErrorType    string `json:"error_type"`
	ErrorMessage string `json:"error_message"`
	Statements   []any  `json:"statements"`
}

// harmless are the table functions that make records of their arguments alone.
var harmless = []string{"unnest", "range", "generate_series"}

// ours and hidden are functions that are not for statements of people: those that count or are in Go, and those that look at settings.
var ours = []string{"tap", "tapf", "tapx", "tapw", "taps", "go_apply", "go_apply_random"}
var hidden = []string{"current_setting", "getvariable", "getenv", "nextval", "currval", "query", "query_table"}

// inspect walks a syntax tree and refuses what reads anything but the tables.
func inspect(tree any, tables []string) error {
	known := map[string]bool{}
	for _, t := range tables {
		known[strings.ToLower(t)] = true
	}
	walk(tree, func(n map[string]any) error {
		if ctes, ok := n["cte_map"].(map[string]any); ok {
			list, _ := ctes["map"].([]any)
			for _, c := range list {
				entry, _ := c.(map[string]any)
				known[strings.ToLower(text(entry["key"]))] = true
			}
		}
		if text(n["type"]) == "RECURSIVE_CTE_NODE" || text(n["type"]) == "CTE_NODE" {
			known[strings.ToLower(text(n["cte_name"]))] = true
		}
		return nil
	})
	return walk(tree, func(n map[string]any) error {
		switch text(n["type"]) {
		case "BASE_TABLE":
			name, schema, catalog := text(n["table_name"]), text(n["schema_name"]), text(n["catalog_name"])
			if schema != "" || catalog != "" || !known[strings.ToLower(name)] {
				return &flows.Error{Code: "sql.table_unknown", Params: flows.Params{"table": name}, Message: fmt.Sprintf("there is no table %q", strings.TrimPrefix(schema+"."+name, ".")),
					Suggestion: "the tables are " + strings.Join(tables, ", ")}
			}
		case "TABLE_FUNCTION":
			f, _ := n["function"].(map[string]any)
			if name := strings.ToLower(text(f["function_name"])); !slices.Contains(harmless, name) {
				return &flows.Error{Code: "sql.function", Params: flows.Params{"function": name}, Message: fmt.Sprintf("the table function %q is not allowed", name),
					Suggestion: "only " + strings.Join(harmless, ", ") + " are; read files with File Input"}
			}
		}
		if name := strings.ToLower(text(n["function_name"])); slices.Contains(ours, name) || slices.Contains(hidden, name) {
			return &flows.Error{Code: "sql.function", Params: flows.Params{"function": name}, Message: fmt.Sprintf("the function %q is not allowed", name), Suggestion: "leave it out"}
		}
		return nil
	})
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func walk(v any, visit func(map[string]any) error) error {
	switch v := v.(type) {
	case map[string]any:
		if err := visit(v); err != nil {
			return err
		}
		for _, child := range v {
			if err := walk(child, visit); err != nil {
				return err
			}
		}
	case []any:
		for _, child := range v {
			if err := walk(child, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// parameterToken finds what may hold a $ that is no parameter, and parameters. DuckDB's texts in dollars come before.
var parameterToken = regexp.MustCompile(`(?s)'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\$\$.*?\$\$|\$[A-Za-z_][A-Za-z0-9_]*`)

// setParams puts the values of parameters, or null where there is none, in the place of $name.
func setParams(sql string, params []expr.Param) (string, error) {
	var failed error
	r := &renderer{}
	sql = parameterToken.ReplaceAllStringFunc(sql, func(token string) string {
		if token[0] != '$' || strings.HasPrefix(token, "$$") {
			return token
		}
		i := slices.IndexFunc(params, func(p expr.Param) bool { return "$"+p.Name == token })
		if i < 0 {
			names := make([]string, len(params))
			for i, p := range params {
				names[i] = "$" + p.Name
			}
			failed = &flows.Error{Code: "parameter.unknown", Params: flows.Params{"parameter": token[1:]}, Message: fmt.Sprintf("the flow has no parameter %q", token[1:]), Suggestion: flows.DidYouMean(token, names)}
			return token
		}
		if params[i].Secret {
			failed = &flows.Error{Code: "expr.secret_parameter", Params: flows.Params{"parameter": token[1:]}, Message: fmt.Sprintf("the parameter %q is secret, and records would show it", token[1:]), Suggestion: "use another parameter"}
			return token
		}
		return r.constant(nil, params[i].Type, params[i].Value)
	})
	return sql, failed
}

// queryErrorPlace is where DuckDB says that an error is.
var queryErrorPlace = regexp.MustCompile(`(?s)\n\s*LINE (\d+):.*$`)

// queryError makes a sentence of what DuckDB says about a statement of people.
func queryError(err error) error {
	said := words(err)
	e := &flows.Error{Code: "sql.error", Cause: err, Suggestion: "mend the statement"}
	if m := queryErrorPlace.FindStringSubmatch(said); m != nil {
		e.Suggestion = "look at line " + m[1]
		said = queryErrorPlace.ReplaceAllString(said, "")
	}
	e.Message = strings.Join(strings.Fields(said), " ")
	return e
}

// feedQuery hands the inputs of a step over to a box, and feeds the result of its statement to the stage.
func (r *run) feedQuery(ctx context.Context, st *plan.Step, op node.Query) (_ *feed, err error) {
	env := r.env
	env.Temp, env.MemoryLimit = filepath.Join(env.Temp, "sql"), env.MemoryLimit/2
	b, err := r.engine.openBox(env)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	for i, in := range st.Inputs {
		if err := r.handOver(ctx, b, node.QueryTable{Name: op.Tables[i], Schema: st.Node.InputSchemas[in.Port]}, r.names[in.Ref]); err != nil {
			return nil, err
		}
	}
	sql, err := b.statement(op.SQL, op.Tables, op.Params)
	if err != nil {
		return nil, err
	}
	result := pick(st.Schema, st.Needed)
	f := &feed{ref: st.Ref}
	err = r.start(ctx, r.conn, f, fmt.Sprintf("src%d", r.taps[st.Ref]), arrowSchema(result), func(ctx context.Context) (node.ReadStats, error) {
		defer interruptible(ctx, b.conn)()
		stats, err := copied(ctx, f, b.conn, fmt.Sprintf("SELECT %s FROM (%s)", travelling(result), sql))
		if err != nil && ctx.Err() == nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			err = r.decide(flows.AsError(queryError(err)).At(flows.Path{Node: st.Ref.Node, Field: "query"}))
		}
		return stats, err
	})
	if err != nil {
		return nil, err
	}
	release := f.release
	f.release = func() { release(); b.close() }
	return f, nil
}

// handOver copies a kept relation into a table of a box.
func (r *run) handOver(ctx context.Context, b *box, t node.QueryTable, from string) error {
	if err := b.create(t); err != nil {
		return err
	}
	f := &feed{}
	err := r.start(ctx, b.conn, f, "__spark_in", arrowSchema(t.Schema), func(ctx context.Context) (node.ReadStats, error) {
		defer interruptible(ctx, r.conn)()
		return copied(ctx, f, r.conn, fmt.Sprintf("SELECT %s FROM %s", travelling(t.Schema), from))
	})
	if err != nil {
		return err
	}
	defer f.stop()
	defer interruptible(ctx, b.conn)()
	n, err := b.conn.Exec(fmt.Sprintf("INSERT INTO %s SELECT %s FROM __spark_in", quoteName(t.Name), arrived(t.Schema)))
	if err != nil {
		return err
	}
	if f.stop(); f.failed() != nil || int64(n) != f.stats.Records {
		return errors.Join(fmt.Errorf("%d of %d records of %s were handed over", n, f.stats.Records, t.Name), f.failed())
	}
	return nil
}

// copied hands what a statement returns to a feed, and counts it.
func copied(ctx context.Context, f *feed, conn *capi.Conn, sql string) (stats node.ReadStats, err error) {
	emit := f.emit(ctx)
	err = conn.Stream(sql, func(batch arrow.RecordBatch) error {
		n := batch.NumRows()
		batch.Retain()
		if err := emit(node.Batch{Records: batch}); err != nil {
			return err
		}
		stats.Records += n
		return nil
	})
	stats.Complete = err == nil
	return stats, err
}

// pick returns the named fields of a schema, in the order of names.
func pick(s flows.Schema, names []string) flows.Schema {
	list := make(flows.Schema, len(names))
	for i, n := range names {
		list[i], _ = s.Find(n)
	}
	return list
}
