package expr

import (
	"fmt"

	"spark/flows"
)

// The failures that calls share.
var (
	overflow       = Failure{"value.overflow", "the result is too large for its type"}
	divisionByZero = Failure{"value.division_by_zero", "division by zero"}
	notFinite      = Failure{"value.not_finite", "the result is not a finite number"}
	outOfRange     = Failure{"value.out_of_range", "the date or time lies outside the years 1 to 9999"}
	badArgument    = Failure{"value.argument", "an argument is outside its allowed range"}
	tooLong        = Failure{"value.too_long", "the resulting text would be too long"}
	notValid       = Failure{"value.not_valid", "the text does not have the expected form"}
)

func init() {
	compare := signatures("a C, b C → boolean")
	var comparisons []*Func
	for _, c := range [][3]string{
		{"=", "True when both values are equal.", "1.50 = 1.5"}, {"<>", "True when the values differ; also written !=.", "'a' <> 'A'"},
		{"<", "True when the first value comes before the second.", "'Z' < 'a'"}, {"<=", "True when the first value is not after the second.", "2 <= 2.0"},
		{">", "True when the first value comes after the second.", "date '2026-02-01' > date '2026-01-31'"},
		{">=", "True when the first value is not before the second.", "timestamp '2026-01-31 10:00:00' >= date '2026-01-31'"},
	} {
		comparisons = append(comparisons, &Func{Name: c[0], Operator: true, Signatures: compare, Help: c[1], Example: c[2],
			Result: "true", rule: compareRule, fails: func(*Call) bool { return false }})
	}
	register("comparison", comparisons...)
	logic := signatures("a boolean, b boolean … → boolean")
	register("logic",
		&Func{Name: "and", Operator: true, Signatures: logic, Help: "True when all are true; what stands behind a false is not evaluated.",
			Example: "true and not false", Result: "true", rule: logicRule},
		&Func{Name: "or", Operator: true, Signatures: logic, Help: "True when one is true; what stands behind a true is not evaluated.",
			Example: "false or true", Result: "true", rule: logicRule},
		&Func{Name: "not", Operator: true, Signatures: signatures("a boolean → boolean"), Help: "Turns true into false and false into true.",
			Example: "not false", Result: "true", rule: logicRule},
		&Func{Name: "is_null", Operator: true, Signatures: signatures("x any → boolean"), Help: "True when the value is null; also written x is null.",
			Example: "null is null", Result: "true", rule: nullTestRule},
		&Func{Name: "is_not_null", Operator: true, Signatures: signatures("x any → boolean"), Help: "True when the value is not null; also written x is not null.",
			Example: "'' is not null", Result: "true", rule: nullTestRule},
	)
	number := signatures("a number, b number → rule")
	sum := signatures("a number, b number → rule", "a timestamp, b interval → rule")
	register("arithmetic",
		&Func{Name: "+", Operator: true, Signatures: sum, Help: "Adds; integers give int64, decimals stay exact; also date or timestamp plus interval.",
			Example: "1.50 + 2", Result: "3.50", Failures: []Failure{overflow, notFinite, outOfRange}, rule: sumRule, fails: arithmeticFails},
		&Func{Name: "-", Operator: true, Signatures: sum, Help: "Subtracts; also date or timestamp minus interval.",
			Example: "timestamp '2026-03-31 12:00:00' - interval '1 month'", Result: "timestamp '2026-02-28 12:00:00'",
			Failures: []Failure{overflow, notFinite, outOfRange}, rule: sumRule, fails: arithmeticFails},
		&Func{Name: "*", Operator: true, Signatures: number, Help: "Multiplies; decimals stay exact.",
			Example: "3 * 1.25", Result: "3.75", Failures: []Failure{overflow, notFinite}, rule: productRule, fails: arithmeticFails},
		&Func{Name: "/", Operator: true, Signatures: signatures("a number, b number → double"), Help: "Divides and always gives a double; use div for whole numbers.",
			Example: "7 / 2", Result: "3.5e0", Failures: []Failure{divisionByZero, notFinite}, rule: quotientRule, fails: quotientFails},
		&Func{Name: "%", Operator: true, Signatures: number, Help: "Remainder of the division, with the sign of the first number.",
			Example: "-7 % 3", Result: "-1", Failures: []Failure{divisionByZero, notFinite}, rule: remainderRule, fails: remainderFails},
		&Func{Name: "negate", Operator: true, Signatures: signatures("x number → rule"), Help: "Changes the sign; written -x.",
			Example: "-(2 + 3)", Result: "-5", Failures: []Failure{overflow}, rule: signRule, fails: Overflows},
	)
	register("text",
		&Func{Name: "||", Operator: true, Signatures: signatures("a text, b text … → text"), Help: "Joins texts; null when one of them is null (concat skips nulls).",
			Example: "'Sp' || 'ark'", Result: "'Spark'"})
}

// set gives the call its types.
func (c *Call) set(result flows.Type, as ...flows.Type) *flows.Error {
	c.typ = result
	for i := range c.Args {
		c.As[i] = as[min(i, len(as)-1)]
	}
	return nil
}

func compareRule(_ *checker, c *Call) *flows.Error {
	t, err := compareType(c, c.Args)
	if err != nil {
		return err
	}
	return c.set(flows.Of(flows.Boolean), t)
}

func logicRule(k *checker, c *Call) *flows.Error {
	before := len(k.problems)
	for i, e := range c.Args {
		c.Args[i] = k.boolean(e)
	}
	if n := len(k.problems); n > before {
		// The last one is returned, the others are already reported.
		last := k.problems[n-1]
		k.problems = k.problems[:n-1]
		return last
	}
	return c.set(flows.Of(flows.Boolean), flows.Of(flows.Boolean))
}

func nullTestRule(_ *checker, c *Call) *flows.Error {
	t := c.Args[0].Type()
	if isUntypedNull(c.Args[0]) {
		t = flows.Of(flows.Boolean)
	}
	return c.set(flows.Of(flows.Boolean), t)
}

// notNumbers refuses operands that are no numbers.
func notNumbers(k *checker, c *Call) *flows.Error {
	for _, e := range c.Args {
		if e.Type().IsNumeric() || isUntypedNull(e) {
			continue
		}
		hint := castHint(e, "double")
		switch {
		case c.Fn.Name == "+" && e.Type().Kind == flows.Text:
			hint = "join texts with ||; convert text with cast(… as int64) or decimal"
		case e.Type().IsTemporal() && (c.Fn.Name == "-" || c.Fn.Name == "+"):
			hint = "use date_diff for the distance, date_add or an interval to move a date"
		}
		return problemAt("expr.type", c, flows.Params{"types": typeList(c.Args)},
			fmt.Sprintf("%s does not take %s", operatorName(c), typeList(c.Args)), hint)
	}
	return nil
}

func operatorName(c *Call) string {
	if c.Fn.Name == "negate" {
		return "-"
	}
	return c.Fn.Name
}

// plain settles what is simple about numbers: nulls, doubles and integers. ok is false for decimals.
func plain(c *Call) (t flows.Type, ok bool) {
	t, fits := unify(c.Args, false)
	decimal := false
	for _, e := range c.Args {
		decimal = decimal || e.Type().Kind == flows.Decimal
	}
	switch {
	case !fits || decimal && t.Kind != flows.Double:
		return t, false
	case t.IsInteger() && t.Kind != flows.Int128:
		return flows.Of(flows.Int64), true
	}
	return t, true
}

func decimalTooWide(c *Call, precision int) *flows.Error {
	return problemAt("expr.type", c, flows.Params{"digits": precision},
		fmt.Sprintf("the exact result of %s would need %d digits, a decimal holds %d", operatorName(c), precision, flows.MaxPrecision),
		"round or cast an operand first, for example cast(x as decimal(18,2)), or cast it to double")
}

// decimals returns the operands' types as decimals.
func decimals(c *Call) (a, b flows.Type) {
	a, b = decimalOf(c.Args[0]), decimalOf(c.Args[1])
	if isUntypedNull(c.Args[0]) {
		a = b
	}
	if isUntypedNull(c.Args[1]) {
		b = a
	}
	return a, b
}

func sumRule(k *checker, c *Call) *flows.Error {
	if done, err := shiftRule(c); done {
		return err
	}
	if err := notNumbers(k, c); err != nil {
		return err
	}
	if t, ok := plain(c); ok {
		return c.set(t, t)
	}
	a, b := decimals(c)
	scale := max(a.Scale, b.Scale)
	precision := max(a.Precision-a.Scale, b.Precision-b.Scale) + 1 + scale
	if precision > flows.MaxPrecision {
		return decimalTooWide(c, precision)
	}
	return c.set(flows.DecimalOf(precision, scale), a, b)
}

// shiftRule types date or timestamp ± interval, and interval + either.
func shiftRule(c *Call) (done bool, err *flows.Error) {
	a, b := c.Args[0].Type(), c.Args[1].Type()
	if a.Kind == flows.Interval && c.Fn.Name == "+" {
		c.Args[0], c.Args[1] = c.Args[1], c.Args[0]
		a, b = b, a
	}
	if b.Kind != flows.Interval || !a.IsTemporal() || a.Kind == flows.Time {
		return false, nil
	}
	if a.Kind == flows.Date {
		return true, c.set(flows.Of(flows.Timestamp), a, b)
	}
	return true, c.set(a, a, b)
}

func productRule(k *checker, c *Call) *flows.Error {
	if err := notNumbers(k, c); err != nil {
		return err
	}
	if t, ok := plain(c); ok {
		return c.set(t, t)
	}
	a, b := decimals(c)
	precision := a.Precision + b.Precision
	if precision > flows.MaxPrecision {
		return decimalTooWide(c, precision)
	}
	return c.set(flows.DecimalOf(precision, a.Scale+b.Scale), a, b)
}

func quotientRule(k *checker, c *Call) *flows.Error {
	if err := notNumbers(k, c); err != nil {
		return err
	}
	return c.set(flows.Of(flows.Double), flows.Of(flows.Double))
}

func remainderRule(k *checker, c *Call) *flows.Error {
	if err := notNumbers(k, c); err != nil {
		return err
	}
	if t, ok := plain(c); ok {
		return c.set(t, t)
	}
	t, ok := unify(c.Args, false)
	if !ok {
		return decimalTooWide(c, t.Precision)
	}
	return c.set(t, t)
}

func signRule(k *checker, c *Call) *flows.Error {
	if err := notNumbers(k, c); err != nil {
		return err
	}
	t := c.Args[0].Type()
	if t.IsInteger() && t.Kind != flows.Int128 {
		t = flows.Of(flows.Int64)
	}
	return c.set(t, t)
}

func arithmeticFails(c *Call) bool {
	switch {
	case c.typ.Kind == flows.Decimal:
		return false
	case c.typ.IsInteger():
		return Overflows(c)
	}
	return true
}

// NonZero reports whether e is a constant other than zero.
func NonZero(e Expr) bool {
	switch v, _ := Constant(e); v := v.(type) {
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		for _, c := range v {
			if c >= '1' && c <= '9' {
				return true
			}
		}
	}
	return false
}

func anyDouble(c *Call) bool {
	for _, e := range c.Args {
		if e.Type().Kind == flows.Double {
			return true
		}
	}
	return false
}

// quotientFails: exact numbers divided by a constant other than zero always give a finite double.
func quotientFails(c *Call) bool { return anyDouble(c) || !NonZero(c.Args[1]) }

func remainderFails(c *Call) bool { return c.typ.Kind == flows.Double || !NonZero(c.Args[1]) }
