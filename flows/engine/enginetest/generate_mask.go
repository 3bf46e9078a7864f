package enginetest

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// mask hides a text or a number.
func (g *generator) mask(in plan.Ref) {
	t := g.table(in)
	at := g.pick(len(t.schema))
	if k := t.schema[at].Type.Kind; k != flows.Text && k != flows.Int64 {
		return
	}
	how, keep := []string{"sha256", "md5", "pseudonym", "last", "first", "replace"}[g.pick(6)], g.pick(4)
	config := map[string]any{"name": t.schema[at].Name, "how": how, "salt": "it's", "keep": keep, "with": "#"}
	ref := g.add("mask", map[string]any{"fields": []map[string]any{config}}, map[string]plan.Ref{node.In: in})
	out := &table{schema: slices.Clone(t.schema), ordered: t.ordered}
	out.schema[at].Type = flows.Of(flows.Text)
	for _, r := range t.rows {
		o := slices.Clone(r)
		if how == "replace" {
			o[at] = "#"
		} else if r[at] != nil {
			o[at] = masked(fmt.Sprint(r[at]), how, keep)
		}
		out.rows = append(out.rows, o)
	}
	g.used["mask"]++
	g.opened(ref, node.Out, out)
}

func masked(s, how string, keep int) string {
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte("it's"+s)))
	chars := []rune(s)
	if len(chars) <= keep {
		keep = 0
	}
	hidden := strings.Repeat("#", len(chars)-keep)
	switch how {
	case "sha256":
		return hash
	case "md5":
		return fmt.Sprintf("%x", md5.Sum([]byte(s)))
	case "pseudonym":
		return "p" + hash[:16]
	case "last":
		return hidden + string(chars[len(chars)-keep:])
	}
	return string(chars[:keep]) + hidden
}
