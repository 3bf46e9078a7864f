package expr

import "spark/flows"

func init() {
	number := signatures("x double → double")
	perGroup := func(f *Func) *Func {
		f.Aggregate = true
		return f
	}
	tooSpread := Failure{"value.not_finite", "a value is too large for this function, or not a finite number"}
	for _, f := range []*Func{
		{Name: "count", Signatures: signatures(" → int64", "x any → int64"), Help: "Counts the records, or those where x is not null."},
		{Name: "count_if", Signatures: signatures("condition boolean → int64"), Help: "Counts the records for which the condition is true."},
		{Name: "count_distinct", Signatures: signatures("x C → int64"), Help: "Counts the different values of x, without null."},
		{Name: "sum", Signatures: signatures("x number → rule"), Help: "Adds up; integers give int64 (int128 stays), decimal(p,s) gives decimal(38,s).",
			Failures: []Failure{overflow, notFinite}, rule: totalRule},
		{Name: "sum_if", Signatures: signatures("x number, condition boolean → rule"), Help: "Adds up the records for which the condition is true.",
			Failures: []Failure{overflow, notFinite}, rule: totalRule},
		{Name: "avg", Signatures: number, Help: "Arithmetic mean.", Failures: []Failure{tooSpread}, fails: anyDouble},
		{Name: "min", Signatures: signatures("x C → C"), Help: "The smallest value."},
		{Name: "max", Signatures: signatures("x C → C"), Help: "The largest value."},
		{Name: "stddev", Signatures: number, Help: "Standard deviation of a sample; null for fewer than two values.", Failures: []Failure{tooSpread}, fails: anyDouble},
		{Name: "variance", Signatures: number, Help: "Variance of a sample; null for fewer than two values.", Failures: []Failure{tooSpread}, fails: anyDouble},
		{Name: "median", Signatures: number, Help: "The middle value, or the mean of the two middle ones.", Failures: []Failure{tooSpread}, fails: anyDouble},
		{Name: "first", Signatures: signatures("x T → T"), Help: "The value of the first record, null included; the order is that of the input."},
		{Name: "last", Signatures: signatures("x T → T"), Help: "The value of the last record, null included; the order is that of the input."},
		{Name: "string_agg", Signatures: signatures("x text, separator name → text"), Help: "Joins the texts with a constant separator and skips nulls."},
		{Name: "bool_and", Signatures: signatures("x boolean → boolean"), Help: "True when x is true for all records; nulls are skipped."},
		{Name: "bool_or", Signatures: signatures("x boolean → boolean"), Help: "True when x is true for one record; nulls are skipped."},
	} {
		register("aggregate", perGroup(f))
	}
}

// totalRule types sum and sum_if.
func totalRule(k *checker, c *Call) *flows.Error {
	if err := notNumber(k, c); err != nil {
		return err
	}
	if len(c.Args) == 2 && c.Args[1].Type().Kind != flows.Boolean {
		return k.mismatch(c)
	}
	t := c.Args[0].Type()
	to := t
	switch {
	case t.Kind == flows.Decimal:
		to = flows.DecimalOf(flows.MaxPrecision, t.Scale)
	case t.IsInteger() && t.Kind != flows.Int128:
		to = flows.Of(flows.Int64)
	}
	return c.set(to, t, flows.Of(flows.Boolean))
}
