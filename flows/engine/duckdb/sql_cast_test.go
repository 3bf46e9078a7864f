package duckdb

import (
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
