// Package duckdb is the embedded engine: every stage of a plan becomes one fused DuckDB statement in which counting
// functions report the exact number of records at every node while it runs.
package duckdb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/node"
	"spark/flows/plan"
)

// Engine runs plans in this process, one database per run.
type Engine struct {
	// Folders are the data folders that DuckDB itself may read and write, as absolute paths.
	Folders []string
	// Files resolves file patterns for Describe.
	Files node.Files
	// Optimizers are enabled again although they make counts inexact. Only the test that proves it sets this.
	Optimizers []string
}

var _ engine.Engine = (*Engine)(nil)

// Name is "duckdb".
func (e *Engine) Name() string { return "duckdb" }

// Supports tells which operators cannot be executed.
func (e *Engine) Supports(op node.Op) string {
	switch op := op.(type) {
	case node.Read, node.Filter, node.Project, node.Join, node.Union, node.Aggregate, node.Sort, node.Limit, node.Pick, node.Draw, node.Window, node.Unnest, node.Elements, node.Enrich, node.Stop, node.Expect, node.Profile, node.Query, node.Call:
		return ""
	case node.Write:
		switch t := op.Target.(type) {
		case node.BatchTarget:
			return ""
		case node.FileSink:
			if _, ok := copyOptions[t.Format]; !ok {
				return fmt.Sprintf("files of format %s cannot be written", t.Format)
			}
			return ""
		}
		return fmt.Sprintf("the target %T is unknown", op.Target)
	}
	return fmt.Sprintf("%T is unknown", op)
}

// inexact are the optimizers that move, merge or drop counting functions. build_side_probe_side is ours to decide:
// the plan knows sizes that DuckDB does not, and which side a join builds decides what may be stopped early.
// join_elimination leaves out a side of which nobody reads a field, and window_self_join reads an input twice.
var inexact = []string{"filter_pushdown", "filter_pullup", "join_filter_pushdown", "cte_filter_pusher", "reorder_filter",
	"join_order", "statistics_propagation", "build_side_probe_side", "join_elimination", "window_self_join"}

// settings are DuckDB's, before the lock.
func (e *Engine) settings(env engine.Env) map[string]string {
	s := map[string]string{
		"threads":                      strconv.Itoa(max(1, env.Threads)),
		"temp_directory":               filepath.Join(env.Temp, "duckdb"),
		"autoinstall_known_extensions": "false",
		"autoload_known_extensions":    "false",
		"allow_community_extensions":   "false",
	}
	if env.MemoryLimit > 0 {
		s["memory_limit"] = strconv.FormatInt(env.MemoryLimit, 10) + "B"
	}
	return s
}

// lock shuts the database in: only the data folders and the temp folder can be reached, and no statement can change
// that again. The order matters. What holds for one connection is set on each.
func (e *Engine) lock(env engine.Env, disabled []string, c *capi.Conn, others ...*capi.Conn) error {
	dirs := make([]string, 0, len(e.Folders)+1)
	for _, d := range append([]string{env.Temp}, e.Folders...) {
		dirs = append(dirs, quoteText(strings.TrimSuffix(d, "/")+"/"))
	}
	spill := "RESET max_temp_directory_size"
	if env.SpillLimit > 0 { // as a setting of the opening it would be overwritten when the folder is made
		spill = fmt.Sprintf("SET max_temp_directory_size='%dB'", env.SpillLimit)
	}
	for _, c := range append(others, c) {
		for _, sql := range slices.Concat(capi.ProfileSettings, []string{"SET TimeZone='UTC'", "SET max_expression_depth=2000"}) {
			if _, err := c.Exec(sql); err != nil {
				return fmt.Errorf("duckdb: %s: %w", sql, err)
			}
		}
	}
	for _, sql := range []string{
		spill,
		"SET disabled_optimizers=" + quoteText(strings.Join(disabled, ",")),
		"SET allowed_directories=[" + strings.Join(dirs, ",") + "]",
		"SET enable_external_access=false",
		"SET lock_configuration=true",
	} {
		if _, err := c.Exec(sql); err != nil {
			return fmt.Errorf("duckdb: %s: %w", sql, err)
		}
	}
	return nil
}

// handed are the optimizers that hand conditions to a source, or conclude from its statistics: an Arrow stream from Go
// would ignore conditions, and the statistics of a Parquet file may be wrong, which nobody would notice.
var handed = []string{"filter_pushdown", "join_filter_pushdown", "cte_filter_pusher", "statistics_propagation"}

func (e *Engine) disabled(p *plan.Plan) []string {
	list := slices.Clone(inexact)
	if p.Uncounted() {
		list = slices.Clone(handed)
	}
	if native(p) { // a dynamic filter of TopN would skip row groups of a file, by their statistics and before they are counted
		list = append(list, "top_n")
	}
	return slices.DeleteFunc(list, func(o string) bool { return slices.Contains(e.Optimizers, o) })
}

// native tells whether DuckDB reads a source by itself.
func native(p *plan.Plan) bool {
	for _, n := range p.Nodes {
		for _, r := range n.Results {
			if read, ok := r.Op.(node.Read); ok {
				if _, is := read.Source.(node.NativeSource); is {
					return true
				}
			}
		}
	}
	return false
}

// Describe returns the schema of Parquet files.
func (e *Engine) Describe(format, path string, options []byte) (flows.Schema, error) {
	temp, err := os.MkdirTemp("", "spark-describe-")
	if err != nil {
		return nil, fmt.Errorf("temp folder: %w", err)
	}
	defer os.RemoveAll(temp)
	env := engine.Env{Temp: temp, Threads: 1, Files: e.Files}
	db, err := capi.Open(e.settings(env), nil)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	c, err := db.Connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := e.lock(env, nil, c); err != nil {
		return nil, err
	}
	set, err := openParquet(e.Files, format, path)
	if err != nil {
		return nil, err
	}
	return set.describe(c)
}

// Bytes adds up the sizes of a file set.
func (e *Engine) Bytes(path string) int64 { return node.TotalBytes(e.Files, path) }

// Run executes a plan in a database of its own.
func (e *Engine) Run(ctx context.Context, p *plan.Plan, env engine.Env) ([]flows.NodeStatus, error) {
	r := newRun(e, p, env)
	err := r.execute(ctx)
	return r.final, err
}
