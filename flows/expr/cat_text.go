package expr

import (
	"fmt"
	"strings"

	"spark/flows"
)

// MaxText is the largest text, in bytes, that repeat, lpad and rpad may make; MaxReplaced bounds replacements.
const (
	MaxText     = 1 << 20
	MaxReplaced = 64 << 20
)

// counts returns a check and a failure rule for integer arguments: constants are checked before the run, so that only
// computed ones can be out of range.
func counts(low, high int64, positions ...int) (check func(*checker, *Call) *flows.Error, fails func(*Call) bool) {
	check = func(_ *checker, c *Call) *flows.Error {
		for _, i := range positions {
			if err := checkRange(c, i, low, high); err != nil {
				return err
			}
		}
		return nil
	}
	fails = func(c *Call) bool {
		for _, i := range positions {
			if i < len(c.Args) && !isConstant(c.Args[i]) {
				return true
			}
		}
		return false
	}
	return check, fails
}

func isConstant(e Expr) bool {
	_, ok := Constant(e)
	return ok
}

func init() {
	one := signatures("x text → text")
	register("text",
		&Func{Name: "upper", Signatures: one, Help: "Changes letters to upper case.", Example: "upper('Zürich')", Result: "'ZÜRICH'"},
		&Func{Name: "lower", Signatures: one, Help: "Changes letters to lower case.", Example: "lower('Spark')", Result: "'spark'"},
		&Func{Name: "initcap", Signatures: one, Help: "Starts every word with an upper case letter, the rest in lower case; words are separated by spaces.",
			Example: "initcap('ada LOVELACE')", Result: "'Ada Lovelace'"},
		&Func{Name: "trim", Signatures: signatures("x text, [characters text] → text"), Help: "Removes white space, or the given characters, from both ends.",
			Example: "trim('  a b ')", Result: "'a b'"},
		&Func{Name: "ltrim", Signatures: signatures("x text, [characters text] → text"), Help: "Removes white space, or the given characters, from the start.",
			Example: "ltrim('007', '0')", Result: "'7'"},
		&Func{Name: "rtrim", Signatures: signatures("x text, [characters text] → text"), Help: "Removes white space, or the given characters, from the end.",
			Example: "rtrim('1.500', '0')", Result: "'1.5'"},
		&Func{Name: "length", Signatures: signatures("x text → int64"), Help: "Counts the characters.", Example: "length('Größe')", Result: "5"},
		&Func{Name: "reverse", Signatures: one, Help: "Turns the text around.", Example: "reverse('abc')", Result: "'cba'"},
		&Func{Name: "strip_accents", Signatures: one, Help: "Removes accents from letters.", Example: "strip_accents('café')", Result: "'cafe'"},
		&Func{Name: "slugify", Signatures: one, Help: "Makes a name for addresses: no accents, lower case, other characters become single hyphens.",
			Example: "slugify('Crème & Sugar, 2 kg')", Result: "'creme-sugar-2-kg'"},
		&Func{Name: "contains", Signatures: signatures("x text, part text → boolean"), Help: "True when the text contains the part.",
			Example: "contains('spark', 'par')", Result: "true"},
		&Func{Name: "starts_with", Signatures: signatures("x text, start text → boolean"), Help: "True when the text begins with the other one.",
			Example: "starts_with('spark', 'sp')", Result: "true"},
		&Func{Name: "ends_with", Signatures: signatures("x text, end text → boolean"), Help: "True when the text ends with the other one.",
			Example: "ends_with('spark', 'sp')", Result: "false"},
		&Func{Name: "position", Signatures: signatures("x text, part text → int64"), Help: "Finds the first place of the part, counted in characters from 1; 0 when there is none.",
			Example: "position('spark', 'r')", Result: "4"},
		&Func{Name: "translate", Signatures: signatures("x text, from text, to text → text"), Help: "Replaces each character of from by the one at the same place of to, or removes it where to is shorter.",
			Example: "translate('1.234,5', '.,', ' .')", Result: "'1 234.5'"},
		&Func{Name: "concat", Signatures: signatures("x text, [y text …] → text"), Help: "Joins texts and skips nulls (|| gives null instead).",
			Example: "concat('a', null, 'b')", Result: "'ab'"},
		&Func{Name: "concat_ws", Signatures: signatures("separator text, x text, [y text …] → text"), Help: "Joins texts with a separator between them and skips nulls.",
			Example: "concat_ws(', ', 'a', null, 'b')", Result: "'a, b'"},
		&Func{Name: "ascii", Signatures: signatures("x text → int64"), Help: "Returns the Unicode number of the first character; null for the empty text.",
			Example: "ascii('A')", Result: "65"},
	)
	registerCounted()
}

// registerCounted adds the text functions with numbers among their arguments.
func registerCounted() {
	length, lengthFails := counts(0, 1<<31-1, 1)
	_, sliceFails := counts(0, 1<<31-1, 1, 2)
	slice := func(k *checker, c *Call) *flows.Error {
		if err := checkRange(c, 1, 1, 1<<31-1); err != nil {
			return err
		}
		return checkRange(c, 2, 0, 1<<31-1)
	}
	repeated, _ := counts(0, MaxText, 1)
	padded, _ := counts(0, MaxText/4, 1)
	letter, letterFails := counts(1, 0x10FFFF, 0)
	register("text",
		&Func{Name: "substring", Signatures: signatures("x text, start integer, [length integer] → text"), Help: "Takes characters from a position, counted from 1.",
			Example: "substring('2026-01-31', 6, 2)", Result: "'01'", Failures: []Failure{badArgument}, check: slice, fails: sliceFails},
		&Func{Name: "left", Signatures: signatures("x text, n integer → text"), Help: "Takes the first n characters.",
			Example: "left('spark', 2)", Result: "'sp'", Failures: []Failure{badArgument}, check: length, fails: lengthFails},
		&Func{Name: "right", Signatures: signatures("x text, n integer → text"), Help: "Takes the last n characters.",
			Example: "right('spark', 2)", Result: "'rk'", Failures: []Failure{badArgument}, check: length, fails: lengthFails},
		&Func{Name: "split_part", Signatures: signatures("x text, separator text, n integer → text"), Help: "Splits at a separator and takes the part n, counted from 1; empty when there are fewer.",
			Example: "split_part('a,b,c', ',', 2)", Result: "'b'", Failures: []Failure{badArgument},
			check: func(k *checker, c *Call) *flows.Error { return checkRange(c, 2, 1, 1<<31-1) },
			fails: func(c *Call) bool { return !isConstant(c.Args[2]) }},
		&Func{Name: "repeat", Signatures: signatures("x text, n integer → text"), Help: "Writes the text n times; at most 1 MB.",
			Example: "repeat('ab', 3)", Result: "'ababab'", Failures: []Failure{badArgument, tooLong}, check: repeated, fails: repeatFails},
		&Func{Name: "lpad", Signatures: signatures("x text, length integer, [with text] → text"), Help: "Fills up at the start to a length in characters, or cuts the end.",
			Example: "lpad('7', 3, '0')", Result: "'007'", Failures: []Failure{badArgument}, check: padded, fails: padFails},
		&Func{Name: "rpad", Signatures: signatures("x text, length integer, [with text] → text"), Help: "Fills up at the end to a length in characters, or cuts the end.",
			Example: "rpad('a', 3, '.')", Result: "'a..'", Failures: []Failure{badArgument}, check: padded, fails: padFails},
		&Func{Name: "replace", Signatures: signatures("x text, part text, by text → text"), Help: "Replaces every occurrence of a part.",
			Example: "replace('a-b-c', '-', '+')", Result: "'a+b+c'", Failures: []Failure{tooLong}, fails: replaceFails},
		&Func{Name: "chr", Signatures: signatures("number integer → text"), Help: "Returns the character of a Unicode number.",
			Example: "chr(8364)", Result: "'€'", Failures: []Failure{badArgument}, check: letter,
			fails: func(c *Call) bool {
				v, ok := ConstantInt(c.Args[0])
				return letterFails(c) || ok && v >= 0xD800 && v <= 0xDFFF
			}},
		&Func{Name: "format_number", Signatures: signatures("x number, digits integer → text"), Help: "Writes a number with a comma between thousands and a fixed number of digits after the point.",
			Example: "format_number(-1234567.895, 2)", Result: "'-1,234,567.90'", Failures: []Failure{overflow},
			check: digitsCheck(0, 18)},
	)
	registerRegexp()
}

func repeatFails(c *Call) bool {
	n, ok := ConstantInt(c.Args[1])
	s, isText := ConstantText(c.Args[0])
	return !ok || !isText || int64(len(s))*n > MaxText
}

// padFails: a constant length, and a fill that is not empty, make padding safe.
func padFails(c *Call) bool {
	if !isConstant(c.Args[1]) {
		return true
	}
	if len(c.Args) < 3 {
		return false
	}
	s, ok := ConstantText(c.Args[2])
	return !ok || s == ""
}

// growth is how much longer a replacement may make a text before its size is checked.
const growth = 16

func replaceFails(c *Call) bool {
	by, ok := ConstantText(c.Args[2])
	return !ok || len(by) > growth
}

func registerRegexp() {
	register("regular expression",
		&Func{Name: "regexp_matches", Signatures: signatures("x text, pattern pattern → boolean"), Help: "True when the pattern occurs in the text; anchor it with ^ and $ for the whole text.",
			Example: `regexp_matches('AB-12', '^[A-Z]+-\d+$')`, Result: "true"},
		&Func{Name: "regexp_replace", Signatures: signatures("x text, pattern pattern, by replacement → text"), Help: `Replaces every occurrence; \1 to \9 stand for groups, \\ for a backslash.`,
			Example: `regexp_replace('2026-01-31', '(\d+)-(\d+)-(\d+)', '\3.\2.\1')`, Result: "'31.01.2026'",
			Failures: []Failure{tooLong}, check: checkReplacement, fails: replaceFails},
		&Func{Name: "regexp_extract", Signatures: signatures("x text, pattern pattern, [group integer] → text"), Help: "Takes the first occurrence, or one of its groups; null when there is none.",
			Example: `regexp_extract('order 4711', '(\d+)', 1)`, Result: "'4711'", check: checkGroup},
		&Func{Name: "regexp_count", Signatures: signatures("x text, pattern pattern → int64"), Help: "Counts the occurrences.",
			Example: `regexp_count('a1b22', '\d+')`, Result: "2"},
	)
}

func checkReplacement(_ *checker, c *Call) *flows.Error {
	pattern, known := ConstantText(c.Args[1])
	s, ok := ConstantText(c.Args[2])
	if !ok || !known {
		return nil
	}
	groups := PatternGroups(pattern)
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		if i++; i == len(s) || s[i] != '\\' && (s[i] < '0' || int(s[i]-'0') > groups) {
			return problemAt("expr.arguments", c.Args[2], flows.Params{"value": s, "groups": groups},
				fmt.Sprintf("a backslash stands before something else than a group of the pattern (it has %d) or a backslash", groups),
				`write \\ for a backslash`)
		}
	}
	return nil
}

func checkGroup(_ *checker, c *Call) *flows.Error {
	if len(c.Args) < 3 {
		return nil
	}
	pattern, known := ConstantText(c.Args[1])
	n, ok := ConstantInt(c.Args[2])
	if p, isParam := c.Args[2].(*ParamRef); !known || isParam && !p.HasValue {
		return nil
	}
	if groups := int64(PatternGroups(pattern)); !ok || n < 0 || n > min(groups, 9) {
		return problemAt("expr.arguments", c.Args[2], flows.Params{"groups": groups},
			fmt.Sprintf("the group is a number from 0 to %d, the groups of the pattern", min(groups, 9)), "")
	}
	return nil
}

// digitsCheck makes sure that the number of digits is a constant in a range.
func digitsCheck(low, high int64) func(*checker, *Call) *flows.Error {
	return func(_ *checker, c *Call) *flows.Error {
		if len(c.Args) < 2 {
			return nil
		}
		if p, ok := c.Args[1].(*ParamRef); ok && !p.HasValue {
			return nil
		}
		if _, ok := ConstantInt(c.Args[1]); !ok {
			return problemAt("expr.arguments", c.Args[1], nil,
				strings.Join([]string{"the number of digits of", c.Fn.Name, "must be written as a number"}, " "), "it decides the type of the result")
		}
		return checkRange(c, 1, low, high)
	}
}
