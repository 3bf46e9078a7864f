// Package switchnode is the node type Switch: every record leaves by the port of the case that it fits.
package switchnode

import (
	"embed"
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// otherwise is the port of records that fit no case.
const otherwise = "otherwise"

// Config are the settings of a Switch.
type Config struct {
	Cases []Case `json:"cases" title:"Cases" required:"true" widget:"cases" help:"Each case is an output of the node. Records that fit none leave by otherwise."`
	Match string `json:"match" title:"A record goes to" enum:"first|all" help:"first: the first case whose condition is true. all: every case whose condition is true."`
}

// Case is one output.
type Case struct {
	Name      string `json:"name" title:"Name" required:"true" example:"large"`
	Condition string `json:"condition" title:"Condition" required:"true" widget:"condition" example:"amount > 1000"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "switch", Version: 1, Title: "Switch", Category: node.CategoryControl,
		Summary:   "Sends every record to the case whose condition it fits.",
		Synonyms:  []string{"router", "case", "route", "conditional split", "if else"},
		Inputs:    []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:   []node.Port{{Name: otherwise, Title: "Otherwise", Optional: true}},
		PortsFrom: "cases",
		Rejects:   true,
		New:       func() node.Config { return &Config{Match: "first"} },
		Files:     files,
	})
}

// Plan checks the cases and emits a filter for each. All of them compute the same conditions, so that each refuses the
// same records.
func (s *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	conds := make([]expr.Expr, 0, len(s.Cases))
	names := map[string]bool{otherwise: true, node.Rejects: true}
	for i, k := range s.Cases {
		at := fmt.Sprintf("cases[%d]", i)
		if names[k.Name] {
			c.Problem(at+".name", "switch.name", fmt.Sprintf("there is another output named %q", k.Name), "choose another name")
			continue
		}
		names[k.Name] = true
		if e := c.Condition(at+".condition", k.Condition, in); e != nil && k.Name != "" {
			conds = append(conds, e)
		}
	}
	if len(conds) == 0 || len(conds) < len(s.Cases) {
		return
	}
	filter := firstMatch
	if s.Match == "all" {
		filter = allMatches
	}
	for i, k := range s.Cases {
		emit(c, k.Name, filter(conds, i), in)
	}
	emit(c, otherwise, filter(conds, len(conds)), in)
}

func emit(c *node.Context, port, src string, in flows.Schema) {
	if e := c.Expr("cases", src, in); e != nil {
		c.Emit(port, node.Filter{Cond: e}, in)
	}
}

// firstMatch is the condition that a record fits the i-th case and none before; the last one is otherwise.
func firstMatch(conds []expr.Expr, i int) string {
	var b strings.Builder
	b.WriteString("case")
	for n, e := range conds {
		fmt.Fprintf(&b, " when %s then %d", e, n)
	}
	fmt.Fprintf(&b, " else %d end = %d", len(conds), i)
	return b.String()
}

// allMatches is the condition that a record fits the i-th case, or none for the last one. Conditions that can fail are
// computed in all of them.
func allMatches(conds []expr.Expr, i int) string {
	var parts []string
	for n, e := range conds {
		if n != i && expr.Fallible(e) {
			parts = append(parts, fmt.Sprintf("((%s) is null or true)", e))
		}
	}
	for n, e := range conds {
		switch i {
		case n:
			parts = append(parts, fmt.Sprintf("coalesce(%s, false)", e))
		case len(conds):
			parts = append(parts, fmt.Sprintf("not coalesce(%s, false)", e))
		}
	}
	return strings.Join(parts, " and ")
}
