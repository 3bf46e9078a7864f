package duckdb

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/expr"
	"spark/flows/node"
	"spark/flows/plan"
)

// A relation's tap counts its records. Guarded steps have a second tap for refused ones.

// builder writes the statement of one stage: a chain of common table expressions, one per step. Nested subqueries
// would exceed DuckDB's expression depth at a few hundred nodes; a chain does not.
type builder struct {
	run   *run
	conn  *capi.Conn
	ctes  []string
	reads map[plan.Ref]string // SQL names of what this statement alone reads so
	fork  *fork               // that is computed in it
}

func quoteNames(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = quoteName(n)
	}
	return strings.Join(q, ", ")
}

// relation is the SQL name of what a step or a stage reads.
func (b *builder) relation(r plan.Ref) string {
	if name, ok := b.reads[r]; ok {
		return name
	}
	return b.run.names[r]
}

// columns are the fields that a step hands on, with the origin where it is asked for.
func columns(st *plan.Step) []string {
	names := append([]string{}, st.Needed...)
	if st.Origin {
		names = append(names, node.OriginFile, node.OriginRecord)
	}
	return names
}

// step adds the relation of one step.
func (b *builder) step(st *plan.Step) error {
	sql, err := b.stepSQL(st)
	if err != nil {
		return flows.AsError(err).At(flows.Path{Node: st.Ref.Node})
	}
	b.ctes = append(b.ctes, b.relation(st.Ref)+" AS NOT MATERIALIZED ("+b.sampled(st, sql)+")")
	if b.fork == nil || st != b.fork.fused.last {
		return nil
	}
	handing, err := b.handing()
	if err != nil {
		return err
	}
	name := b.relation(st.Ref) + "_handed"
	b.ctes, b.reads = append(b.ctes, name+" AS NOT MATERIALIZED ("+handing+")"), map[plan.Ref]string{st.Ref: name}
	return nil
}

func (b *builder) stepSQL(st *plan.Step) (string, error) {
	id := b.run.taps[st.Ref]
	in := func(i int) string { return b.relation(st.Inputs[i].Ref) }
	switch op := st.Op.(type) {
	case node.Read:
		return b.read(st, op)
	case node.Filter:
		return b.filter(st, op, in(0))
	case node.Project:
		return b.project(st, op, in(0))
	case node.Join:
		sql, err := b.join(st, op, in(0), in(1))
		return b.tapped(sql, id), err
	case node.Stop:
		return b.stop(st, op, in(0))
	case node.Expect:
		return b.expect(st, op, in(0))
	case node.Call:
		return b.called(st, op), nil
	case node.Query:
		names := quoteNames(columns(st))
		return fmt.Sprintf("SELECT %s FROM (SELECT %s FROM src%d WHERE tap(%[3]d, %[2]s))", arrived(pick(st.Schema, columns(st))), names, b.run.taps[st.Ref]), nil
	case node.Profile:
		return b.profile(st, op, in(0)), nil
	case node.Enrich:
		return b.lookup(st, op, in(0), in(1))
	case node.Union:
		sql, err := b.union(st, op)
		return b.tapped(sql, id), err
	case node.Aggregate:
		return b.aggregate(st, op, in(0))
	case node.Sort:
		return b.sort(st, op, in(0))
	case node.Pick:
		return b.pick(st, op, in(0))
	case node.Draw:
		return b.draw(st, op, in(0)), nil
	case node.Window:
		return b.window(st, op, in(0))
	case node.Unnest:
		return b.unnest(st, op, in(0))
	case node.Elements:
		return b.elements(st, op, in(0))
	case node.Limit:
		return b.tapped(fmt.Sprintf("SELECT %s FROM %s LIMIT %d OFFSET %d", quoteNames(columns(st)), in(0), op.Count, op.Offset), id), nil
	}
	return "", fmt.Errorf("operator %T is unknown", st.Op)
}

// tapped counts the records of a relation. The tap must be a filter of its own: in a condition with others, or as a
// column that nobody reads, it would be moved or dropped.
func (b *builder) tapped(sql string, id int) string {
	if b.run.plan.Uncounted() {
		return sql
	}
	return fmt.Sprintf("SELECT * FROM (%s) WHERE tap(%d)", sql, id)
}

func (b *builder) read(st *plan.Step, op node.Read) (string, error) {
	if native, ok := op.Source.(node.NativeSource); ok {
		return b.readNative(st, native, b.run.taps[st.Ref])
	}
	_, texts := op.Source.(node.TextSource) // every value is text
	id := b.run.taps[st.Ref]
	names := columns(st)
	cols := make([]string, len(names))
	for i, n := range names {
		cols[i] = quoteName(n)
	}
	view := fmt.Sprintf("src%d", id)
	// Every column is an argument, so that DuckDB asks the stream for all of them: it cannot deliver a projection.
	args := cols
	if b.numbers(st) {
		args = append(slices.Clone(cols), quoteName(batchNumber))
	}
	where := fmt.Sprintf("tap(%d, %s)", id, strings.Join(args, ", "))
	for i, n := range names {
		if f, ok := op.Schema.Find(n); ok && (texts && f.Type.Kind != flows.Text || travelsAsText(f.Type)) {
			cols[i] = fmt.Sprintf("CAST(%s AS %s) AS %s", cols[i], SQLType(f.Type), cols[i])
		}
	}
	if b.numbers(st) {
		view, where = fmt.Sprintf("(SELECT * FROM %s WHERE %s)", view, where), fmt.Sprintf("fork_at(%s)", quoteName(batchNumber))
	}
	return fmt.Sprintf("SELECT %s FROM %s WHERE %s", strings.Join(cols, ", "), view, where), nil
}

// travelsAsText: see node.ArrowType.
func travelsAsText(t flows.Type) bool {
	switch t.Kind {
	case flows.Int128, flows.Interval, flows.UUID, flows.JSON:
		return true
	case flows.List:
		return travelsAsText(*t.Elem)
	case flows.Struct:
		for _, f := range t.Fields {
			if travelsAsText(f.Type) {
				return true
			}
		}
	}
	return false
}

func (b *builder) filter(st *plan.Step, op node.Filter, in string) (string, error) {
	id := b.run.taps[st.Ref]
	r, err := b.condition(op)
	if err != nil {
		return "", err
	}
	cond, cols := r.Value, quoteNames(columns(st))
	if r.Err == "" {
		if b.run.plan.Uncounted() {
			return fmt.Sprintf("SELECT %s FROM %s WHERE %s", cols, in, cond), nil
		}
		return fmt.Sprintf("SELECT %s FROM %s WHERE tapf(%d, %s)", cols, in, id, cond), nil
	}
	refuse := b.refuse(st)
	if b.refusedBefore(st) {
		refuse = "false" // and told so there
	}
	b.run.site(st, 0, "", r.Errors)
	inner := fmt.Sprintf("SELECT *, %s AS __spark_v, %s AS __spark_e FROM %s", cond, r.Err, in)
	return fmt.Sprintf("SELECT %s FROM (%s) WHERE tapf(%d, CASE WHEN __spark_e IS NULL THEN __spark_v ELSE %s END)", cols, inner, id, refuse), nil
}

// condition is that of a filter.
func (b *builder) condition(op node.Filter) (Rendered, error) {
	r, err := b.run.render.Render(op.Cond)
	if op.Negate {
		r.Value = fmt.Sprintf("NOT coalesce(%s, false)", r.Value)
	}
	return r, err
}

// refusedBefore reports whether an output of the node that comes before that of st is executed: all of them refuse the
// same records, and the first one tells.
func (b *builder) refusedBefore(st *plan.Step) bool {
	ports := st.Node.Ports()
	return slices.ContainsFunc(ports[:slices.Index(ports, st.Ref.Port)], func(port string) bool {
		_, executed := b.run.taps[plan.Ref{Node: st.Ref.Node, Port: port}]
		return executed
	})
}

func (b *builder) project(st *plan.Step, op node.Project, in string) (string, error) {
	_, shared := op.Reads(st.Needed)
	in, err := b.shared(shared, in)
	if err != nil {
		return "", err
	}
	p := projection{builder: b, step: st}
	if err := errors.Join(p.checks(op.Checks), p.columns(op.Columns)); err != nil {
		return "", err
	}
	if len(p.errs) == 0 {
		where := ""
		if st.Guarded { // counted where records that pass are
			where = fmt.Sprintf(" WHERE tapf(%d, true)", b.run.taps[st.Ref])
		}
		return fmt.Sprintf("SELECT %s FROM %s%s", strings.Join(p.outer, ", "), in, where), nil
	}
	why := "NULL"
	if len(p.whys) > 0 {
		why = "CASE __spark_e " + strings.Join(p.whys, " ") + " END"
	}
	return p.sql(in, "true", b.refuseFor(st, why, record)), nil
}

// shared puts a relation with what a projection computes once, as far as it is needed, in the place of its input.
func (b *builder) shared(list []node.Column, in string) (string, error) {
	var cols, names []string
	flush := func() {
		if len(cols) > 0 {
			in = fmt.Sprintf("(SELECT *, %s FROM %s)", strings.Join(cols, ", "), in)
			cols, names = nil, nil
		}
	}
	for _, c := range list {
		r, err := b.run.render.Render(c.Expr)
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(expr.Fields(c.Expr), func(f string) bool { return slices.Contains(names, f) }) {
			flush() // what it reads has to be there
		}
		cols, names = append(cols, r.Value+" AS "+quoteName(c.Name)), append(names, c.Name)
	}
	flush()
	return in, nil
}

// record writes fields as a JSON object, every value as text so that no digit is lost.
func record(names []string) string { return recordWith(names, "", "") }

// recordWith is record with a text in the place of one field.
func recordWith(names []string, field, text string) string {
	fields := make([]string, len(names))
	for i, n := range names {
		fields[i] = fmt.Sprintf("%s, CAST(%s AS VARCHAR)", quoteText(n), quoteName(n))
		if n == field {
			fields[i] = quoteText(n) + ", " + text
		}
	}
	return "CAST(json_object(" + strings.Join(fields, ", ") + ") AS VARCHAR)"
}

// originOf is where a record of a step's input comes from, as far as that is known.
func (b *builder) originOf(st *plan.Step) (file, number string) {
	if b.run.hasOrigin(st.Inputs[0]) {
		return quoteName(node.OriginFile), quoteName(node.OriginRecord)
	}
	return "NULL", "NULL::BIGINT"
}

// refuse calls tapx with the whole input record.
func (b *builder) refuse(st *plan.Step) string { return b.refuseFor(st, "NULL", record) }

// refuseFor is refuse with what there is to say about a record beside the message of its error, SQL of a text, and with
// how its fields are written.
func (b *builder) refuseFor(st *plan.Step, why string, record func(names []string) string) string {
	file, number := b.originOf(st)
	raw := "NULL"
	if st.Node.Policy != flows.RejectSkip {
		raw = record(st.Node.InputSchemas[st.Inputs[0].Port].Names())
	}
	return fmt.Sprintf("tapx(%d, __spark_e, %s, %s, %s, %s)", b.run.refusals[st.Ref], raw, file, number, why)
}

func (b *builder) join(st *plan.Step, op node.Join, left, right string) (string, error) {
	var keysL, keysR, on, present []string
	for i, k := range op.Keys {
		l, err := b.run.render.Render(k.Left)
		if err != nil {
			return "", err
		}
		r, err := b.run.render.Render(k.Right)
		if err != nil {
			return "", err
		}
		keysL = append(keysL, fmt.Sprintf("%s AS __spark_k%d", l.Value, i))
		keysR = append(keysR, fmt.Sprintf("%s AS __spark_k%d", r.Value, i))
		present = append(present, fmt.Sprintf("__spark_k%d IS NOT NULL", i))
		on = append(on, fmt.Sprintf("l.__spark_k%d = r.__spark_k%d", i, i))
	}
	var cols []string
	sides := map[string][]string{}
	for _, f := range op.Fields {
		if slices.Contains(st.Needed, f.As) {
			cols = append(cols, fmt.Sprintf("%s.%s AS %s", f.Side[:1], quoteName(f.Field), quoteName(f.As)))
			sides[f.Side] = append(sides[f.Side], quoteName(f.Field))
		}
	}
	l := fmt.Sprintf("(SELECT %s FROM %s)", strings.Join(append(sides[node.Left], keysL...), ", "), left)
	r := fmt.Sprintf("(SELECT %s FROM %s)", strings.Join(append(sides[node.Right], keysR...), ", "), right)
	if build := &r; st.MatchesOnly() && !b.run.plan.Uncounted() {
		if st.BuildLeft {
			build = &l
		}
		// The hash table leaves null keys out, and without a record in it the other side is not read: count what is in.
		*build = fmt.Sprintf("(SELECT * FROM %s WHERE tapf(%d, %s))", *build, b.run.refusals[st.Ref], strings.Join(present, " AND "))
	}
	l, r = l+" l", r+" r"
	kind := op.Kind
	if st.BuildLeft { // DuckDB builds on the right
		l, r = r, l
		switch kind {
		case node.JoinLeft:
			kind = node.JoinRight
		case node.JoinRight:
			kind = node.JoinLeft
		}
	}
	return fmt.Sprintf("SELECT %s FROM %s %s JOIN %s ON %s", strings.Join(cols, ", "), l, strings.ToUpper(string(kind)), r, strings.Join(on, " AND ")), nil
}

func (b *builder) aggregate(st *plan.Step, op node.Aggregate, in string) (string, error) {
	var cols, group, errs []string
	offset := 0
	for i, c := range slices.Concat(op.Keys, op.Aggs) {
		r, err := b.run.render.Render(c.Expr)
		if err != nil {
			return "", err
		}
		cols = append(cols, fmt.Sprintf("%s AS %s", r.Value, quoteName(c.Name)))
		if i < len(op.Keys) {
			group = append(group, fmt.Sprint(i+1))
		}
		if r.Err != "" {
			errs = append(errs, fmt.Sprintf("(%s) + %d", r.Err, offset))
			b.run.site(st, offset, c.Name, r.Errors)
			offset += len(r.Errors)
		}
	}
	id := b.run.taps[st.Ref]
	if len(errs) > 0 {
		cols = append(cols, fmt.Sprintf("coalesce(%s) AS __spark_e", strings.Join(errs, ", ")))
	}
	sql := fmt.Sprintf("SELECT %s FROM %s", strings.Join(cols, ", "), in)
	if len(group) > 0 {
		sql += " GROUP BY " + strings.Join(group, ", ")
	}
	if len(errs) == 0 {
		if st.Guarded { // counted where records that pass are
			return fmt.Sprintf("SELECT * FROM (%s) WHERE tapf(%d, true)", sql, id), nil
		}
		return b.tapped(sql, id), nil
	}
	keys := make([]string, len(op.Keys))
	for i, k := range op.Keys {
		keys[i] = k.Name
	}
	return fmt.Sprintf("SELECT %s FROM (%s) WHERE tapf(%d, CASE WHEN __spark_e IS NULL THEN true ELSE tapx(%d, __spark_e, %s, NULL, NULL::BIGINT, NULL) END)",
		quoteNames(st.Schema.Names()), sql, id, b.run.refusals[st.Ref], record(keys)), nil
}

func (b *builder) sort(st *plan.Step, op node.Sort, in string) (string, error) {
	keys, err := b.order(op.Keys, false)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", quoteNames(columns(st)), in, strings.Join(keys, ", ")), nil
}

// with joins the chain and the statement's end.
func (b *builder) with(rest string) string {
	if len(b.ctes) == 0 {
		return rest
	}
	return "WITH " + strings.Join(b.ctes, ",\n") + "\n" + rest
}
