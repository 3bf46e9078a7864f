package duckdb

import (
	"fmt"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// stop hands the message of a record that must not be to stopped. A preview shows such a record.
func (b *builder) stop(st *plan.Step, op node.Stop, in string) (string, error) {
	cols := quoteNames(columns(st))
	if b.run.plan.Forgiving() {
		return b.only(st, cols, "SELECT * FROM "+in, "true"), nil
	}
	cond, err := b.run.render.Render(op.Cond)
	if err != nil {
		return "", err
	}
	message, err := b.run.render.Render(op.Message)
	if err != nil {
		return "", err
	}
	file, number := b.originOf(st)
	return fmt.Sprintf("SELECT %s FROM (SELECT *, %s AS __spark_v, %s AS __spark_m FROM %s) WHERE tapf(%d, CASE WHEN __spark_v THEN tapx(%d, 1, __spark_m, %s, %s, NULL) ELSE true END)",
		cols, cond.Value, message.Value, in, b.run.taps[st.Ref], b.run.refusals[st.Ref], file, number), nil
}

// stopped fails the run with the message of a Stop, whatever is done with records that are refused.
func (r *run) stopped(st *plan.Step, x refusedRecord) error {
	e := &flows.Error{Code: "stop.reached", Path: flows.Path{Node: st.Ref.Node, File: x.File, Record: x.Record}, Message: x.Raw,
		Suggestion: "nothing was written; mend the data, or change the condition of the Stop"}
	if name, ok := r.files[x.File]; ok {
		e.Path.File = name
	}
	if e.Message == "" {
		e.Message = "a record arrived that must not be"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.decide(e)
}
