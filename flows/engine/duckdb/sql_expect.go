package duckdb

import (
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// expect counts the records that break each rule, then refuses those that must not go on. A rule's column is true for
// a record that breaks it or, for a rule about some record, for one that fulfils it.
func (b *builder) expect(st *plan.Step, op node.Expect, in string) (string, error) {
	inner, sql := []string{"*"}, in
	var counted []string
	for i, rule := range op.Rules {
		column := fmt.Sprintf("__spark_x%d", i)
		value, err := b.ruleSQL(rule)
		if err != nil {
			return "", err
		}
		if value == "" {
			continue
		}
		if len(rule.Unique) > 0 && sql == in {
			sql = numbered(in)
		}
		inner = append(inner, value+" AS "+column)
		counted = append(counted, fmt.Sprintf("CASE WHEN %s THEN tap(%d, %[1]s) ELSE true END", column, b.run.ruleTap(st.Ref, i)))
	}
	sql = fmt.Sprintf("SELECT %s FROM %s", strings.Join(inner, ", "), sql)
	for _, condition := range counted {
		sql = fmt.Sprintf("SELECT * FROM (%s) WHERE %s", sql, condition)
	}
	condition := "true"
	if code := broken(op); code != "" {
		condition = "CASE WHEN __spark_e IS NULL THEN true ELSE " + b.refuse(st) + " END"
		sql = fmt.Sprintf("SELECT *, %s AS __spark_e FROM (%s)", code, sql)
	}
	sites := make([]ErrorSite, len(op.Rules))
	for i, r := range op.Rules {
		b.run.site(st, i, r.Field, append(sites[:0:0], ErrorSite{Code: r.Code, Message: "not as expected: " + r.Message}))
	}
	return b.only(st, quoteNames(columns(st)), sql, condition), nil
}

// ruleSQL is the column of a rule, never null; "" for one that only counts.
func (b *builder) ruleSQL(r node.Rule) (string, error) {
	if len(r.Unique) > 0 {
		group, err := b.partition(r.Unique)
		if err != nil {
			return "", err
		}
		known := make([]string, len(r.Unique))
		for i, k := range r.Unique {
			key, err := b.run.render.Render(k)
			if err != nil {
				return "", err
			}
			known[i] = " AND " + key.Value + " IS NOT NULL"
		}
		return fmt.Sprintf("(row_number() OVER (%s ORDER BY %s) > 1%s)", group, arrival, strings.Join(known, "")), nil
	}
	cond := r.Broken
	if r.Some != nil {
		cond = r.Some
	}
	if cond == nil {
		return "", nil
	}
	v, err := b.run.render.Render(cond)
	return "coalesce(" + v.Value + ", false)", err
}

// broken is the number, from 1, of the rule that decides about a record: the first one broken of those that fail the
// run, else of those that refuse it. "" where there is no such rule.
func broken(op node.Expect) string {
	var cases strings.Builder
	for _, level := range []node.Level{node.LevelFail, node.LevelReject} {
		for i, r := range op.Rules {
			if r.Level == level && !r.Whole() {
				fmt.Fprintf(&cases, " WHEN __spark_x%d THEN %d", i, i+1)
			}
		}
	}
	if cases.Len() == 0 {
		return ""
	}
	return "CASE" + cases.String() + " END"
}

// ruleTap is the tap that counts the records for which a rule's column is true.
func (r *run) ruleTap(ref plan.Ref, rule int) int { return r.ruleTaps[ref] + rule }

// expectations tells how often each rule of a step was broken so far; those about all records only once it is over.
func (r *run) expectations(ref plan.Ref, op node.Expect, over bool) []flows.Expectation {
	list := make([]flows.Expectation, 0, len(op.Rules))
	arrived, _ := r.db.Tap(r.taps[ref])
	for i, rule := range op.Rules {
		hits, _ := r.db.Tap(r.ruleTap(ref, i))
		e := flows.Expectation{Name: rule.Name, Otherwise: string(rule.Level), Broken: int64(hits)}
		if rule.Whole() {
			e.Broken = 0
			if over && !r.plan.Preview() && missed(rule, int64(arrived), int64(hits)) {
				e.Broken = 1
			}
		}
		list = append(list, e)
	}
	return list
}

// missed reports whether a rule about all records is broken by so many of them, hits of which fulfil it.
func missed(r node.Rule, arrived, hits int64) bool {
	if b := r.Records; b != nil {
		return b.Least != nil && arrived < *b.Least || b.Most != nil && arrived > *b.Most
	}
	return hits == 0
}

// expected fails the run where all records of a stage together are not as a rule demands.
func (r *run) expected(s *plan.Stage) error {
	for _, st := range s.Steps {
		op, ok := st.Op.(node.Expect)
		if !ok || r.plan.Preview() {
			continue
		}
		arrived, _ := r.db.Tap(r.taps[st.Ref])
		for i, rule := range op.Rules {
			hits, _ := r.db.Tap(r.ruleTap(st.Ref, i))
			if rule.Whole() && rule.Level == node.LevelFail && missed(rule, int64(arrived), int64(hits)) {
				r.mu.Lock()
				defer r.mu.Unlock()
				return r.decide(&flows.Error{Code: rule.Code, Path: flows.Path{Node: st.Ref.Node, Column: rule.Field}, Params: flows.Params{"records": arrived},
					Message:    fmt.Sprintf("not as expected: %s, and %d records arrived", rule.Message, arrived),
					Suggestion: "nothing was written; look at the source, or let the expectation only warn"})
			}
		}
	}
	return nil
}

// forbidden is the error of a record that breaks a rule which fails the run; nil where the rule refuses it, and in a
// preview, which shows such records.
func (r *run) forbidden(op node.Expect, x refusedRecord, rej node.Reject) error {
	if r.plan.Forgiving() || x.Code < 1 || x.Code > len(op.Rules) || op.Rules[x.Code-1].Level != node.LevelFail {
		return nil
	}
	return r.forbid(rej)
}

// forbid fails the run because of a record.
func (r *run) forbid(rej node.Reject) error {
	e := rej.Error()
	if e.Path.File == "" && rej.Raw != "" {
		e.Message += ", in the record " + shorten(rej.Raw)
	}
	e.Suggestion = "nothing was written; mend the data, or let the node reject such records"
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.decide(e)
}
