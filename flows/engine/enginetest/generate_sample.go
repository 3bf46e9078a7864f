package enginetest

import (
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"spark/flows/node"
	"spark/flows/plan"
)

// sample takes rows by chance: by their number where the interpreter knows it, else by what they hold.
func (g *generator) sample(in plan.Ref) {
	t := g.table(in)
	seed, by, names := g.pick(5), []int(nil), []string{}
	config := map[string]any{"by": "share", "seed": seed}
	out, rest := &table{schema: t.schema, ordered: t.ordered}, &table{schema: t.schema, ordered: t.ordered}
	streams := true
	switch {
	case t.ordered && g.chance(50):
		by, names = g.groupFields(t.schema)
		n := 1 + g.pick(5)
		config["by"], config["number"], config["groupBy"] = "number", n, names
		out.ordered, rest.ordered, streams = false, false, false
		g.sampleNumber(t, out, rest, by, seed, n)
		g.used["sample number"]++
	default:
		if by, names = g.groupFields(t.schema); len(by) == 0 && !t.ordered {
			return
		}
		share := float64(1 + g.pick(100))
		config["share"], config["alike"] = share, names
		for n, r := range t.rows {
			text := fmt.Sprint(n + 1)
			if len(by) > 0 {
				text = fingerprint(r, by)
			}
			to := rest
			if float64(lot(seed, text)) <= share/100*math.MaxInt64 {
				to = out
			}
			to.rows = append(to.rows, r)
		}
		g.used["sample share"]++
	}
	ref := g.add("sample.records", config, map[string]plan.Ref{node.In: in})
	ref.streams = streams
	if g.chance(80) {
		g.opened(ref, node.Out, out)
	}
	if len(ref.ports) == 0 || g.chance(40) {
		g.opened(ref, "rest", rest)
		g.used["sample rest"]++
	}
}

// sampleNumber takes the n rows of each group with the smallest lots.
func (g *generator) sampleNumber(t, out, rest *table, by []int, seed, n int) {
	numbered := make([]row, len(t.rows))
	last := len(t.schema)
	for i, r := range t.rows {
		numbered[i] = append(slices.Clone(r), lot(seed, fmt.Sprint(i+1)))
		g.follows(numbered[i], r)
	}
	for _, rs := range groups(numbered, by) {
		slices.SortFunc(rs, func(a, b row) int { return cmp.Compare(a[last].(int64), b[last].(int64)) })
		for i, r := range rs {
			to := rest
			if i < n {
				to = out
			}
			to.rows = append(to.rows, r[:last])
		}
	}
}

// lot is the number that a text draws: hash64 of it with the seed before it.
func lot(seed int, text string) int64 {
	sum := md5.Sum(fmt.Appendf(nil, "%d:%s", seed, text))
	return int64(binary.LittleEndian.Uint64(sum[:8]) &^ (1 << 63))
}
