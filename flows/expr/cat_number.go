package expr

import (
	"spark/flows"
)

func init() {
	x := signatures("x number → same")
	double := signatures("x double → double")
	domain := Failure{"value.argument", "the function is not defined for this number"}
	register("number",
		&Func{Name: "abs", Signatures: x, Help: "Removes the sign.", Example: "abs(-3.5)", Result: "3.5", Failures: []Failure{overflow}, rule: signRule, fails: Overflows},
		&Func{Name: "sign", Signatures: signatures("x number → int64"), Help: "Returns -1, 0 or 1.", Example: "sign(-3.5)", Result: "-1"},
		&Func{Name: "round", Signatures: signatures("x number, [digits integer] → rule"),
			Help:    "Rounds half away from zero to a number of digits after the point; a negative number rounds before the point.",
			Example: "round(2.675, 2)", Result: "2.68", Failures: []Failure{overflow}, rule: roundRule, check: roundCheck, fails: roundFails},
		&Func{Name: "floor", Signatures: x, Help: "Rounds down to a whole number.", Example: "floor(-1.5)", Result: "-2", rule: wholeRule},
		&Func{Name: "ceil", Signatures: x, Help: "Rounds up to a whole number.", Example: "ceil(1.2)", Result: "2", rule: wholeRule},
		&Func{Name: "trunc", Signatures: x, Help: "Cuts off the digits after the point.", Example: "trunc(-1.9)", Result: "-1", rule: wholeRule},
		&Func{Name: "sqrt", Signatures: double, Help: "Square root.", Example: "sqrt(9)", Result: "3e0", Failures: []Failure{domain}},
		&Func{Name: "power", Signatures: signatures("x double, y double → double"), Help: "Raises x to the power y.", Example: "power(2, 10)", Result: "1024e0", Failures: []Failure{notFinite}},
		&Func{Name: "exp", Signatures: double, Help: "Raises e to the power x.", Example: "exp(0)", Result: "1e0", Failures: []Failure{notFinite}},
		&Func{Name: "ln", Signatures: double, Help: "Natural logarithm.", Example: "ln(1)", Result: "0e0", Failures: []Failure{domain}},
		&Func{Name: "log10", Signatures: double, Help: "Logarithm to base 10.", Example: "log10(1000)", Result: "3e0", Failures: []Failure{domain}},
		&Func{Name: "mod", Signatures: signatures("a number, b number → rule"), Help: "Remainder of the division, with the sign of the first number; the same as %.",
			Example: "mod(7, 3)", Result: "1", Failures: []Failure{divisionByZero, notFinite}, rule: remainderRule, fails: remainderFails},
		&Func{Name: "div", Signatures: signatures("a integer, b integer → rule"), Help: "Divides whole numbers and cuts off the rest.",
			Example: "div(-7, 2)", Result: "-3", Failures: []Failure{divisionByZero, overflow}, rule: divRule,
			fails: func(c *Call) bool { return !NonZero(c.Args[1]) || Overflows(c) }},
		&Func{Name: "greatest", Signatures: signatures("x C, y C … → C"), Help: "Returns the largest value and skips nulls.", Example: "greatest(1, 3, null)", Result: "3"},
		&Func{Name: "least", Signatures: signatures("x C, y C … → C"), Help: "Returns the smallest value and skips nulls.", Example: "least(2.5, 3)", Result: "2.5"},
	)
}

func notNumber(k *checker, c *Call) *flows.Error {
	t := c.Args[0].Type()
	if t.IsNumeric() {
		return nil
	}
	return k.mismatch(c)
}

// wholeRule types floor, ceil and trunc: a decimal loses its digits after the point and may gain one before it.
func wholeRule(k *checker, c *Call) *flows.Error {
	if err := notNumber(k, c); err != nil {
		return err
	}
	t := c.Args[0].Type()
	to := t
	if t.Kind == flows.Decimal && t.Scale > 0 {
		to = flows.DecimalOf(t.Precision-t.Scale+1, 0)
	}
	return c.set(to, t)
}

// roundDigits is the number of digits that round keeps, 0 when it is not known yet.
func roundDigits(c *Call) int {
	if len(c.Args) < 2 {
		return 0
	}
	n, _ := ConstantInt(c.Args[1])
	return int(n)
}

func roundRule(k *checker, c *Call) *flows.Error {
	if err := notNumber(k, c); err != nil {
		return err
	}
	if len(c.Args) == 2 && !c.Args[1].Type().IsInteger() {
		return k.mismatch(c)
	}
	t, n := c.Args[0].Type(), roundDigits(c)
	to := t
	if t.Kind == flows.Decimal && n < t.Scale {
		scale := max(n, 0)
		if n < 0 && t.Precision-t.Scale == flows.MaxPrecision {
			return decimalTooWide(c, flows.MaxPrecision+1)
		}
		to = flows.DecimalOf(min(t.Precision-t.Scale+1+scale, flows.MaxPrecision), scale)
	}
	return c.set(to, t, flows.Of(flows.Int64))
}

func roundCheck(k *checker, c *Call) *flows.Error {
	return digitsCheck(-38, 38)(k, c)
}

// roundFails: only rounding before the point can make a number longer than its type.
func roundFails(c *Call) bool {
	t := c.Args[0].Type()
	return roundDigits(c) < 0 && (t.IsInteger() || t.Kind == flows.Decimal)
}

func divRule(k *checker, c *Call) *flows.Error {
	for _, e := range c.Args {
		if !e.Type().IsInteger() && !isUntypedNull(e) {
			err := k.mismatch(c)
			err.Suggestion = "div takes whole numbers; use / for others"
			return err
		}
	}
	t, _ := plain(c)
	return c.set(t, t)
}
