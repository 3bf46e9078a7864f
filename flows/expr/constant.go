package expr

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are checked the same way on every machine

	"spark/flows"
)

// checkConstant checks an argument that must be known before the run: a pattern, a format, a zone, a unit, a path.
func checkConstant(c *Call, arg Arg, e Expr) *flows.Error {
	var check func(string) (message, suggestion string)
	switch arg.Accepts {
	case "pattern":
		check = checkPattern
	case "format":
		check = checkFormat
	case "zone":
		check = checkZone
	case "path":
		check = func(s string) (string, string) {
			if _, err := ParsePath(s); err != nil {
				return err.Error(), pathHelp
			}
			return "", ""
		}
	case "unit", "name", "form", "replacement":
		check = func(string) (string, string) { return "", "" }
	default:
		return nil
	}
	if p, ok := e.(*ParamRef); ok && !p.HasValue {
		return nil
	}
	s, ok := ConstantText(e)
	if !ok {
		return problemAt("expr.arguments", e, flows.Params{"argument": arg.Name},
			fmt.Sprintf("the %s must be a text in quotes or a parameter", arg.Name), "it is checked before the run, so it cannot come from a field")
	}
	if message, suggestion := check(s); message != "" {
		return problemAt("expr.arguments", e, flows.Params{"argument": arg.Name, "value": s}, message, suggestion)
	}
	return nil
}

// pathHelp shows what a path looks like.
const pathHelp = `write for example '$.customer.name', '$.items[0]' or '$."a b"'`

const (
	maxPattern     = 1000  // characters of a regular expression
	maxPatternSize = 20000 // instructions of its compiled program; a class counts once per range
)

// checkPattern accepts what both RE2 of the engine and Go's regexp understand.
func checkPattern(s string) (message, suggestion string) {
	if len(s) > maxPattern {
		return fmt.Sprintf("the pattern is longer than %d bytes", maxPattern), "split it"
	}
	re, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return "the pattern is not a regular expression: " + strings.TrimPrefix(err.Error(), "error parsing regexp: "),
			"patterns are RE2: no look-around and no back-references"
	}
	if prog, err := syntax.Compile(re.Simplify()); err != nil || programSize(prog) > maxPatternSize {
		return "the pattern is too large", "repeat less"
	}
	if strings.Contains(s, "(?<") {
		return "named groups are written (?P<name>…)", "replace (?< by (?P<"
	}
	return "", ""
}

// programSize estimates what the engine's RE2 needs, which has a limit of its own.
func programSize(prog *syntax.Prog) (n int) {
	for _, inst := range prog.Inst {
		n += 1 + len(inst.Rune)/2
	}
	return n
}

// PatternGroups counts the groups of a checked pattern.
func PatternGroups(pattern string) int {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return 0
	}
	return re.NumSubexp()
}

func checkZone(s string) (message, suggestion string) {
	if s != "" && s != "Local" {
		if _, err := time.LoadLocation(s); err == nil {
			return "", ""
		}
	}
	return fmt.Sprintf("%q is not a time zone", clip(s)), "write a name such as 'Europe/Berlin' or 'UTC'"
}

// specifiers of date formats, with the shape of the text each one reads.
var specifiers = map[byte]string{
	'Y': `(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)`, 'y': `[0-9]{2}`,
	'm': `(?:0?[1-9]|1[0-2])`, 'd': `(?:0?[1-9]|[12][0-9]|3[01])`, 'j': `[0-9]{3}`,
	'H': `(?:[01]?[0-9]|2[0-3])`, 'I': `(?:0?[1-9]|1[0-2])`, 'M': `[0-5]?[0-9]`, 'S': `[0-5]?[0-9]`, 'f': `[0-9]{1,6}`,
	'p': `(?i:AM|PM)`,
	'b': `(?i:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)`,
	'B': `(?i:January|February|March|April|May|June|July|August|September|October|November|December)`,
	'a': `(?i:Mon|Tue|Wed|Thu|Fri|Sat|Sun)`,
	'A': `(?i:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)`,
	'z': `[+-](?:0[0-9]|1[0-5]):?[0-5][0-9]`,
	'%': `%`,
}

const specifierHelp = "use %Y %y %m %b %B %d %j %H %I %p %M %S %f %z %a %A and %%"

func checkFormat(s string) (message, suggestion string) {
	if s == "" {
		return "the format is empty", specifierHelp
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if i++; i == len(s) {
			return "the format ends with a single %", "write %% for a percent sign"
		}
		if specifiers[s[i]] == "" {
			return fmt.Sprintf("%q is not part of a date format", s[i-1:i+1]), specifierHelp
		}
	}
	return "", ""
}

// formatLetters lists the specifiers of a checked format.
func formatLetters(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			i++
			b.WriteByte(s[i])
		}
	}
	return strings.ReplaceAll(b.String(), "%", "")
}

// FormatShape is the regular expression of all text that a checked format reads.
func FormatShape(format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] == '%' {
			i++
			b.WriteString(specifiers[format[i]])
			continue
		}
		from := i
		for i+1 < len(format) && format[i+1] != '%' {
			i++
		}
		b.WriteString(regexp.QuoteMeta(format[from : i+1]))
	}
	return b.String()
}

// checkParseFormat makes sure that a format says a whole date, once.
func checkParseFormat(format Expr, kind flows.Kind, hasZone bool) *flows.Error {
	s, ok := ConstantText(format)
	if !ok {
		return nil
	}
	letters := formatLetters(s)
	count := func(set string) (n int) {
		for _, c := range set {
			n += strings.Count(letters, string(c))
		}
		return n
	}
	fail := func(message string) *flows.Error {
		return problemAt("expr.arguments", format, flows.Params{"value": s}, message, specifierHelp)
	}
	switch {
	case count("Yy") != 1 || count("mbB") != 1 || count("d") != 1 || count("j") > 0:
		return fail("a format for reading names year, month and day once, and has no %j")
	case count("H")+count("I") > 1 || count("I") != count("p") || count("M") > 1 || count("S") > 1 || count("f") > 1:
		return fail("hours are %H, or %I with %p; no part stands twice")
	case count("M") > count("HI") || count("S") > count("M") || count("f") > count("S"):
		return fail("minutes need hours, seconds need minutes, %f needs seconds")
	case kind == flows.Date && count("HIMSfpz") > 0:
		return fail("a format for a date has no time; read a timestamp and convert it")
	case kind == flows.Timestamp && count("z") > 0:
		return fail("text with a zone offset is a timestamptz")
	case kind == flows.TimestampTZ && count("z") != 1 && !hasZone, hasZone && count("z") > 0, count("aA") > 1:
		return fail("the zone is either %z in the text or named beside the format")
	}
	return nil
}

// checkPrintFormat refuses what the value does not have.
func checkPrintFormat(format Expr, kind flows.Kind) *flows.Error {
	s, ok := ConstantText(format)
	if !ok {
		return nil
	}
	letters, without := formatLetters(s), ""
	switch kind {
	case flows.Date:
		without = "HIMSfpz"
	case flows.Timestamp:
		without = "z"
	}
	if i := strings.IndexAny(letters, without); without != "" && i >= 0 {
		return problemAt("expr.arguments", format, flows.Params{"value": s},
			fmt.Sprintf("a %s has no %%%c", kind, letters[i]), "leave it out, or convert the value first")
	}
	return nil
}

// checkUnit makes sure that the argument at position i is one of the units, in any letter case.
func checkUnit(c *Call, i int, units ...string) *flows.Error {
	s, ok := ConstantText(c.Args[i])
	if !ok || slices.Contains(units, strings.ToLower(s)) {
		return nil
	}
	return problemAt("expr.arguments", c.Args[i], flows.Params{"unit": s},
		fmt.Sprintf("%q is not a unit of a %s", clip(s), c.Args[len(c.Args)-1].Type()), flows.DidYouMean(s, units))
}

// checkRange makes sure that an integer argument, if constant, lies in a range.
func checkRange(c *Call, i int, low, high int64) *flows.Error {
	if i >= len(c.Args) {
		return nil
	}
	v, ok := ConstantInt(c.Args[i])
	if !ok || v >= low && v <= high {
		return nil
	}
	name := "argument"
	for _, s := range c.Fn.Signatures {
		if i < len(s.Args) {
			name = s.Args[i].Name
		}
	}
	return problemAt("expr.arguments", c.Args[i], flows.Params{"value": v, "low": low, "high": high},
		fmt.Sprintf("%s of %s is %d, allowed is %d to %d", name, c.Fn.Name, v, low, high), "")
}
