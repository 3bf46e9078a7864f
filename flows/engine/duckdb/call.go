package duckdb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/flows"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/node"
	"spark/flows/plan"
)

// A Call divides its stage: what lies above it is a statement of its own, on a connection of its own, whose records go
// through Go and feed the statement of what lies below it. Both are executed at once, and so on where there are several.

// part is the statement of what lies above a call.
type part struct {
	*builder
	step   *plan.Step // the call
	schema flows.Schema
	feeds  []*feed // that feed it
	sent   callStats
}

// callsOf lists the calls of the plan.
func callsOf(p *plan.Plan) (list []*plan.Step) {
	for _, s := range p.Stages {
		for _, st := range s.Steps {
			if _, ok := st.Op.(node.Call); ok {
				list = append(list, st)
			}
		}
	}
	return list
}

// parts prepares the statements of a stage: nil is the one that ends it, the others are those of its calls.
func (x *execution) parts() map[*plan.Step]*part {
	parts := map[*plan.Step]*part{nil: {builder: x.builder}}
	for _, st := range x.stage.Steps {
		if _, ok := st.Op.(node.Call); ok {
			parts[st] = &part{builder: &builder{run: x.run, conn: x.run.calls[st.Ref], reads: x.reads}, step: st}
		}
	}
	return parts
}

// below is the call that takes what a step makes, through any number of steps; nil: none does.
func (x *execution) below(st *plan.Step) *plan.Step {
	for {
		if st = x.run.consumer[st.Ref]; st == nil || !slices.Contains(x.stage.Steps, st) {
			return nil
		}
		if _, ok := st.Op.(node.Call); ok {
			return st
		}
	}
}

// The columns that a call adds to those that travel.
const (
	callArg   = node.ReservedPrefix + "a" // with its number: an argument
	callRaw   = node.ReservedPrefix + "raw"
	callError = node.ReservedPrefix + "e"  // why an argument has no value
	callOK    = node.ReservedPrefix + "ok" // whether the record goes on
)

// passed are the columns of a record that goes through a call, without its results.
func (b *builder) passed(st *plan.Step, op node.Call) flows.Schema {
	in := st.Node.InputSchemas[st.Inputs[0].Port]
	schema := flows.Schema{}
	for _, name := range st.Needed {
		if _, result := op.Results.Find(name); !result {
			f, _ := in.Find(name)
			schema = append(schema, f)
		}
	}
	if b.run.hasOrigin(st.Inputs[0]) {
		schema = append(schema, flows.Field{Name: node.OriginFile, Type: flows.Of(flows.Text)}, flows.Field{Name: node.OriginRecord, Type: flows.Of(flows.Int64)})
	}
	return schema
}

// callSQL is the statement of what goes to the function.
func (p *part) callSQL(op node.Call) (string, error) {
	st := p.step
	var list []string
	if len(p.schema) > 0 {
		list = append(list, travelling(p.schema))
	}
	errs, offset := []string{"NULL::INTEGER"}, 0
	for i, a := range op.Args {
		r, err := p.run.render.Render(a.Expr)
		if err != nil {
			return "", err
		}
		list = append(list, fmt.Sprintf("CAST(%s AS VARCHAR) AS %s%d", r.Value, callArg, i))
		if r.Err != "" {
			errs = append(errs, fmt.Sprintf("(%s) + %d", r.Err, offset))
			p.run.site(st, offset, a.Name, r.Errors)
			offset += len(r.Errors)
		}
	}
	raw := "NULL::VARCHAR"
	if st.Node.Policy != flows.RejectSkip {
		raw = record(st.Node.InputSchemas[st.Inputs[0].Port].Names())
	}
	return p.with("SELECT " + strings.Join(append(list, raw+" AS "+callRaw, "CAST(coalesce("+strings.Join(errs, ", ")+") AS INTEGER) AS "+callError), ", ") + " FROM " + p.relation(st.Inputs[0].Ref)), nil
}

// called reads what comes back from the function.
func (b *builder) called(st *plan.Step, op node.Call) string {
	passed := b.passed(st, op)
	all := append(passed.Names(), op.Results.Names()...)
	var out flows.Schema
	for _, name := range columns(st) {
		f, ok := passed.Find(name)
		if !ok {
			f, _ = op.Results.Find(name)
		}
		out = append(out, f)
	}
	// Every column is an argument: a stream cannot deliver some of them only.
	return fmt.Sprintf("SELECT %s FROM (SELECT * FROM src%d WHERE tap(%d, %s, %s)) WHERE tapf(%d, %s)",
		arrived(out), b.run.taps[st.Ref], b.run.refusals[st.Ref], callOK, quoteNames(all), b.run.taps[st.Ref], callOK)
}

// feedCall begins to execute what lies above a call, hands its records to the function, and feeds what comes back to the
// statement below.
func (r *run) feedCall(ctx context.Context, p *part) (*feed, error) {
	op := p.step.Op.(node.Call)
	p.schema = p.passed(p.step, op)
	sql, err := p.callSQL(op)
	if err != nil {
		return nil, err
	}
	fields := append(arrowSchema(append(slices.Clone(p.schema), op.Results...)).Fields(), arrow.Field{Name: callOK, Type: arrow.FixedWidthTypes.Boolean, Nullable: true})
	f := &feed{ref: p.step.Ref, part: p}
	return f, r.start(ctx, r.conn, f, fmt.Sprintf("src%d", r.taps[p.step.Ref]), arrow.NewSchema(fields, nil), func(ctx context.Context) (node.ReadStats, error) {
		stop := context.AfterFunc(ctx, func() {
			for _, in := range p.feeds { // the statement might wait for them
				in.cancel(node.ErrEnough)
			}
		})
		defer stop()
		stats, err := r.call(ctx, p, op, sql, f.emit(ctx))
		if err != nil && ctx.Err() == nil {
			for _, in := range p.feeds {
				if e := in.failure(); e != nil {
					err = e
				}
			}
			r.mu.Lock()
			err = r.decide(r.asCalled(p.step, err))
			r.mu.Unlock()
		}
		return stats, err
	})
}

// asCalled is what went wrong in the statement above a call, or in the call.
func (r *run) asCalled(st *plan.Step, err error) *flows.Error {
	e := flows.AsError(r.engineError(err))
	if e.Path.Node == "" {
		e = e.At(flows.Path{Node: st.Ref.Node})
	}
	return e
}

// call hands the records of a statement to the function of a call.
func (r *run) call(ctx context.Context, p *part, op node.Call, sql string, emit func(node.Batch) error) (stats node.ReadStats, err error) {
	st := p.step
	calling := &node.Calling{Connections: r.env.Connections, Node: st.Ref.Node, Token: r.env.Token, Temp: r.env.Temp, Warn: r.warn(st.Ref.Node), Quiet: r.plan.Preview()}
	if r.env.Calling != nil {
		r.env.Calling(st.Node, calling)
	}
	calls, err := op.Caller.Open(ctx, calling)
	if err != nil {
		return stats, err
	}
	defer func() {
		if e := calls.Close(); err == nil {
			err = e
		}
	}()
	c := newCaller(op, calls, len(p.schema), r.sites[r.refusals[st.Ref]], emit, func(rej node.Reject) error {
		rej.Node = st.Ref.Node
		if name, ok := r.files[rej.File]; ok {
			rej.File = name
		}
		r.sources[st.Ref.Node].rejected.Add(1)
		return r.reject(st.Node, rej)
	})
	if i := p.schema.Index(node.OriginFile); i >= 0 {
		c.file, c.record = i, i+1
	}
	err = c.run(ctx, func(take func(arrow.RecordBatch) error) error { return handOut(ctx, p.conn, sql, take) })
	r.profileOf(p.conn, p.steps(), st.Ref.Node, st.Inputs[0].Ref)
	p.sent = c.stats
	return node.ReadStats{Records: c.stats.passed, Rejected: c.stats.refused, Complete: err == nil}, err
}

// steps are those of the statement above the call, and of the others above it, which have nothing of their own there.
func (p *part) steps() (steps []*plan.Step) {
	for _, s := range p.run.plan.Stages {
		if slices.Contains(s.Steps, p.step) {
			return s.Steps
		}
	}
	return nil
}

// balanceCall compares what the statement above a call has handed over with what has come back.
func (r *run) balanceCall(p *part) error {
	back, _ := r.db.Tap(r.refusals[p.step.Ref])
	counts := r.counts()
	in, refused := p.step.Inputs[0].Ref, p.sent.refused
	if c, ok := counts[in]; ok && c != p.sent.taken {
		return imbalance(in, "the node was given", p.sent.taken, "were counted before it", c)
	}
	if n := int64(back); n != p.sent.taken || p.sent.passed+refused != p.sent.taken {
		return imbalance(p.step.Ref, "the node was given", p.sent.taken, "came back from it", n)
	}
	return nil
}

// connectCalls opens the connections of the calls.
func (r *run) connectCalls() error {
	r.calls = map[plan.Ref]*capi.Conn{}
	for _, st := range callsOf(r.plan) {
		c, err := r.db.Connect()
		if err != nil {
			return err
		}
		r.calls[st.Ref] = c
	}
	return nil
}
