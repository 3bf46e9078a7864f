// Package stop is the node type Stop: it fails the run when a record arrives that must not be.
package stop

import (
	"embed"
	"fmt"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Stop.
type Config struct {
	Condition string `json:"condition,omitempty" title:"Condition" widget:"condition" help:"The run fails at the first record for which this is true. Empty: at the first record." example:"customer_id is null"`
	Message   string `json:"message" title:"Message" required:"true" widget:"expression" help:"What the run says, a text that may use the fields of the record." example:"'order without customer: ' || order_id"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "stop", Version: 1, Title: "Stop", Category: node.CategoryControl,
		Summary:  "Fails the run, with a message, when a record arrives that must not be.",
		Synonyms: []string{"terminate", "fail", "abort", "assert", "raise error", "throw"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records", Optional: true}},
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

// Plan checks both expressions.
func (s *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	op := node.Stop{Message: c.Expr("message", s.Message, in)}
	if s.Condition == "" {
		op.Cond = c.Expr("condition", "true", in)
	} else {
		op.Cond = c.Condition("condition", s.Condition, in)
	}
	if op.Message == nil || op.Cond == nil {
		return
	}
	if op.Message.Type().Kind != flows.Text {
		c.Problem("message", "expr.type", fmt.Sprintf("the message is of type %s and must be a text", op.Message.Type()), "write one in quotes, such as 'an order has no customer'")
		return
	}
	for field, e := range map[string]expr.Expr{"condition": op.Cond, "message": op.Message} {
		if expr.Fallible(e) {
			c.Problem(field, "stop.fallible", "the "+field+" cannot be computed for every record", "compute it in a Formula before, where such records can be refused")
			return
		}
	}
	c.Emit(node.Out, op, in)
}
