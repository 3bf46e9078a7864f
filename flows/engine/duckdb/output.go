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

// output is an open target of the run.
type output struct {
	node *plan.Node
	sink node.Sink
	// One of these is the sink: what Go writes, or the file that DuckDB writes.
	batch node.BatchSink
	file  *fileSink
	// writing is what the sink takes of the time of its stage.
	writing spent
	// identity is the same for two outputs that write the same thing.
	identity string
}

// openOutputs opens every target before the first record is read: what cannot be written is told at once.
func (r *run) openOutputs(ctx context.Context) error {
	for _, n := range r.plan.Nodes {
		res, ok := n.Results[""]
		if !ok || r.plan.Preview() {
			continue
		}
		o, err := r.openOutput(ctx, n, res)
		if err != nil {
			return flows.AsError(err).At(flows.Path{Node: n.ID})
		}
		if err := r.writtenTwice(o); err != nil {
			return err
		}
		r.outputs = append(r.outputs, o)
	}
	return nil
}

// writtenTwice reports an output that writes what another one writes, and closes it.
func (r *run) writtenTwice(o *output) error {
	i := slices.IndexFunc(r.outputs, func(other *output) bool { return other.identity == o.identity })
	if i < 0 {
		return nil
	}
	_ = o.sink.Abort(context.Background()) // it has written nothing yet
	other, n := r.outputs[i].node.Title(), o.node
	if o.file != nil {
		return &flows.Error{Code: "file.two_writers", Path: flows.Path{Node: n.ID, Field: "path", File: o.file.spec.Path},
			Message: fmt.Sprintf("%s writes the same file as %s", n.Title(), other), Suggestion: "give one of them another path"}
	}
	return &flows.Error{Code: "sink.two_writers", Path: flows.Path{Node: n.ID},
		Message: fmt.Sprintf("%s writes the same as %s", n.Title(), other), Suggestion: "give one of them another target"}
}

func (r *run) openOutput(ctx context.Context, n *plan.Node, res node.Result) (*output, error) {
	switch t := res.Op.(node.Write).Target.(type) {
	case node.FileSink:
		f, err := r.openFile(n, t)
		if err != nil {
			return nil, err
		}
		return &output{node: n, sink: f, file: f, identity: "file " + f.target()}, nil
	case node.BatchTarget:
		s, err := t.Open(ctx, &node.Writing{Connections: r.env.Connections, Node: n.ID, Schema: res.Schema, Token: r.env.Token, Temp: r.env.Temp, Warn: r.warn(n.ID),
			Delivered: r.env.Delivered[n.ID], Deliver: r.deliver(n.ID), Refuse: r.refuseLate(n), Progress: r.sources[n.ID].progress})
		if err != nil {
			return nil, err
		}
		return &output{node: n, sink: s, batch: s, identity: t.Identity()}, nil
	}
	return nil, fmt.Errorf("target %T is unknown", res.Op.(node.Write).Target)
}

func (r *run) outputOf(n *plan.Node) *output {
	for _, o := range r.outputs {
		if o.node == n {
			return o
		}
	}
	return nil
}

// write ends a stage at an output and returns how many records the target has confirmed.
func (x *execution) write(ctx context.Context, o *output) (int64, error) {
	r, s := x.run, x.stage
	target := x.relation(s.Target)
	if o.file != nil {
		sql, err := o.file.copySQL(x.with("SELECT "+written(o.file.spec.Format, s.Schema)+" FROM "+target), s.Schema)
		if err != nil {
			return 0, err
		}
		n, err := execute(ctx, x.conn, sql)
		return int64(n), err
	}
	selected, err := r.taken(o, s.Schema)
	if err != nil {
		return 0, err
	}
	if err := handOut(ctx, x.conn, x.with("SELECT "+selected+" FROM "+target), func(batch arrow.RecordBatch) error {
		o.writing.begin()
		err := o.batch.Write(ctx, batch)
		o.writing.end()
		if err != nil {
			return r.outputFailed(o, err)
		}
		return nil
	}); err != nil {
		return 0, err
	}
	o.writing.begin()
	n, err := o.batch.Finish(ctx)
	o.writing.end()
	if err != nil {
		return 0, r.outputFailed(o, err)
	}
	return n, nil
}

// taken selects what a target gets of a record: its fields, or what it asks for.
func (r *run) taken(o *output, schema flows.Schema) (string, error) {
	args := o.node.Results[""].Op.(node.Write).Args
	if len(args) == 0 {
		return asArrow(schema), nil
	}
	list := make([]string, len(args))
	for i, a := range args {
		v, err := r.render.Render(a.Expr)
		if err != nil {
			return "", err
		}
		list[i] = fmt.Sprintf("CAST(%s AS VARCHAR) AS %s%d", v.Value, callArg, i)
		if v.Err != "" { // JSON has no infinite numbers, and nothing else can fail
			list[i] = fmt.Sprintf("CASE WHEN (%s) IS NOT NULL THEN error(%s) ELSE CAST(%s AS VARCHAR) END AS %s%d", v.Err, quoteText(errNotFinite), v.Value, callArg, i)
		}
	}
	if t, ok := o.node.Results[""].Op.(node.Write).Target.(node.RefusingTarget); ok && t.Refuses() {
		list = append(list, record(schema.Names())+" AS "+callRaw)
	}
	return strings.Join(list, ", "), nil
}

// refuseLate stores a record that was refused after the commit was granted: no port has it, the inbox does.
func (r *run) refuseLate(n *plan.Node) func(node.Reject) error {
	return func(rej node.Reject) error {
		rej.Node = n.ID
		r.mu.Lock()
		defer r.mu.Unlock()
		r.refused++
		if e := r.tooMany(n); e != nil {
			return e
		}
		r.sources[n.ID].rejected.Add(1)
		if r.env.Reject == nil {
			return nil
		}
		if err := r.env.Reject(rej); err != nil {
			return fmt.Errorf("storing a reject: %w", err)
		}
		return nil
	}
}

// deliver notes what a target has sent.
func (r *run) deliver(id string) func(keys []byte) error {
	if r.env.Deliver == nil {
		return nil
	}
	return func(keys []byte) error { return r.env.Deliver(id, keys) }
}

// outputFailed makes what a target said the error of the run.
func (r *run) outputFailed(o *output, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.decide(flows.AsError(err).At(flows.Path{Node: o.node.ID}))
}

// handOut runs a statement that a cancelled ctx interrupts, and hands over its records.
func handOut(ctx context.Context, conn *capi.Conn, sql string, take func(arrow.RecordBatch) error) error {
	defer interruptible(ctx, conn)()
	return conn.Stream(sql, take)
}

// asArrow selects the fields with the types of node.SinkType.
func asArrow(schema flows.Schema) string {
	list := make([]string, len(schema))
	for i, f := range schema {
		name := quoteName(f.Name)
		list[i] = name
		switch {
		case f.Type.Kind == flows.List || f.Type.Kind == flows.Struct:
			list[i] = nullable(name, jsonText(name, f.Type, 0)) + " AS " + name
		case f.Type.Kind == flows.Interval:
			list[i] = plainText(name, f.Type) + " AS " + name
		case travelsAsText(f.Type):
			list[i] = fmt.Sprintf("CAST(%s AS VARCHAR) AS %s", name, name)
		}
	}
	return strings.Join(list, ", ")
}
