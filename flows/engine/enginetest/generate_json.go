package enginetest

import (
	"bytes"
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// jsonText writes a value as the engine's JSON functions do.
func jsonText(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimRight(b.String(), "\n")
}

// jsonExtract reads a text that may be JSON, or an object that a Formula makes of a field.
func (g *generator) jsonExtract(in plan.Ref) {
	t := g.table(in)
	if len(t.rows) > 500 || len(t.schema) > 10 {
		return
	}
	if g.chance(35) {
		g.jsonEach(in)
		return
	}
	at := g.pick(len(t.schema))
	if t.schema[at].Type.Kind == flows.Text && g.chance(40) {
		g.extract(in, t, at, []string{"$", "$", "$.v", "$[0]"})
		return
	}
	if k := t.schema[at].Type.Kind; k != flows.Text && k != flows.Int64 {
		return
	}
	quoted := `"` + strings.ReplaceAll(t.schema[at].Name, `"`, `""`) + `"`
	made, out := g.valueTwice(in, quoted, at)
	g.extract(made, out, len(t.schema), []string{"$.v", "$.o['x y']", "$.o", "$.none", `$.o."x y".z`})
}

func (g *generator) extract(in plan.Ref, t *table, at int, paths []string) {
	doc := t.schema[at].Name
	var fields []map[string]string
	out := &table{schema: slices.Clone(t.schema), ordered: t.ordered}
	for range 1 + g.pick(3) {
		kind := []flows.Kind{flows.Int64, flows.Text}[g.pick(2)]
		f := map[string]string{"path": paths[g.pick(len(paths))], "name": g.name("x"), "type": kind.String()}
		for _, member := range []string{"missing", "null", "wrongType"} {
			if policy := []string{"", "null", "default", "reject", "reject"}[g.pick(5)]; policy != "" {
				f[member] = policy
			}
		}
		f["default"] = map[flows.Kind]string{flows.Int64: "-5", flows.Text: "'none'"}[kind]
		fields = append(fields, f)
		out.schema = append(out.schema, flows.Field{Name: f["name"], Type: flows.Of(kind)})
	}
	ref := g.add("json.extract", map[string]any{"field": doc, "fields": fields}, map[string]plan.Ref{node.In: in})
	for _, r := range t.rows {
		o := slices.Clone(r)
		code := ""
		if s, ok := r[at].(string); ok && !json.Valid([]byte(s)) {
			code = "json.invalid"
		}
		for i := 0; code == "" && i < len(fields); i++ {
			var v any
			v, code = extracted(fields[i], r[at], out.schema[len(t.schema)+i].Type.Kind)
			o = append(o, v)
			g.used["json "+code]++
		}
		if code != "" {
			ref.refuse(t.schema, r, blame{code, doc})
		} else {
			out.rows = append(out.rows, o)
		}
	}
	g.used["json extract"]++
	if ref.rejected > 0 {
		g.used["refused by json extract"]++
	}
	g.policy(ref)
	g.opened(ref, node.Out, out)
}

// extracted is what a field is of a valid text or null, or the code of its reject.
func extracted(f map[string]string, doc any, kind flows.Kind) (any, string) {
	v, is := lookInto(doc, f["path"])
	member, code := "", ""
	switch x, fits := fitting(v, kind); {
	case !is:
		member, code = "missing", "json.missing"
	case v == nil:
		member, code = "null", "json.null"
	case !fits:
		member, code = "wrongType", "json.wrong_type"
	default:
		return x, ""
	}
	policy := f[member]
	switch {
	case policy == "default" && kind == flows.Int64:
		return int64(-5), ""
	case policy == "default":
		return "none", ""
	case policy == "reject" || policy == "" && member == "wrongType":
		return nil, code
	}
	return nil, ""
}

func lookInto(doc any, path string) (v any, is bool) {
	s, ok := doc.(string)
	if !ok {
		return nil, false
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		panic(err)
	}
	keys := map[string][]string{"$": nil, "$.v": {"v"}, "$.o": {"o"}, "$.o['x y']": {"o", "x y"}, "$.p": {"p"}, "$.none": {"none"}, `$.o."x y".z`: {"o", "x y", "z"}}[path]
	if path == "$[0]" {
		list, _ := v.([]any) // such as a refused record
		if len(list) == 0 {
			return nil, false
		}
		return list[0], true
	}
	for _, k := range keys {
		members, _ := v.(map[string]any)
		if v, is = members[k]; !is {
			return nil, false
		}
	}
	return v, true
}

func fitting(v any, kind flows.Kind) (any, bool) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = v
	default:
		return nil, false
	}
	if kind == flows.Text {
		return s, true
	}
	n, ok := new(big.Int).SetString(strings.TrimPrefix(s, "+"), 10)
	if !ok || !n.IsInt64() {
		return nil, false
	}
	return n.Int64(), true
}
