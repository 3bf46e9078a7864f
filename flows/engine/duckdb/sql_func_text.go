package duckdb

import (
	"fmt"

	"spark/flows"
	"spark/flows/expr"
)

func init() {
	scalarFuncs["left"] = counted("left($1, %s)", 1)
	scalarFuncs["right"] = counted("right($1, %s)", 1)
	scalarFuncs["split_part"] = counted("split_part($1, $2, %s)", 2)
	scalarFuncs["substring"] = substring
	scalarFuncs["repeat"] = repeatText
	scalarFuncs["lpad"], scalarFuncs["rpad"] = pad("lpad"), pad("rpad")
	scalarFuncs["replace"] = replaced("replace($1, $2, $3)", "strlen($1) // greatest(strlen($2), 1) * strlen($3)")
	scalarFuncs["regexp_replace"] = replaced("regexp_replace($1, $2, $3, 'g')", "(strlen($1) + 1) * strlen($3)")
	scalarFuncs["regexp_extract"] = regexpExtract
	scalarFuncs["chr"] = func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		valid := fill("($1 BETWEEN 1 AND 1114111 AND $1 NOT BETWEEN 55296 AND 57343)", a)
		return fmt.Sprintf("CASE WHEN %s THEN chr(CAST(%s AS INTEGER)) END", valid, a[0]), []cond{{failure(c, "value.argument"), "NOT " + valid}}
	}
	scalarFuncs["format_number"] = formatNumber
}

// position renders an integer argument for DuckDB's text functions, which stop at numbers beyond 32 bits. Values below
// least become null; the caller makes them an error.
func position(c *expr.Call, i int, a string, least int) string {
	if _, ok := expr.ConstantInt(c.Args[i]); ok {
		return a
	}
	return fmt.Sprintf("CASE WHEN %s > 2147483647 THEN 2147483647 WHEN %s >= %d THEN %s END", a, a, least, a)
}

// tooSmall is the error of an integer argument below the least allowed value.
func tooSmall(c *expr.Call, i int, a []string, least int) []cond {
	if _, ok := expr.Constant(c.Args[i]); ok {
		return nil
	}
	return []cond{{failure(c, "value.argument"), fmt.Sprintf("%s < %d AND %s", a[i], least, present(c, a))}}
}

// counted is a function with one count; %s stands for it in the template.
func counted(template string, at int) buildFunc {
	return func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		least := 0
		if c.Fn.Name == "split_part" {
			least = 1
		}
		return fill(fmt.Sprintf(template, position(c, at, a[at], least)), a), tooSmall(c, at, a, least)
	}
}

func substring(_ *renderer, c *expr.Call, a []string) (string, []cond) {
	start := position(c, 1, a[1], 1)
	conds := tooSmall(c, 1, a, 1)
	if len(a) == 2 {
		return fmt.Sprintf("substring(%s, %s)", a[0], start), conds
	}
	return fmt.Sprintf("substring(%s, %s, %s)", a[0], start, position(c, 2, a[2], 0)), append(conds, tooSmall(c, 2, a, 0)...)
}

func repeatText(_ *renderer, c *expr.Call, a []string) (string, []cond) {
	if !c.CanFail() {
		return fill("repeat($1, $2)", a), nil
	}
	most := fmt.Sprintf("(%d // greatest(strlen(%s), 1))", expr.MaxText, a[0])
	return fmt.Sprintf("repeat(%s, CASE WHEN %s BETWEEN 0 AND %s THEN %s END)", a[0], a[1], most, a[1]), []cond{
		{failure(c, "value.argument"), a[1] + " < 0 AND " + present(c, a)},
		{failure(c, "value.too_long"), a[1] + " > " + most + " AND " + present(c, a)},
	}
}

func pad(name string) buildFunc {
	return func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		with, least := "' '", "true"
		if len(a) == 3 {
			with = a[2]
			if s, ok := expr.ConstantText(c.Args[2]); !ok || s == "" {
				with, least = fmt.Sprintf("CASE WHEN %s <> '' THEN %s END", a[2], a[2]), a[2]+" <> ''"
			}
		}
		length := a[1]
		if _, ok := expr.ConstantInt(c.Args[1]); !ok {
			length = fmt.Sprintf("CASE WHEN %s BETWEEN 0 AND %d THEN %s END", a[1], expr.MaxText/4, a[1])
		}
		return fmt.Sprintf("%s(%s, CAST(%s AS INTEGER), %s)", name, a[0], length, with), []cond{{failure(c, "value.argument"),
			fmt.Sprintf("NOT (%s BETWEEN 0 AND %d AND %s) AND %s", a[1], expr.MaxText/4, least, present(c, a))}}
	}
}

// replaced bounds the size of the result, given SQL for the most that is inserted.
func replaced(template, inserted string) buildFunc {
	return func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		if !c.CanFail() {
			return fill(template, a), nil
		}
		size := fill(inserted, a)
		return fmt.Sprintf("CASE WHEN %s <= %d THEN %s END", size, expr.MaxReplaced, fill(template, a)),
			[]cond{{failure(c, "value.too_long"), fmt.Sprintf("%s > %d", size, expr.MaxReplaced)}}
	}
}

func regexpExtract(_ *renderer, c *expr.Call, a []string) (string, []cond) {
	var group int64
	if len(c.Args) == 3 {
		group, _ = expr.ConstantInt(c.Args[2])
	}
	return fmt.Sprintf("CASE WHEN regexp_matches(%s, %s) THEN regexp_extract(%s, %s, %d) END", a[0], a[1], a[0], a[1], group), nil
}

func formatNumber(_ *renderer, c *expr.Call, a []string) (string, []cond) {
	digits, _ := expr.ConstantInt(c.Args[1])
	exact := fmt.Sprintf("TRY_CAST(%s AS %s)", a[0], SQLType(flows.DecimalOf(flows.MaxPrecision, int(digits))))
	v := fmt.Sprintf("CASE WHEN %s < 0 THEN '-' ELSE '' END || format('{:,}', CAST(trunc(abs(%s)) AS HUGEINT))", exact, exact)
	if digits > 0 {
		v += fmt.Sprintf(" || '.' || right(CAST(%s AS VARCHAR), %d)", exact, digits)
	}
	return "(" + v + ")", nullMeans(c, a[:1], exact, "value.overflow")
}
