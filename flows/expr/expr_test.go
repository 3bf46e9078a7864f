package expr

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
)

var testEnv = Env{
	Fields: flows.Schema{
		{Name: "id", Type: flows.Of(flows.Int64)}, {Name: "quantity", Type: flows.Of(flows.Int32)}, {Name: "tiny", Type: flows.Of(flows.Int8)}, {Name: "huge", Type: flows.Of(flows.Int128)},
		{Name: "amount", Type: flows.DecimalOf(10, 2)}, {Name: "wide", Type: flows.DecimalOf(38, 10)}, {Name: "ratio", Type: flows.Of(flows.Double)},
		{Name: "name", Type: flows.Of(flows.Text)}, {Name: "Größe", Type: flows.Of(flows.Text)}, {Name: "order date", Type: flows.Of(flows.Date)}, {Name: `say "hi"`, Type: flows.Of(flows.Text)},
		{Name: "ordered_at", Type: flows.Of(flows.Timestamp)}, {Name: "seen", Type: flows.Of(flows.TimestampTZ)}, {Name: "active", Type: flows.Of(flows.Boolean)}, {Name: "case", Type: flows.Of(flows.Text)},
		{Name: "doc", Type: flows.Of(flows.JSON)}, {Name: "tags", Type: flows.ListOf(flows.Of(flows.Text))}, {Name: "raw", Type: flows.Of(flows.Bytes)}, {Name: "date", Type: flows.Of(flows.Date)},
		{Name: "address", Type: flows.StructOf(flows.Field{Name: "city", Type: flows.Of(flows.Text)})}, {Name: "Status", Type: flows.Of(flows.Text)},
	},
	Params: []Param{
		{Name: "day", Type: flows.Of(flows.Date), Value: "2026-01-31", HasValue: true}, {Name: "limit", Type: flows.Of(flows.Int64), Value: float64(10), HasValue: true},
		{Name: "zone", Type: flows.Of(flows.Text), Value: "Europe/Berlin", HasValue: true}, {Name: "later", Type: flows.Of(flows.Text)}, {Name: "broken", Type: flows.Of(flows.Int64), Value: "x", HasValue: true},
	},
}

// TestCanonical checks types and the canonical text, which reads back to itself.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ src, want, typ string }{
		{"1+2*3", "1 + 2 * 3", "int64"}, {"(1+2)*3", "(1 + 2) * 3", "int64"}, {"1-(2-3)", "1 - (2 - 3)", "int64"}, {"1-2-3", "1 - 2 - 3", "int64"}, {"-id", "-id", "int64"},
		{"- 5", "-5", "int64"}, {"-(5)", "-5", "int64"}, {"-(-5)", "-(-5)", "int64"}, {"+5", "5", "int64"}, {"2 - -5", "2 - -5", "int64"}, {"-id * 2", "-id * 2", "int64"}, {"-(id * 2)", "-(id * 2)", "int64"},
		{"9223372036854775808", "9223372036854775808", "int128"}, {"-9223372036854775808", "-9223372036854775808", "int64"}, {"1.50", "1.50", "decimal(3,2)"}, {"0.05", "0.05", "decimal(2,2)"}, {"007.10", "7.10", "decimal(3,2)"},
		{"1e3", "1e+03", "double"}, {"1.5E-3", "1.5e-03", "double"}, {"'it''s'", "'it''s'", "text"}, {"TRUE", "true", "boolean"}, {"date '2026-01-31'", "date '2026-01-31'", "date"},
		{"timestamp '2026-01-31T10:00:00.500'", "timestamp '2026-01-31 10:00:00.5'", "timestamp"}, {"timestamptz '2026-01-31 10:00:00+02:00'", "timestamptz '2026-01-31 08:00:00Z'", "timestamptz"},
		{"interval '1 year 2 weeks -3 hours 5 seconds'", "interval '12 months 14 days -2 hours -3595 seconds'", "interval"}, {"uuid '6FA459EA-EE8A-4CA4-894E-DB77E160355E'", "uuid '6fa459ea-ee8a-4ca4-894e-db77e160355e'", "uuid"},
		{"time '10:00:00'", "time '10:00:00'", "time"}, {"[order date]", `"order date"`, "date"}, {`"order date"`, `"order date"`, "date"}, {`"say ""hi"""`, `"say ""hi"""`, "text"}, {"[name]", "name", "text"}, {"Größe", `"Größe"`, "text"}, {`"case"`, `"case"`, "text"}, {"date", "date", "date"},
		{"$day", "$day", "date"}, {"$limit + 1", "$limit + 1", "int64"}, {"$later", "$later", "text"},
		{"name = 'a' OR active AND NOT id>1", "name = 'a' or active and not id > 1", "boolean"}, {"(active or active) and active", "(active or active) and active", "boolean"}, {"active and (active and active)", "active and (active and active)", "boolean"},
		{"(active and active) and active", "active and active and active", "boolean"}, {"not (active = true)", "not active = true", "boolean"}, {"(not active) = true", "(not active) = true", "boolean"}, {"not not active", "not not active", "boolean"},
		{"id != 1", "id <> 1", "boolean"}, {"name is null", "name is null", "boolean"}, {"name IS NOT NULL", "name is not null", "boolean"}, {"is_null(name)", "name is null", "boolean"}, {"(id + 1) is null", "id + 1 is null", "boolean"}, {"(id = 1) is null", "(id = 1) is null", "boolean"},
		{"id in (1,2 , 3)", "id in (1, 2, 3)", "boolean"}, {"id not in (1)", "id not in (1)", "boolean"}, {"id between 1 and 2 and active", "id between 1 and 2 and active", "boolean"}, {"id not between 1 and 1+1", "id not between 1 and 1 + 1", "boolean"},
		{"name like 'a%'", "name like 'a%'", "boolean"}, {`name not ilike '\%' escape '\'`, `name not ilike '\%' escape '\'`, "boolean"}, {"name || 'x' || name", "name || 'x' || name", "text"}, {"name||(name||'x')", "name || (name || 'x')", "text"},
		{"CASE WHEN active THEN 1 ELSE 2.5 END", "case when active then 1 else 2.5 end", "decimal(2,1)"}, {"case id when 1 then 'a' when 2 then null end", "case id when 1 then 'a' when 2 then null end", "text"},
		{"CAST(name AS DECIMAL(10, 2))", "cast(name as decimal(10,2))", "decimal(10,2)"}, {"try_cast(name as date format '%d/%m/%Y')", "try_cast(name as date format '%d/%m/%Y')", "date"}, {"cast(ordered_at as timestamptz zone $zone)", "cast(ordered_at as timestamptz zone $zone)", "timestamptz"},
		{"cast(null as list<text>)", "cast(null as list<text>)", "list<text>"}, {"Upper(name)", "upper(name)", "text"}, {"if(active, 1, null)", "if(active, 1, null)", "int64"}, {"coalesce(amount, 0)", "coalesce(amount, 0)", "decimal(10,2)"}, {"coalesce(quantity, id)", "coalesce(quantity, id)", "int64"},
		{"quantity * amount", "quantity * amount", "decimal(20,2)"}, {"id * amount", "id * amount", "decimal(29,2)"}, {"amount + 1", "amount + 1", "decimal(11,2)"}, {"amount * ratio", "amount * ratio", "double"}, {"amount / 2", "amount / 2", "double"}, {"huge + 1", "huge + 1", "int128"}, {"tiny + tiny", "tiny + tiny", "int64"},
		{"date_trunc('MONTH', ordered_at)", "date_trunc('MONTH', ordered_at)", "timestamp"}, {"ordered_at + interval '1 day'", "ordered_at + interval '1 days'", "timestamp"}, {"round(amount, 1)", "round(amount, 1)", "decimal(10,1)"}, {"round(amount)", "round(amount)", "decimal(9,0)"}, {"round(id, -2)", "round(id, -2)", "int64"},
		{"list(1, 2.5)", "list(1, 2.5)", "list<decimal(2,1)>"}, {"list_get(tags, 1)", "list_get(tags, 1)", "text"}, {"get_field(address, 'city')", "get_field(address, 'city')", "text"}, {"ordered_at >= [order date]", `ordered_at >= "order date"`, "boolean"},
		{"nullif(name, '')", "nullif(name, '')", "text"}, {"parse_timestamp(name, '%Y-%m-%d %H:%M:%S%z')", "parse_timestamp(name, '%Y-%m-%d %H:%M:%S%z')", "timestamptz"}, {" \n\tid\r\n ", "id", "int64"},
	} {
		e, err := Compile(c.src, testEnv)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if got := e.String(); got != c.want || e.Type().String() != c.typ {
			t.Errorf("%s is %s of %s, want %s of %s", c.src, got, e.Type(), c.want, c.typ)
		}
		again, err := Compile(e.String(), testEnv)
		if err != nil || again.String() != e.String() {
			t.Errorf("%s does not read back: %v, %v", e, again, err)
		}
	}
}

// TestProblems checks code, place and suggestion of what is refused.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		src, code, quoted, suggestion string
	}{
		{"", "expr.syntax", "", ""}, {"  ", "expr.syntax", "", ""}, {"1 +", "expr.syntax", "", ""}, {"(1", "expr.syntax", "", ""}, {"1)", "expr.syntax", ")", ""}, {"'abc", "expr.syntax", "'abc", "add ' at its end"}, {`"abc`, "expr.syntax", `"abc`, ""},
		{"1 2", "expr.syntax", "2", ""}, {"id id", "expr.syntax", "id", ""}, {"1 < 2 < 3", "expr.syntax", "<", "and"}, {"id == 1", "expr.syntax", "==", "single ="}, {"active && active", "expr.syntax", "&&", "and"}, {"!active", "expr.syntax", "!", "not"}, {"1.", "expr.syntax", "1.", ""}, {"1x", "expr.syntax", "1x", ""}, {"12abc + 1", "expr.syntax", "12abc", ""},
		{".5", "expr.syntax", ".", "start with a digit"}, {"$", "expr.syntax", "$", "$name"}, {"case when active then 1", "expr.syntax", "", ""}, {"case end", "expr.syntax", "end", ""}, {"id in ()", "expr.arguments", "id in ()", ""}, {"id between 1 or 2", "expr.syntax", "or", ""}, {"name not active", "expr.syntax", "active", ""}, {"and", "expr.syntax", "and", "double quotes"},
		{"cast(id as)", "expr.syntax", ")", ""}, {"cast(id as strange)", "expr.type", "strange", "use one of"}, {"cast(id as decimal(50,2))", "expr.type", "decimal(50,2)", ""}, {"id = not active", "expr.syntax", "not", "parentheses"}, {"+id", "expr.syntax", "+", "remove it"},
		{"99999999999999999999999999999999999999999", "expr.literal", "99999999999999999999999999999999999999999", "38"}, {"1e999", "expr.literal", "1e999", ""}, {"date '2026-02-30'", "expr.literal", "date '2026-02-30'", "date '2026-01-31'"}, {"timestamp '2026-01-31'", "expr.literal", "timestamp '2026-01-31'", ""}, {"timestamptz '2026-01-31 10:00:00'", "expr.literal", "timestamptz '2026-01-31 10:00:00'", "+01:00"}, {"interval 'soon'", "expr.literal", "interval 'soon'", "3 days"}, {"uuid 'x'", "expr.literal", "uuid 'x'", ""}, {"time '25:00:00'", "expr.literal", "time '25:00:00'", ""}, {"date '0000-01-01'", "expr.literal", "date '0000-01-01'", ""},
		{"nmae", "expr.unknown_field", "nmae", `"name"`}, {"NAME", "expr.unknown_field", "NAME", `"name"`}, {"status", "expr.unknown_field", "status", `"Status"`}, {"Größe = größe", "expr.unknown_field", "größe", ""}, {"$dya", "expr.unknown_parameter", "$dya", `"day"`}, {"$broken", "expr.parameter_value", "$broken", ""},
		{"uper(name)", "expr.unknown_function", "uper", `"upper"`}, {"len(name)", "expr.unknown_function", "len", `"length"`}, {"nvl(name, '')", "expr.unknown_function", "nvl", `"coalesce"`}, {"frobnicate(1)", "expr.unknown_function", "frobnicate", "help"}, {"negate(1)", "expr.unknown_function", "negate", ""},
		{"upper(id)", "expr.type", "id", "cast(id as text)"}, {"upper()", "expr.arguments", "upper()", "upper(x text)"}, {"upper(name, name)", "expr.arguments", "upper(name, name)", ""}, {"name + 1", "expr.type", "name + 1", "||"}, {"id || name", "expr.type", "id", "cast(id as text)"}, {"-name", "expr.type", "-name", ""}, {"id = name", "expr.type", "id = name", "cast(name as int64)"},
		{"ordered_at > '2026-01-31 10:00:00'", "expr.type", "ordered_at > '2026-01-31 10:00:00'", "timestamp '2026-01-31 10:00:00'"}, {"[order date] = '31.1.2026'", "expr.type", "[order date] = '31.1.2026'", "date '2026-01-31'"}, {"name = null", "expr.type", "null", "is null"}, {"id in (1, null)", "expr.type", "null", "is null"}, {"doc = doc", "expr.type", "doc = doc", "json_extract_text"}, {"tags = tags", "expr.type", "tags = tags", "list_contains"}, {"seen > ordered_at", "expr.type", "seen > ordered_at", "zone"},
		{"id and active", "expr.type", "id", "id <> 0"}, {"not name", "expr.type", "name", ""}, {"case when id then 1 end", "expr.type", "id", ""}, {"case when active then 1 else 'a' end", "expr.type", "case when active then 1 else 'a' end", "cast"}, {"null", "expr.type", "null", "cast(null"}, {"if(active, null)", "expr.type", "null", "cast(null"}, {"case when active then null end", "expr.type", "case when active then null end", "cast(null"},
		{"wide * wide", "expr.type", "wide * wide", "cast"}, {"wide + wide", "expr.type", "wide + wide", "cast"}, {"huge * amount", "expr.type", "huge * amount", "double"}, {"huge = wide", "expr.type", "huge = wide", ""}, {"ordered_at - ordered_at", "expr.type", "ordered_at - ordered_at", "date_diff"}, {"div(1.5, 2)", "expr.type", "", "/"},
		{"cast(active as int64)", "expr.type", "cast(active as int64)", "if(x, 1, 0)"}, {"cast(seen as date)", "expr.type", "cast(seen as date)", "zone"}, {"cast(ordered_at as timestamptz)", "expr.type", "cast(ordered_at as timestamptz)", "zone"}, {"cast(raw as text)", "expr.type", "cast(raw as text)", "decode_utf8"}, {"cast(id as text format '%Y')", "expr.type", "cast(id as text format '%Y')", ""}, {"cast(tags as text)", "expr.type", "cast(tags as text)", "to_json"},
		{"parse_date(name, '%Q')", "expr.arguments", "'%Q'", "%Y"}, {"parse_date(name, '%d.%m')", "expr.arguments", "'%d.%m'", ""}, {"parse_date(name, '%d.%m.%Y %H')", "expr.arguments", "'%d.%m.%Y %H'", "%Y"}, {"parse_date(name, name)", "expr.arguments", "name", "before the run"}, {"parse_timestamp(name, '%Y-%m-%d %I')", "expr.arguments", "'%Y-%m-%d %I'", ""}, {"format_date(date, '%H')", "expr.arguments", "'%H'", ""}, {"cast(name as timestamp format '%Y-%m-%d %z')", "expr.arguments", "'%Y-%m-%d %z'", ""},
		{"at_zone(ordered_at, 'Mars/Base')", "expr.arguments", "'Mars/Base'", "Europe/Berlin"}, {"at_zone(ordered_at, 'Local')", "expr.arguments", "'Local'", ""}, {"at_zone(ordered_at, '../etc/passwd')", "expr.arguments", "'../etc/passwd'", ""}, {"date_trunc('mnth', ordered_at)", "expr.arguments", "'mnth'", `"month"`}, {"date_trunc('hour', date)", "expr.arguments", "'hour'", ""}, {"date_trunc(name, date)", "expr.arguments", "name", ""},
		{"regexp_matches(name, '(')", "expr.arguments", "'('", "RE2"}, {"regexp_matches(name, '(?=a)')", "expr.arguments", "'(?=a)'", ""}, {"regexp_matches(name, name)", "expr.arguments", "name", ""}, {`regexp_matches(name, '\pL{1000}')`, "expr.arguments", `'\pL{1000}'`, ""}, {`regexp_replace(name, 'a', '\1')`, "expr.arguments", `'\1'`, ""}, {"regexp_extract(name, 'a', 2)", "expr.arguments", "2", ""}, {`regexp_matches(name, '(?<n>a)')`, "expr.arguments", "'(?<n>a)'", ""},
		{"name like name", "expr.arguments", "name", "contains"}, {"id like 'a'", "expr.type", "id", "cast(id as text)"}, {`name like 'a\' escape '\'`, "expr.arguments", `'a\'`, ""}, {"name like 'a' escape 'xx'", "expr.arguments", "'xx'", ""}, {"json_extract(doc, 'a')", "expr.arguments", "'a'", "$."}, {"json_extract(doc, '$.*')", "expr.arguments", "'$.*'", ""}, {`json_extract(doc, '$."a')`, "expr.arguments", `'$."a'`, "$."}, {`json_extract(doc, '$[''a''')`, "expr.arguments", `'$[''a'''`, "$."}, {"json_read(doc, 'x', '$.a')", "expr.arguments", "'x'", ""}, {"json_read(doc, 'text', '$.a', 'text')", "expr.arguments", "", ""}, {"json_read(id, 'text', '$.a')", "expr.type", "", ""}, {"json_extract(name, '$.a')", "expr.type", "name", "parse_json(name)"}, {"json_object('a', 1, 'a', 2)", "expr.arguments", "'a'", ""}, {"json_object('a')", "expr.arguments", "json_object('a')", ""}, {"to_json(raw)", "expr.type", "raw", "encode_base64"},
		{"left(name, -1)", "expr.arguments", "-1", ""}, {"substring(name, 0)", "expr.arguments", "0", ""}, {"repeat(name, 99999999)", "expr.arguments", "99999999", ""}, {"round(amount, id)", "expr.arguments", "id", ""}, {"get_field(address, 'town')", "expr.unknown_field", "'town'", "city"}, {"list_contains(tags, 1)", "expr.type", "", ""}, {"sum(id)", "expr.aggregate", "sum", "Aggregate"}, {"is_null()", "expr.arguments", "is_null()", ""}, {"list(1, 'a')", "expr.type", "list(1, 'a')", ""},
		{"upper(\x00)", "expr.syntax", "\x00", ""}, {"'a\x00b'", "expr.syntax", "\x00", ""}, {"1 -- 2", "expr.syntax", "--", "a - -b"}, {"1 /* x */", "expr.syntax", "/*", "remove it"}, {"1; 2", "expr.syntax", ";", "statement"}, {"(select 1)", "expr.unknown_field", "", ""}, {"[]", "expr.syntax", "[]", ""},
	} {
		_, err := Compile(c.src, testEnv)
		if err == nil {
			t.Errorf("%s compiles", c.src)
			continue
		}
		e := flows.AsError(err)
		if c.code == "expr.unknown_field" && c.quoted == "" {
			if e.Code != "expr.syntax" && e.Code != c.code {
				t.Errorf("%s: %v", c.src, err)
			}
			continue
		}
		if e.Code != c.code || !strings.Contains(e.Suggestion, c.suggestion) {
			t.Errorf("%q: %s %q (suggestion %q), want %s with %q", c.src, e.Code, e.Message, e.Suggestion, c.code, c.suggestion)
		}
		if c.quoted == "" {
			continue
		}
		runes := []rune(c.src)
		from := e.Path.Offset - 1
		if from < 0 || from+e.Path.Length > len(runes) || string(runes[from:from+e.Path.Length]) != c.quoted {
			t.Errorf("%q: the error points at %d+%d, want %q (%v)", c.src, e.Path.Offset, e.Path.Length, c.quoted, err)
		}
	}
}

func TestAllProblemsAreReported(t *testing.T) {
	t.Parallel()
	_, err := Compile("upper(nmae) || lower(id) || $x || uper(name)", testEnv)
	var ps flows.Problems
	if !errors.As(err, &ps) {
		t.Fatalf("%T %v", err, err)
	}
	var got []string
	for _, p := range ps {
		got = append(got, p.Code)
	}
	want := []string{"expr.unknown_field", "expr.type", "expr.unknown_parameter", "expr.unknown_function"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, code string }{
		"parentheses": {strings.Repeat("(", 30000) + "1" + strings.Repeat(")", 30000), "expr.too_deep"},
		"minus":       {strings.Repeat("- ", 30000) + "id", "expr.too_deep"},
		"not":         {strings.Repeat("not ", 15000) + "active", "expr.too_deep"},
		"calls":       {strings.Repeat("upper(", 9000) + "name" + strings.Repeat(")", 9000), "expr.too_deep"},
		"sum":         {"1" + strings.Repeat("+1", 20000), "expr.too_deep"},
		"case":        {strings.Repeat("case when active then ", 2000) + "1" + strings.Repeat(" end", 2000), "expr.too_deep"},
		"length":      {"'" + strings.Repeat("x", MaxLength) + "'", "expr.too_long"},
		"types":       {"cast(null as " + strings.Repeat("list<", 1000) + "text" + strings.Repeat(">", 1000) + ")", "expr.type"},
	} {
		_, err := Compile(c.src, testEnv)
		if err == nil || flows.AsError(err).Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Long flat expressions are fine.
	for _, src := range []string{
		"active" + strings.Repeat(" and active", 5000), "name" + strings.Repeat(" || name", 5000), "id in (1" + strings.Repeat(", 1", 10000) + ")",
		"case" + strings.Repeat(" when active then 1", 3000) + " end", strings.Repeat("(", 150) + "1" + strings.Repeat(")", 150), "coalesce(name" + strings.Repeat(", name", 5000) + ")",
	} {
		if _, err := Compile(src, testEnv); err != nil {
			t.Errorf("%.40s…: %v", src, err)
		}
	}
}

func TestAggregates(t *testing.T) {
	t.Parallel()
	for src, typ := range map[string]string{
		"count()": "int64", "count(name)": "int64", "sum(amount) / count()": "double", "sum(id)": "int64", "sum(amount)": "decimal(38,2)", "sum(huge)": "int128", "sum(ratio)": "double", "avg(id)": "double",
		"min(name)": "text", "max(ordered_at) > timestamp '2026-01-01 00:00:00'": "boolean", "sum_if(amount, active)": "decimal(38,2)", "count_if(id > 5 and active)": "int64", "string_agg(name, ', ')": "text",
		"first(doc)": "json", "count_distinct(name)": "int64", "$limit + count()": "int64", "case when count() > 1 then 'many' else min(name) end": "text", "bool_and(active)": "boolean", "median(amount)": "double",
	} {
		e, err := CompileAggregate(src, testEnv)
		if err != nil {
			t.Errorf("%s: %v", src, err)
		} else if e.Type().String() != typ || e.String() != src {
			t.Errorf("%s is %s of %s, want %s", src, e, e.Type(), typ)
		}
	}
	for src, code := range map[string]string{
		"id": "expr.aggregate", "sum(id) + id": "expr.aggregate", "sum(max(id))": "expr.aggregate", "sum(name)": "expr.type", "sum_if(id, id)": "expr.type", "count_distinct(doc)": "expr.type", "string_agg(name, name)": "expr.arguments", "smu(id)": "expr.unknown_function",
	} {
		if _, err := CompileAggregate(src, testEnv); err == nil || flows.AsError(err).Code != code {
			t.Errorf("%s: %v, want %s", src, err, code)
		}
	}
}

func TestFieldsAndFallible(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]struct {
		fields   []string
		fallible bool
	}{
		"quantity * amount": {[]string{"quantity", "amount"}, false}, "quantity * quantity + 1": {[]string{"quantity"}, false}, "id * 2": {[]string{"id"}, true}, "id / 2": {[]string{"id"}, false}, "id / quantity": {[]string{"id", "quantity"}, true},
		"quantity * quantity * quantity": {[]string{"quantity"}, true}, "tiny * tiny * tiny * tiny": {[]string{"tiny"}, false}, "id % 7": {[]string{"id"}, false}, "-quantity": {[]string{"quantity"}, false}, "-id": {[]string{"id"}, true}, "abs(id)": {[]string{"id"}, true},
		"cast(quantity as int64)": {[]string{"quantity"}, false}, "cast(id as int32)": {[]string{"id"}, true}, "cast(id % 100 as int8)": {[]string{"id"}, false}, "cast(name as int64)": {[]string{"name"}, true}, "try_cast(name as int64)": {[]string{"name"}, false}, "cast(amount as decimal(12,2))": {[]string{"amount"}, false},
		"cast(amount as decimal(12,1))": {[]string{"amount"}, true}, "left(name, 3)": {[]string{"name"}, false}, "left(name, id)": {[]string{"name", "id"}, true}, "ratio + 1": {[]string{"ratio"}, true}, "name || upper(name) || Status": {[]string{"name", "Status"}, false}, "replace(name, 'a', 'b')": {[]string{"name"}, false}, "1": {nil, false},
	} {
		e, err := Compile(src, testEnv)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if d := cmp.Diff(want.fields, Fields(e)); d != "" || Fallible(e) != want.fallible {
			t.Errorf("%s: fallible %v %s", src, Fallible(e), d)
		}
	}
}

// TestLockDown tries to leave the language.
func TestLockDown(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"read_csv('/etc/passwd')", "read_text('/etc/passwd')", "read_blob('x')", "read_parquet('x')", "read_json('x')", "glob('*')", "getenv('HOME')", "query('select 1')", "query_table('t')", "sniff_csv('x')", "parquet_metadata('x')",
		"getvariable('x')", "current_setting('home_directory')", "duckdb_settings()", "pragma_version()", "nextval('s')", "error('x')", "sleep_ms(1)", "tap(1)", "tapf(1, true)", "spark_at_zone(1)", "try(1)", "add(1, 2)", "concat_operator('a','b')", "\"+\"(1, 2)", "main.upper('a')",
		"(select 1)", "exists (select 1)", "id in (select id from t)", "select 1", "COPY t TO 'x'", "1; drop table t", "1 -- x", "1 /* x */", "upper(name) from t", "name collate nocase", "name::int", "id::text", "$1", "?", "@id", "#1", "t.id", "columns(*)", "*", "count(*)", "id[1]", "{'a': 1}", "x -> x + 1", "lambda x: x",
		"interval 3 days", "e'\\n'", "U&'x'", "$$text$$", "`id`", "name ~ 'x'", "name similar to 'x'", "sum(id) over ()", "cast(id as varchar)", "cast(id as text collate x)", "cast(name as int64 format '%Y')", "array[1]", "row(1)", "1 as x", "id = any(tags)", "0x10", "1_000",
	} {
		if e, err := Compile(src, testEnv); err == nil {
			t.Errorf("%s compiles to %s", src, e)
		}
	}
	// What looks like an attack inside a text stays a text.
	for _, text := range []string{"'; drop table t; --", "''", `"`, `\`, "$1", "{0}", "%s", "\n", "/*", "read_csv('x')"} {
		e, err := Compile(quoteText(text), testEnv)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := ConstantText(e); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestParameterValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ   flows.Type
		value any
		ok    bool
	}{
		{flows.Of(flows.Int8), float64(127), true}, {flows.Of(flows.Int8), float64(128), false}, {flows.Of(flows.Int64), 1.5, false}, {flows.Of(flows.Int64), "12", true}, {flows.Of(flows.Int64), 12, true}, {flows.Of(flows.Int64), true, false}, {flows.Of(flows.Text), "x", true}, {flows.Of(flows.Text), 1.0, false},
		{flows.Of(flows.Text), "a\x00b", false}, {flows.DecimalOf(4, 2), "12.50", true}, {flows.DecimalOf(4, 2), 12.5, true}, {flows.DecimalOf(4, 2), 123.0, false}, {flows.Of(flows.Date), "2026-01-31", true}, {flows.Of(flows.Date), "31.1.2026", false}, {flows.Of(flows.Boolean), "true", true}, {flows.Of(flows.Boolean), false, true},
		{flows.ListOf(flows.Of(flows.Int64)), []any{1.0, "2"}, true}, {flows.ListOf(flows.Of(flows.Int64)), []any{"x"}, false}, {flows.Of(flows.JSON), `{"a": 1}`, true}, {flows.Of(flows.JSON), `{`, false}, {flows.Of(flows.Bytes), "YWI=", true}, {flows.Of(flows.Date), nil, true},
	} {
		_, err := Compile("$p", Env{Params: []Param{{Name: "p", Type: c.typ, Value: c.value, HasValue: true}}})
		if (err == nil) != c.ok {
			t.Errorf("%v as %s: %v", c.value, c.typ, err)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, fn := range Functions() {
		f.Add(fn.Example)
	}
	for _, s := range []string{"name like '%' escape 'x'", "case id when 1 then 2 end", "[order date] in (date '2026-01-31')", "cast(name as decimal(3,2) format 'x' zone $z)", "$limit between -1 and - -1", `"say ""hi""" is not null`, "sum_if(amount, active)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		for _, compile := range []func(string, Env) (Expr, error){Compile, CompileAggregate} {
			e, err := compile(src, testEnv)
			if err != nil {
				if flows.AsError(err).Code == "internal" || flows.AsError(err).Message == "" {
					t.Fatalf("%q: %v", src, err)
				}
				continue
			}
			again, err := compile(e.String(), testEnv)
			if err != nil {
				// The canonical text may be longer than what was written, and so beyond the limits.
				if code := flows.AsError(err).Code; code == "expr.too_long" || code == "expr.too_deep" {
					continue
				}
				t.Fatalf("%q is written as %q: %v", src, e, err)
			}
			if again.String() != e.String() || !again.Type().Equal(e.Type()) {
				t.Fatalf("%q is written as %q, which reads as %q", src, e, again)
			}
		}
	})
}
