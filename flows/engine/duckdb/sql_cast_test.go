package duckdb

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/expr"
)

// TestFieldsConvertLikeLiterals: fields take a short cut that must not change what is accepted.
func TestFieldsConvertLikeLiterals(t *testing.T) {
	t.Parallel()
	c := connect(t)
	texts := []string{"", " ", "0", "-0", "00", "+1", "1", "-1", "127", "128", "-128", "-129", "007", "1.5", "1.50", "1.500", "1.505", ".5", "5.", "-.5", "1e3", "0x10", "1_000", "1,000", " 1", "1 ", "1\n", "9223372036854775807", "9223372036854775808",
		"170141183460469231731687303715884105728", "nan", "inf", "infinity", "-infinity", "epoch", "today", "2026-01-31", "2026-1-31", "2026-02-30", "0000-01-01", "0001-01-01", "10000-01-01", "2026-01-31 ", "2026/01/31", "20260131", "2026-01-31 (BC)", "-001-01-01",
		"2026-01-31 10:00:00", "2026-01-31T10:00:00", "2026-01-31 10:00:00.5", "2026-01-31 10:00", "2026-01-31 24:00:00", "2026-01-31 10:00:60", "2026-01-31 10:00:00Z", "10000-01-01 10:00:0", "99999-01-01 1:0:0", "2026-01-31 10:00:00+00", "true", "ñ", "١٢", "99999999.99", "100000000.00", "-99999999.99"}
	exec(t, c, "CREATE TABLE texts (n INTEGER, t VARCHAR)")
	for i, s := range texts {
		exec(t, c, "INSERT INTO texts VALUES ("+numberText(int64(i))+", "+quoteText(s)+")")
	}
	env := expr.Env{Fields: flows.Schema{{Name: "t", Type: flows.Of(flows.Text)}}}
	for _, to := range []string{"int8", "int64", "int128", "decimal(3,2)", "decimal(10,2)", "decimal(38,0)", "double", "boolean", "date", "timestamp", "timestamptz", "time"} {
		fields := evaluate(t, c, "cast(t as "+to+")", env, " FROM texts ORDER BY n")
		computed := evaluate(t, c, "cast(t || '' as "+to+")", env, " FROM texts ORDER BY n")
		for i := range texts {
			if fields[i] != computed[i] {
				t.Errorf("%q as %s: field %v, computed %v", texts[i], to, fields[i], computed[i])
			}
		}
	}
}

// TestTextShape: the function that looks at fields says what the regular expressions of the language say.
func TestTextShape(t *testing.T) {
	t.Parallel()
	c := connect(t)
	seeds := []string{"0", "-12", "+007", "1.50", "-.5", "5.", "12.3400000", "1e5", "-1.5E-10", ".e1", "2026-01-31", "0000-01-31", "1000-00-99", "10:20:30", "23:59:59.123456000", "24:00:00", "10:20:60.1", "2026-01-31 10:20:30", "2026-01-31T10:20:30.5",
		"2026-01-31 10:20:30Z", "2026-01-31T10:20:30.123456+15:59", "2026-01-31T10:20:30-0530", "2026-01-31 10:20:30+16:00", ""}
	const letters = "0123456789019+-.:eETZ \n\x01"
	random := rand.New(rand.NewPCG(1, 2))
	texts := seeds
	for range 20_000 {
		s := []byte(seeds[random.IntN(len(seeds))])
		for range 1 + random.IntN(3) {
			at, letter := random.IntN(len(s)+1), letters[random.IntN(len(letters))]
			switch {
			case random.IntN(3) == 0 || at == len(s):
				s = slices.Insert(s, at, letter)
			case random.IntN(2) == 0:
				s = slices.Delete(s, at, at+1)
			default:
				s[at] = letter
			}
		}
		texts = append(texts, string(s))
	}
	values := make([]string, len(texts))
	for i, s := range texts {
		values[i] = "(" + numberText(int64(i)) + ", " + quoteText(s) + ")"
	}
	exec(t, c, "CREATE TABLE texts AS SELECT * FROM (VALUES "+strings.Join(values, ", ")+") v(n, t)")
	for shape, re := range map[string]string{"i": expr.ShapeInteger, "n0": expr.ShapeDecimal(0), "n2": expr.ShapeDecimal(2), "n10": expr.ShapeDecimal(10), "f": expr.ShapeDouble,
		"d": expr.ShapeDate, "t": expr.ShapeTime, "s": expr.ShapeTimestamp, "z": expr.ShapeTimestampTZ} {
		whole := regexp.MustCompile(`\A(?:` + re + `)\z`)
		rows, err := c.QueryText("SELECT CAST(text_shape(t, '" + shape + "') AS VARCHAR) FROM texts ORDER BY n")
		if err != nil || len(rows) != len(texts) {
			t.Fatal(err, len(rows))
		}
		has := 0
		for i, row := range rows {
			if *row[0] != fmt.Sprint(whole.MatchString(texts[i])) {
				t.Errorf("%q has the shape %s: %s", texts[i], shape, *row[0])
			}
			if *row[0] == "true" {
				has++
			}
		}
		if has < 20 {
			t.Errorf("%d of %d texts have the shape %s: too few to prove anything", has, len(texts), shape)
		}
	}
}
