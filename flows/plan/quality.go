package plan

import (
	"fmt"
	"strings"

	"spark/flows/expr"
	"spark/flows/node"
)

// What the plan knows of the operator Expect.

func readByRules(op node.Expect) []string {
	var all []string
	for _, r := range op.Rules {
		all = append(all, readByAll(r.Unique)...)
		for _, e := range []expr.Expr{r.Broken, r.Some} {
			if e != nil {
				all = append(all, expr.Fields(e)...)
			}
		}
	}
	return all
}

func describeExpect(op node.Expect, in string) string {
	rules := make([]string, len(op.Rules))
	for i, r := range op.Rules {
		rules[i] = fmt.Sprintf("%s (else %s)", r.Message, r.Level)
	}
	return fmt.Sprintf("expect of %s: %s", in, strings.Join(rules, ", "))
}
