package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"spark/flows/expr"
	"spark/flows/node"
)

// What the plan knows of the operators Pick, Draw, Window, Unnest and Elements.

func fallibleColumn(c node.WindowColumn) bool { return c.Arg != nil && expr.Fallible(c.Arg) }

func readByPick(op node.Pick) []string {
	return append(readByAll(op.Keys), readByOrder(op.Order)...)
}

// readByWindow: a column that nobody reads is computed only where it may refuse the record.
func readByWindow(op node.Window, needed []string) []string {
	all := append(readByAll(op.Groups), readByOrder(op.Order)...)
	computed := map[string]bool{}
	for _, c := range op.Columns {
		computed[c.Name] = true
		if c.Arg != nil && (slices.Contains(needed, c.Name) || fallibleColumn(c)) {
			all = append(all, expr.Fields(c.Arg)...)
		}
	}
	return append(all, without(needed, computed)...)
}

// readByUnnest: also the lists that nobody reads decide how many records there are.
func readByUnnest(op node.Unnest, needed []string) []string {
	var all []string
	computed := map[string]bool{op.Position: true}
	for _, c := range op.Lists {
		computed[c.Name] = true
		all = append(all, expr.Fields(c.Expr)...)
	}
	return append(all, without(needed, computed)...)
}

func without(names []string, left map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return left[n] })
}

func readByAll(es []expr.Expr) []string {
	var all []string
	for _, e := range es {
		all = append(all, expr.Fields(e)...)
	}
	return all
}

func readByOrder(keys []node.SortKey) []string {
	var all []string
	for _, k := range keys {
		all = append(all, expr.Fields(k.Expr)...)
	}
	return all
}

func guessPick(op node.Pick, in float64) float64 {
	picked := in * 0.9
	if len(op.Keys) == 0 {
		picked = min(in, float64(op.Count))
	}
	if op.Rest {
		return in - picked
	}
	return picked
}

func guessDraw(op node.Draw, in float64) float64 {
	share := float64(op.Most) / math.MaxInt64
	if op.Rest {
		share = 1 - share
	}
	return in * share
}

func lots(op node.Draw) string {
	which := "up to"
	if op.Rest {
		which = "beyond"
	}
	return fmt.Sprintf("lots %s %.4g with seed %d", which, float64(op.Most)/math.MaxInt64, op.Seed)
}

func describePick(op node.Pick, in string) string {
	which, per := "first", ""
	if op.Last {
		which = "last"
	}
	if op.Rest {
		which = "all but the " + which
	}
	if len(op.Keys) > 0 {
		per = " of each " + texts(op.Keys)
	}
	how := by(op.Order)
	if op.Shuffle {
		how = fmt.Sprintf(" at random with seed %d", op.Seed)
	}
	return fmt.Sprintf("pick %s: %s %d%s%s", in, which, op.Count, per, how)
}

func describeWindow(op node.Window, in string) string {
	parts := make([]string, len(op.Columns))
	for i, c := range op.Columns {
		parts[i] = c.Name + " = " + describeColumn(c)
	}
	within := ""
	if len(op.Groups) > 0 {
		within = " within " + texts(op.Groups)
	}
	return fmt.Sprintf("window %s%s%s: %s", in, within, by(op.Order), strings.Join(parts, ", "))
}

func describeColumn(c node.WindowColumn) string {
	var arg string
	if c.Arg != nil {
		arg = c.Arg.String()
	}
	switch c.Func {
	case node.WindowValue:
		return arg
	case node.WindowAggregate:
		if c.Whole {
			return arg + " of the group"
		}
		return arg + " so far"
	case node.WindowNumber:
		return fmt.Sprintf("%s from %d", c.Func, c.Offset)
	case node.WindowLag, node.WindowLead:
		return fmt.Sprintf("%s %d of %s", c.Func, c.Offset, arg)
	}
	return strings.TrimSpace(string(c.Func) + " " + arg)
}

func describeProject(op node.Project, in string) string {
	s := fmt.Sprintf("project %s: %s", in, columns(op.Columns))
	if len(op.Shared) > 0 {
		s += ", where " + columns(op.Shared)
	}
	return s + refusals(op.Checks)
}

func refusals(checks []node.Check) (s string) {
	for _, k := range checks {
		s += fmt.Sprintf(", refusing %s", k.Cond)
	}
	return s
}

// describeElements: first what is said of the record, then what is said of the element.
func describeElements(op node.Elements, in string) string {
	s := fmt.Sprintf("elements %s: %s as %s at %s", in, op.List, op.Item, op.Position)
	if op.KeepEmpty {
		s += ", keep empty"
	}
	if len(op.Record.Shared) > 0 {
		s += ", where " + columns(op.Record.Shared)
	}
	return s + refusals(op.Record.Checks) + "; " + describeProject(op.Each, "each")
}

func describeUnnest(op node.Unnest, in string) string {
	s := fmt.Sprintf("unnest %s: %s", in, columns(op.Lists))
	if op.Position != "" {
		s += " at " + op.Position
	}
	if op.KeepEmpty {
		s += ", keep empty"
	}
	if op.DropNull {
		s += ", drop null"
	}
	return s
}

func by(keys []node.SortKey) string {
	if len(keys) == 0 {
		return ""
	}
	return " by " + order(keys)
}

func texts(es []expr.Expr) string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = e.String()
	}
	return strings.Join(parts, ", ")
}
