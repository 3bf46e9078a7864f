package enginetest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// reference is what the interpreter knows of one node.
type reference struct {
	id       string
	kind     string              // node type
	inputs   map[string]plan.Ref // by node.InputKey
	ports    map[string]*table   // complete outputs
	rejected int64
	refused  []refusal        // those of them that can be stored
	contents map[int64]string // of a source: its records by their number, as rejects further down would hold them
	policy   flows.RejectPolicy
	count    int64         // of a limit
	join     node.JoinKind // of a join
	keys     [][2]int      // its key fields, left and right
	distinct bool          // of a union
	streams  bool          // looks at no other record, or only counts them: hands each on as it comes
	path     string        // of a source or a sink
	input    *table        // of a sink
}

// generated is one random flow with what it must do.
type generated struct {
	flow  *flows.Flow
	files map[string][]byte
	refs  []*reference // topological
	used  map[string]int
}

type generator struct {
	gen
	*generated
	open   []plan.Ref // outputs that may be read
	reads  map[plan.Ref]int
	names  int
	sealed bool // see generate
	// origins of rows, by their first value.
	origins map[*any]origin
}

// Features are what the generated flows must cover; the test asserts each.
var Features = []string{"csv", "jsonl", "parquet", "empty input", "bad record in file", "filter", "unmatched", "select", "formula", "fallible formula", "refused by formula",
	"convert", "refused by convert", "inner", "left", "right", "full", "semi", "anti", "empty join side", "self join", "diamond", "fork", "aggregate", "aggregate all", "sum too large",
	"sort", "limit", "limit reached", "sort and limit", "rejects port", "rejects read on", "reject with its origin", "origin in fields", "skip policy", "fail policy", "count stage", "without counts",
	"deduplicate", "duplicates",
	"window row_number", "window rank", "window dense_rank", "window lag", "window lead", "window first", "window last", "window sum", "window count", "window min", "window max",
	"window streams", "window too large", "fill value", "fill previous", "fill next", "row number", "row hash",
	"explode", "empty list", "unpivot", "sample share", "sample number", "sample rest",
	"union", "distinct union", "union by position", "union of a fork", "switch first", "switch all", "refused by switch", "pivot",
	"split into fields", "split into records", "refused by split", "flatten",
	"lookup null", "lookup drop", "lookup refuse", "lookup first", "lookup all", "refused by lookup", "empty reference",
	"stop", "stopped", "checkpoint",
	"expect notNull", "expect condition", "expect unique", "expect recordCount", "refused by expectations", "fails as expected", "profile",
	"mask", "encrypt", "refused by decrypt", "json edit", "refused by json edit", "json to xml", "xml to json", "refused by xml", "validate", "refused by validate", "json build", "json extract", "json each", "element refused", "record of elements refused", "refused by json extract", "json json.missing", "json json.null", "json json.wrong_type",
	"call", "refused by call", "call behind call",
	"sql", "sql reads twice", "sql over two", "sql in order"}

// generate makes the flow of a seed. One that is sealed may have the secret parameters for which there are secrets.
func generate(seed uint64, sealed bool) *generated {
	g := &generator{sealed: sealed, gen: gen{rand.New(rand.NewPCG(seed, 0x5eed))}, reads: map[plan.Ref]int{}, origins: map[*any]origin{},
		generated: &generated{flow: &flows.Flow{Format: flows.Format, Name: fmt.Sprintf("generated %d", seed)}, files: map[string][]byte{}, used: map[string]int{}}}
	many := int64(1) << 40
	g.flow.Settings.MaxRejects = &many
	if g.chance(8) {
		g.flow.Settings.NoCounts = true
		g.used["without counts"]++
	}
	for range 1 + g.pick(3) {
		g.source()
	}
	for range g.pick(16) {
		g.transform()
	}
	g.sinks()
	return g.generated
}

func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

func (g *generated) ref(id string) *reference {
	return g.refs[slices.IndexFunc(g.refs, func(r *reference) bool { return r.id == id })]
}

func (g *generator) table(r plan.Ref) *table { return g.ref(r.Node).ports[r.Port] }

// add puts a node into the flow and the interpreter's list.
func (g *generator) add(kind string, config any, inputs map[string]plan.Ref) *reference {
	id := g.name("n")
	raw, err := json.Marshal(config)
	if err != nil {
		panic(err)
	}
	ref := &reference{id: id, kind: kind, inputs: inputs, ports: map[string]*table{}, policy: flows.RejectFail}
	g.flow.Nodes = append(g.flow.Nodes, flows.Node{ID: id, Type: kind, Version: 1, Config: raw})
	g.edges(id, inputs)
	g.refs = append(g.refs, ref)
	return ref
}

// policy decides what a node does with refused records, and opens its rejects port sometimes.
func (g *generator) policy(ref *reference) {
	n := &g.flow.Nodes[len(g.flow.Nodes)-1]
	switch {
	case ref.rejected == 0 && g.chance(70):
		return // fail is the default and nothing is refused
	case g.chance(12):
		if ref.rejected > 0 {
			g.used["fail policy"]++
		}
		return
	case g.chance(30):
		n.Rejects = flows.RejectSkip
		g.used["skip policy"]++
	case g.chance(40):
		n.Rejects = flows.RejectStore
		g.used["rejects port"]++
		ref.ports[node.Rejects] = &table{schema: node.RejectSchema, rows: make([]row, ref.rejected)}
		ref.policy = flows.RejectStore
		if g.chance(60) {
			g.rejectsPort(ref)
		} else {
			g.rejectSink(ref)
		}
		return
	default:
		n.Rejects = flows.RejectStore
	}
	ref.policy = n.Rejects
}

// rejectSink writes the rejects port to a file of which only the number of records is compared.
func (g *generator) rejectSink(of *reference) {
	from := plan.Ref{Node: of.id, Port: node.Rejects}
	path := g.name("rejects") + ".csv"
	ref := g.add("file.output", map[string]any{"path": path, "format": "csv"}, map[string]plan.Ref{node.In: from})
	ref.path, ref.input = path, of.ports[node.Rejects]
}

func (g *generator) choose() plan.Ref {
	r := g.open[g.pick(len(g.open))]
	if g.reads[r] > 0 && !g.chance(25) { // forks, but not everywhere
		for _, o := range g.open {
			if g.reads[o] == 0 {
				r = o
			}
		}
	}
	if g.reads[r] > 0 {
		g.used["fork"]++
	}
	return r
}

func (g *generator) transform() {
	makers := []func(plan.Ref){g.filter, g.selectFields, g.formula, g.convert, g.joinNode, g.aggregate, g.sort, g.limit,
		g.deduplicate, g.window, g.fillNulls, g.rowID, g.explode, g.unpivot, g.sample,
		g.union, g.switchNode, g.pivot, g.splitText, g.flatten, g.lookup, g.stop, g.checkpoint, g.expectations, g.profile, g.sql, g.where, g.jsonExtract, g.jsonBuild, g.validate, g.mask, g.call, g.jsonEdit, g.xml, g.encrypt}
	makers[g.pick(len(makers))](g.choose())
}

func (g *generator) opened(ref *reference, port string, t *table) {
	ref.ports[port] = t
	g.open = append(g.open, plan.Ref{Node: ref.id, Port: port})
}

func (g *generator) filter(in plan.Ref) {
	t := g.table(in)
	cond := g.boolean(t.schema, 2)
	ref := g.add("filter", map[string]any{"condition": cond.text}, map[string]plan.Ref{node.In: in})
	out, un := &table{schema: t.schema, ordered: t.ordered}, &table{schema: t.schema, ordered: t.ordered}
	for _, r := range t.rows {
		switch v, bad := cond.eval(r); {
		case bad:
			ref.refuse(t.schema, r, incomputable("")...)
		case v == true:
			out.rows = append(out.rows, r)
		default:
			un.rows = append(un.rows, r)
		}
	}
	g.used["filter"]++
	g.policy(ref)
	g.opened(ref, node.Out, out)
	if g.chance(35) {
		g.opened(ref, "unmatched", un)
		g.used["unmatched"]++
	}
}

func (g *generator) selectFields(in plan.Ref) {
	t := g.table(in)
	var picks []map[string]string
	out := &table{ordered: t.ordered}
	var at []int
	for _, i := range g.Perm(len(t.schema)) {
		if len(at) > 0 && g.chance(30) {
			continue
		}
		name := t.schema[i].Name
		if g.chance(40) {
			name = g.name("r ")
		}
		picks = append(picks, map[string]string{"name": t.schema[i].Name, "as": name})
		out.schema = append(out.schema, flows.Field{Name: name, Type: t.schema[i].Type})
		at = append(at, i)
	}
	for _, r := range t.rows {
		o := make(row, len(at))
		for k, i := range at {
			o[k] = r[i]
		}
		g.follows(o, r)
		out.rows = append(out.rows, o)
	}
	ref := g.add("select", map[string]any{"fields": picks, "others": "drop"}, map[string]plan.Ref{node.In: in})
	g.used["select"]++
	g.opened(ref, node.Out, out)
}

func (g *generator) formula(in plan.Ref) {
	t := g.table(in)
	out := &table{schema: slices.Clone(t.schema), ordered: t.ordered}
	var fields []map[string]string
	var es []expression
	var at []int
	for range 1 + g.pick(2) {
		e := g.integer(t.schema, 2)
		if g.chance(40) {
			e = g.text(t.schema, 2)
		}
		name, i := g.name("f"), len(out.schema)
		if g.chance(30) {
			if i = g.pick(len(t.schema)); slices.Contains(at, i) {
				i = len(out.schema)
			} else {
				name = t.schema[i].Name
			}
		}
		if i == len(out.schema) {
			out.schema = append(out.schema, flows.Field{})
		}
		out.schema[i] = flows.Field{Name: name, Type: flows.Of(e.kind)}
		if e.kind == flows.Int64 { // literals and lengths may be smaller integers: make the type known
			e.text = "cast(" + e.text + " as int64)"
		}
		fields = append(fields, map[string]string{"name": name, "expression": e.text})
		es, at = append(es, e), append(at, i)
		if e.fallible {
			g.used["fallible formula"]++
		}
	}
	ref := g.add("formula", map[string]any{"fields": fields}, map[string]plan.Ref{node.In: in})
	for _, r := range t.rows {
		o := append(slices.Clone(r), make(row, len(out.schema)-len(r))...)
		g.follows(o, r)
		var blames []blame
		for k, e := range es {
			v, bad := e.eval(r)
			if o[at[k]] = v; bad {
				blames = append(blames, incomputable(fields[k]["name"])...)
			}
		}
		if len(blames) > 0 {
			ref.refuse(t.schema, r, blames...)
		} else {
			out.rows = append(out.rows, o)
		}
	}
	g.used["formula"]++
	if ref.rejected > 0 {
		g.used["refused by formula"]++
	}
	g.policy(ref)
	g.opened(ref, node.Out, out)
}

// convert makes integers of texts and texts of integers.
func (g *generator) convert(in plan.Ref) {
	t := g.table(in)
	var at []int
	for i, f := range t.schema {
		if f.Type.Kind == flows.Int64 || f.Type.Kind == flows.Text {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return
	}
	i := at[g.pick(len(at))]
	to := flows.Int64
	if t.schema[i].Type.Kind == flows.Int64 {
		to = flows.Text
	}
	out := &table{schema: slices.Clone(t.schema), ordered: t.ordered}
	out.schema[i].Type = flows.Of(to)
	ref := g.add("convert", map[string]any{"fields": []map[string]string{{"name": t.schema[i].Name, "type": to.String()}}}, map[string]plan.Ref{node.In: in})
	for _, r := range t.rows {
		o := slices.Clone(r)
		switch v := r[i].(type) {
		case int64:
			o[i] = fmt.Sprint(v)
		case string:
			n, ok := new(big.Int).SetString(strings.TrimPrefix(v, "+"), 10)
			if !ok || !n.IsInt64() || v == "" || strings.Contains(v, "_") {
				ref.refuse(t.schema, r, blame{"value.conversion", t.schema[i].Name})
				continue
			}
			o[i] = n.Int64()
		}
		out.rows = append(out.rows, o)
	}
	g.used["convert"]++
	if ref.rejected > 0 {
		g.used["refused by convert"]++
	}
	g.policy(ref)
	g.opened(ref, node.Out, out)
}

func (g *generator) sort(in plan.Ref) {
	t := g.table(in)
	keys, order, total := g.order(t.schema)
	if len(keys) == 0 {
		return
	}
	out := &table{schema: t.schema, rows: slices.Clone(t.rows), ordered: total}
	slices.SortStableFunc(out.rows, func(a, b row) int { return compareBy(order, a, b) })
	ref := g.add("sort", map[string]any{"keys": keys}, map[string]plan.Ref{node.In: in})
	g.used["sort"]++
	g.opened(ref, node.Out, out)
	if g.chance(15) {
		g.limit(plan.Ref{Node: ref.id, Port: node.Out})
		g.reads[plan.Ref{Node: ref.id, Port: node.Out}]++
	}
}

// limit needs an input whose order is known.
func (g *generator) limit(in plan.Ref) {
	t := g.table(in)
	if !t.ordered {
		return
	}
	n, skip := 1+g.pick(30), 0
	if g.chance(25) {
		skip = g.pick(10)
	}
	ref := g.add("limit", map[string]any{"count": n, "offset": skip}, map[string]plan.Ref{node.In: in})
	from := min(skip, len(t.rows))
	out := &table{schema: t.schema, rows: t.rows[from:min(len(t.rows), from+n)], ordered: true}
	ref.count = int64(n)
	g.used["limit"]++
	if len(out.rows) == n {
		g.used["limit reached"]++
	}
	if g.ref(in.Node).kind == "sort" {
		g.used["sort and limit"]++
	}
	g.opened(ref, node.Out, out)
}

// sinks writes every output that nobody reads, or leaves it to be counted.
func (g *generator) sinks() {
	wrote := false
	for i, r := range g.open {
		if g.reads[r] > 0 && !g.chance(8) {
			continue
		}
		if g.reads[r] == 0 && g.chance(15) && (wrote || i < len(g.open)-1) {
			g.used["count stage"]++
			continue
		}
		t := g.table(r)
		format := "jsonl"
		config := map[string]any{}
		if g.chance(60) {
			format, config["options"] = "csv", map[string]any{"nullValue": nullText}
		}
		path := g.name("out") + "." + format
		config["path"], config["format"] = path, format
		ref := g.add("file.output", config, map[string]plan.Ref{node.In: r})
		ref.path, ref.input, wrote = path, t, true
	}
}

// nullText stands for null in CSV files written by the tests; no generated text equals it.
const nullText = "NULL!"
