package node

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/expr"
)

type boundConfig struct {
	Text      string       `json:"text" title:"Text"`
	Choice    string       `json:"choice" title:"Choice" enum:"a|b"`
	Count     int64        `json:"count" title:"Count"`
	Share     float64      `json:"share" title:"Share"`
	Most      *int64       `json:"most" title:"Most"`
	On        bool         `json:"on" title:"On"`
	Limit     Value[int64] `json:"limit" title:"Limit"`
	Names     []string     `json:"names" title:"Names"`
	Parts     []boundPart  `json:"parts" title:"Parts"`
	Condition string       `json:"condition" title:"Condition" widget:"condition"`
	Where     string       `json:"where" title:"Where" widget:"sql" secrets:"true"`
	Query     string       `json:"query" title:"Query" widget:"sql"`
}

type boundPart struct {
	Name  string `json:"name" title:"Name"`
	Value string `json:"value" title:"Value"`
}

func boundParams() []expr.Param {
	p := func(name string, t flows.Type, v any) expr.Param {
		return expr.Param{Name: name, Type: t, Value: v, HasValue: true}
	}
	secret := p("token", flows.Of(flows.Text), "it's canary-71c9")
	secret.Secret = true
	facts := expr.FactParams(flows.RunFacts{ID: "r1", Flow: "Orders", Revision: 3, Environment: "test", StartedAt: time.Date(2026, 1, 31, 9, 5, 7, 12_000_000, time.UTC), Attempt: 1})
	return append(facts, p("day", flows.Of(flows.Text), "2026-01-31"), p("n", flows.Of(flows.Int64), int64(-7)), p("d", flows.DecimalOf(5, 2), "12.50"),
		p("x", flows.Of(flows.Double), 1.5), p("yes", flows.Of(flows.Boolean), true), p("evil", flows.Of(flows.Text), `x' OR 1=1; DROP TABLE t; --\`),
		p("when", flows.Of(flows.Date), "2026-01-31"), p("none", flows.Of(flows.Text), nil), p("big", flows.Of(flows.Int128), big.NewInt(9)),
		p("states", flows.ListOf(flows.Of(flows.Text)), []any{"paid", "it's"}), p("codes", flows.ListOf(flows.Of(flows.Int64)), []any{int64(1), int64(2)}), p("empty", flows.ListOf(flows.Of(flows.Text)), []any{}),
		p("nul", flows.Of(flows.Text), "a\x00b"), p("bytes", flows.Of(flows.Bytes), []byte("x")), p("b", flows.Of(flows.Text), "b"), expr.Param{Name: "unset", Type: flows.Of(flows.Text)}, secret)
}

func bindTest(raw string) (boundConfig, flows.Problems) {
	var cfg boundConfig
	b := binder{node: "n1", params: boundParams(), ports: "parts"}
	bound := b.bind(json.RawMessage(raw), reflect.TypeOf(cfg))
	if len(b.problems) > 0 {
		return cfg, b.problems
	}
	return cfg, b.name(decodeConfig("n1", bound, &cfg))
}

// TestBind: parameters take the place of every kind of setting, with its type.
func TestBind(t *testing.T) {
	t.Parallel()
	cfg, ps := bindTest(`{"text": "a ${day} <${n}> ${d} ${x} ${yes} ${when} $${day} $", "choice": {"parameter": "b"}, "count": {"parameter": "n"}, "share": {"parameter": "d"}, "most": {"parameter": "big"},
		"on": {"parameter": "yes"}, "limit": {"parameter": "n"}, "names": ["${day}", "x"], "parts": [{"name": "p", "value": "${b}"}], "condition": "a = '${day}'"}`)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	most := int64(9)
	want := boundConfig{Text: "a 2026-01-31 <-7> 12.50 1.5 true 2026-01-31 ${day} $", Choice: "b", Count: -7, Share: 12.5, Most: &most, On: true, Limit: Lit[int64](-7),
		Names: []string{"2026-01-31", "x"}, Parts: []boundPart{{"p", "b"}}, Condition: "a = '${day}'"}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("%+v\nwant %+v", cfg, want)
	}
}

// TestBindLists: a parameter that is a list is the whole of a setting that is one.
func TestBindLists(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{"states": {"paid", "it's"}, "codes": {"1", "2"}, "empty": {}} {
		cfg, ps := bindTest(`{"names": {"parameter": "` + name + `"}}`)
		if len(ps) > 0 || !reflect.DeepEqual(cfg.Names, want) {
			t.Errorf("%s: %q, %v", name, cfg.Names, ps)
		}
	}
}

// TestBindFacts: what the run knows of itself stands in texts and in SQL, its times in a format.
func TestBindFacts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"o-${run.id}-${run.flow}-${run.revision}-${run.environment}-${run.attempt}.csv": "o-r1-Orders-3-test-1.csv",
		"${run.started_at}": "2026-01-31 09:05:07.012Z", "${run.started_at:yyyy-MM-dd}": "2026-01-31", "${run.started_at:yyyyMMdd-HHmmss.SSS}": "20260131-090507.012",
		"${run.started_at:%Y/%m/%d %H%M%S}": "2026/01/31 090507", "${when:dd.MM.yy}": "31.01.26", "$${run.id}": "${run.id}",
	} {
		cfg, ps := bindTest(`{"text": ` + string(encode(text, nil)) + `}`)
		if len(ps) > 0 || cfg.Text != want {
			t.Errorf("%s: %q, %v", text, cfg.Text, ps)
		}
	}
	for sql, want := range map[string]string{
		"run = ${run.id} and at < ${run.started_at}": "run = 'r1' and at < CAST('2026-01-31 09:05:07.012Z' AS timestamp with time zone)",
		"day = ${run.started_at:yyyy-MM-dd}":         "day = '2026-01-31'", "at = ${run.scheduled_at}": "at = NULL",
	} {
		cfg, ps := bindTest(`{"where": ` + string(encode(sql, nil)) + `}`)
		if len(ps) > 0 || cfg.Where != want {
			t.Errorf("%s: %q, %v", sql, cfg.Where, ps)
		}
	}
}

// TestBindSQL: a value is a literal of its type, whatever is in it, and stands only where a value can.
func TestBindSQL(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		`name = ${evil}`:                       `name = 'x'' OR 1=1; DROP TABLE t; --\'`,
		`a > ${n} and b = ${d} and c = ${x}`:   `a > (-7) and b = (12.50) and c = CAST('1.5' AS double precision)`,
		`a-${n}`:                               `a-(-7)`,
		`on = ${yes} or day >= ${when}`:        `on = TRUE or day >= CAST('2026-01-31' AS date)`,
		`a is not distinct from (${none})`:     `a is not distinct from (NULL)`,
		`a = '$${day}'`:                        `a = '${day}'`,
		`a = E'it\'s' and b = ${b}`:            `a = E'it\'s' and b = 'b'`,
		`a /* ${day} /* ' */ */ = ${b}`:        `a /* ${day} /* ' */ */ = 'b'`,
		"a -- it's ${day}\n= ${b}":             "a -- it's ${day}\n= 'b'",
		`a = $x$ ' ${day} $x$ || ${b}`:         `a = $x$ ' ${day} $x$ || 'b'`,
		`t like '%' || ${b} || '%' and "x" =1`: `t like '%' || 'b' || '%' and "x" =1`,
		`state in (${states}) or ( ${codes} )`: `state in ('paid', 'it''s') or ( (1), (2) )`,
		`key = ${token}`:                       `key = 'it''s canary-71c9'`,
	} {
		cfg, ps := bindTest(`{"where": ` + string(encode(sql, nil)) + `}`)
		if len(ps) > 0 || cfg.Where != want {
			t.Errorf("%s: %q, %v", sql, cfg.Where, ps)
		}
	}
	for sql, code := range map[string]string{
		`a = '${evil}'`: "parameter.quoted", `a like '%${evil}%'`: "parameter.quoted", `a = E'\'${evil}'`: "parameter.quoted", `a = 'it''s ${evil}'`: "parameter.quoted",
		`"${evil}" = 1`: "parameter.name", `col_${evil} = 1`: "parameter.name", `t.${evil} = 1`: "parameter.name", `${evil}.a = 1`: "parameter.name", `exists (select 1 from ${evil})`: "parameter.name",
		`a = ${evil}${evil}x`: "parameter.name", `a = ${evil`: "parameter.unclosed", `a = ${evli}`: "expr.unknown_parameter", `a = ${nul}`: "parameter.type", `a = ${bytes}`: "parameter.type",
		`a = ${unset}`: ParameterWaits, `a = 'open ${evil}`: "parameter.quoted", `a = E${evil}`: "parameter.name",
	} {
		if _, ps := bindTest(`{"where": ` + string(encode(sql, nil)) + `}`); len(ps) == 0 || ps[0].Code != code || ps[0].Path.Node != "n1" || ps[0].Path.Field != "where" {
			t.Errorf("%s: %v, want %s", sql, ps, code)
		}
	}
}

// TestBindRefused: a problem names the node, the setting and the parameter.
func TestBindRefused(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"count": {"parameter": "day"}}`:                                     `parameter.type at count: the parameter "day" is of type text and "Count" takes a whole number`,
		`{"on": {"parameter": "n"}}`:                                          `parameter.type at on: the parameter "n" is of type int64 and "On" takes true or false`,
		`{"count": {"parameter": "none"}}`:                                    `parameter.null at count: the parameter "none" is null and "Count" needs a value`,
		`{"choice": {"parameter": "day"}}`:                                    `config.enum at choice: "2026-01-31" is not a value of "Choice" (the value of the parameter "day")`,
		`{"names": {"parameter": "codes"}, "count": {"parameter": "states"}}`: `parameter.type at count: the parameter "states" is of type list<text> and "Count" takes a whole number`,
		`{"parts": {"parameter": "states"}}`:                                  `parameter.list at parts: the parameter "states" cannot be the whole of "Parts", whose items are more than values`,
		`{"text": "${states}"}`:                                               `parameter.type at text: the parameter "states" is of type list<text> and cannot be a part of a text`,
		`{"where": "a = ${states}"}`:                                          `parameter.list at where: the parameter "states" is a list and stands in parentheses of its own`,
		`{"where": "a in (${empty})"}`:                                        `parameter.list at where: the parameter "empty" is an empty list, which SQL has no form for`,
		`{"names": {"parameter": "day"}}`:                                     `parameter.type at names: the parameter "day" is of type text and "Names" takes a list`,
		`{"names": ["${dya}"]}`:                                               `expr.unknown_parameter at names[0]: there is no parameter "dya"`,
		`{"parts": [{"name": "${b}"}]}`:                                       `parameter.port at parts[0].name: the name of an output cannot come from a parameter: edges are drawn to it`,
		`{"where": {"parameter": "evil"}}`:                                    `parameter.statement at where: the parameter "evil" is a value and cannot be the whole of "Where"`,
		`{"text": "${bytes}"}`:                                                `parameter.type at text: the parameter "bytes" is of type bytes and cannot be a part of a text`,
		`{"text": "x-${token}"}`:                                              `parameter.secret at text: the parameter "token" is secret, and "Text" is shown to people or goes into records`,
		`{"query": "select ${token}"}`:                                        `parameter.secret at query: the parameter "token" is secret, and "Query" is shown to people or goes into records`,
		`{"limit": {"parameter": "token"}}`:                                   `parameter.secret at limit: the parameter "token" is secret, and "Limit" is shown to people or goes into records`,
		`{"text": "${run.idd}"}`:                                              `expr.unknown_parameter at text: there is no parameter "run.idd"`,
		`{"text": "${run.scheduled_at}"}`:                                     `parameter.type at text: run.scheduled_at is null and cannot be a part of a text`,
		`{"text": "${run.id:yyyy}"}`:                                          `parameter.format at text: run.id is of type text and has no format`,
		`{"text": "${run.started_at:}"}`:                                      `parameter.format at text: the format behind the colon is empty`,
		`{"text": "${run.started_at:YYYY}"}`:                                  `parameter.format at text: the format "YYYY" has a 'Y' that is no part of a date or a time`,
		`{"text": "${when:yyyy HH}"}`:                                         `parameter.format at text: the format "yyyy HH" has HH, and a date has not`,
		`{"count": {"parameter": "run.id"}}`:                                  `parameter.type at count: run.id is of type text and "Count" takes a whole number`,
		`{"text": "${unset}"}`:                                                `parameter.waits at text: the parameter "unset" has no value yet, so this node cannot be checked further`,
	} {
		_, ps := bindTest(raw)
		if len(ps) != 1 {
			t.Errorf("%s: %v", raw, ps)
			continue
		}
		if got := ps[0].Code + " at " + ps[0].Path.Field + ": " + ps[0].Message; got != want || ps[0].Path.Node != "n1" || ps[0].Suggestion == "" {
			t.Errorf("%s: %s\nwant %s (%s)", raw, got, want, ps[0].Suggestion)
		}
		if strings.Contains(ps.Error(), "canary") {
			t.Errorf("%s shows the secret: %v", raw, ps)
		}
	}
}

// FuzzBindSQL: outside of the value's own literal, the statement stays as it was written.
func FuzzBindSQL(f *testing.F) {
	for _, s := range []string{"a = ", "'", `"`, "$$", "/*", "--", "E'\\'", "$x$"} {
		f.Add(s, "it's", " or b")
	}
	f.Fuzz(func(t *testing.T, before, value, after string) {
		b := binder{node: "n", params: []expr.Param{{Name: "p", Type: flows.Of(flows.Text), Value: value, HasValue: true}}}
		got, ok := b.sql(before+"${p}"+after, reflect.StructField{}, "where")
		if literal := "'" + strings.ReplaceAll(value, "'", "''") + "'"; ok && !strings.Contains(before+after, "$") && got != before+literal+after && got != before+"${p}"+after {
			t.Errorf("%q", got)
		}
	})
}
