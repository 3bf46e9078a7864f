package node

import (
	"encoding/json"
	"testing"

	"spark/flows"
	"spark/flows/expr"
)

func TestValueJSON(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Value[int64]{
		`5`:                    Lit[int64](5),
		`null`:                 {},
		`{"parameter": "p"}`:   {Parameter: "p"},
		`{"expression": "$p"}`: {Expression: "$p"},
		` {"secret":"s"} `:     {Secret: "s"},
	} {
		var v Value[int64]
		if err := json.Unmarshal([]byte(raw), &v); err != nil || v != want {
			t.Errorf("%s: %+v, %v", raw, v, err)
		}
		b, err := json.Marshal(v)
		var again Value[int64]
		if err != nil || json.Unmarshal(b, &again) != nil || again != v {
			t.Errorf("%s is written as %s, %v", raw, b, err)
		}
	}
	for _, raw := range []string{`"5"`, `{}`, `{"parameter": ""}`, `{"parameter": "p", "secret": "s"}`, `{"parameter": "p", "other": 1}`, `{"parameter": 5}`, `5.5`, `[5]`} {
		var v Value[int64]
		if err := json.Unmarshal([]byte(raw), &v); err == nil {
			t.Errorf("%s: accepted as %+v", raw, v)
		}
	}
}

// TestValueOfObjects: an object that names no reference is the literal of a setting that is an object.
func TestValueOfObjects(t *testing.T) {
	t.Parallel()
	var v Value[map[string]int]
	if err := json.Unmarshal([]byte(`{"a": 1}`), &v); err != nil || v.Literal["a"] != 1 || !v.IsLiteral() {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	params := []expr.Param{{Name: "n", Type: flows.Of(flows.Int64), Value: int64(7), HasValue: true}, {Name: "small", Type: flows.Of(flows.Int8), Value: int64(1), HasValue: true},
		{Name: "word", Type: flows.Of(flows.Text), Value: "x", HasValue: true}, {Name: "unset", Type: flows.Of(flows.Int64)}}
	for name, c := range map[string]struct {
		value Value[int64]
		want  int64
		code  string
	}{
		"literal":                   {Lit[int64](5), 5, ""},
		"parameter":                 {Value[int64]{Parameter: "n"}, 7, ""},
		"parameter of a small type": {Value[int64]{Parameter: "small"}, 1, ""},
		"expression: a literal":     {Value[int64]{Expression: "12"}, 12, ""},
		"expression: a parameter":   {Value[int64]{Expression: "$n"}, 7, ""},
		"expression: more":          {Value[int64]{Expression: "$n + 1"}, 0, "config.expression"},
		"expression: broken":        {Value[int64]{Expression: "("}, 0, "expr.syntax"},
		"parameter of another type": {Value[int64]{Parameter: "word"}, 0, "config.type"},
		"parameter without value":   {Value[int64]{Parameter: "unset"}, 0, "parameter.missing"},
		"parameter that is not":     {Value[int64]{Parameter: "m"}, 0, "expr.unknown_parameter"},
		"secret":                    {Value[int64]{Secret: "s"}, 0, "config.secret"},
	} {
		ctx := NewContext(flows.Node{ID: "n1"}, nil, params, nil)
		got, ok := Resolve(ctx, "size", c.value)
		_, ps := ctx.Results()
		code := ""
		if len(ps) > 0 {
			code = ps[0].Code
			if ps[0].Path.Node != "n1" || ps[0].Path.Field != "size" {
				t.Errorf("%s: at %+v", name, ps[0].Path)
			}
		}
		if got != c.want || code != c.code || ok != (c.code == "") {
			t.Errorf("%s: %d, %q, %t", name, got, code, ok)
		}
	}
}
