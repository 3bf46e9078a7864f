package plan

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

// planNode asks one node what it means, once its inputs are known.
func (c *compiler) planNode(id string) {
	n, _ := c.flow.Node(id)
	t := c.types[id]
	if pin, ok := c.options.Pins[id]; ok && !n.Disabled && !c.excluded[id] {
		c.planPinned(n, t, pin)
		return
	}
	if reason := c.skip(n, t); reason != "" {
		c.plan.Skipped[id] = reason
		return
	}
	inputs, known := c.inputSchemas(n, t)
	if c.passthrough[id] {
		if s, ok := inputs[t.Inputs[0].Name]; ok {
			c.plan.Schemas[Ref{id, t.OutputsOf(n.Config)[0].Name}] = s
		}
		return
	}
	if t == nil || c.broken[id] || !known {
		c.broken[id] = true
		return
	}
	ctx := node.NewContext(n, inputs, c.plan.Params, c.options.Lookup)
	ctx.NoOrigin = c.noOrigin(id)
	c.configs[id].Plan(ctx)
	results, ps := ctx.Results()
	c.problems = append(c.problems, ps...)
	for port, r := range results {
		switch {
		case port == "": // a sink has no schema of its own
		case c.checkSchema(id, r.Schema):
			c.plan.Schemas[Ref{id, port}] = r.Schema
		default:
			c.broken[id] = true
		}
	}
	if t.Rejects {
		c.plan.Schemas[Ref{id, node.Rejects}] = node.RejectSchema
	}
	if ps.Failed() || len(results) == 0 || c.broken[id] {
		c.broken[id] = true
		return
	}
	resolved := map[string]Ref{}
	for port, up := range c.inputs[id] {
		resolved[port] = c.through(up)
	}
	c.traceNode(id, results, resolved)
	c.plan.Nodes = append(c.plan.Nodes, &Node{Node: n, Kind: t, Outputs: t.OutputsOf(n.Config), Inputs: resolved, InputSchemas: inputs, Results: results, Policy: c.policy(n, t)})
}

// through follows disabled nodes that hand their input on.
func (c *compiler) through(r Ref) Ref {
	for c.passthrough[r.Node] {
		r = c.inputs[r.Node][c.types[r.Node].Inputs[0].Name]
	}
	return r
}

// skip tells why a node does not run although nothing is wrong with it.
func (c *compiler) skip(n flows.Node, t *node.Type) string {
	if c.excluded[n.ID] && c.options.Until == "" {
		return "pinned records stand for what it puts out"
	}
	if c.excluded[n.ID] {
		return fmt.Sprintf("the run ends at %s", c.until().Title())
	}
	if n.Disabled && !c.passthrough[n.ID] {
		return "disabled"
	}
	for _, port := range slices.Sorted(maps.Keys(c.inputs[n.ID])) {
		up := c.inputs[n.ID][port]
		if reason, skipped := c.plan.Skipped[up.Node]; skipped {
			return fmt.Sprintf("its input %s is skipped: %s", up.Node, reason)
		}
		if c.passthrough[up.Node] {
			above, _ := c.flow.Node(up.Node)
			if up.Port != c.types[up.Node].OutputsOf(above.Config)[0].Name {
				return fmt.Sprintf("its input %s is disabled", up.Node)
			}
		}
	}
	return ""
}

// inputSchemas collects the schema of each input and reports missing ones. known is false where a problem upstream
// hides a schema.
func (c *compiler) inputSchemas(n flows.Node, t *node.Type) (map[string]flows.Schema, bool) {
	schemas, known := map[string]flows.Schema{}, true
	for port, up := range c.inputs[n.ID] {
		if s, ok := c.plan.Schemas[up]; ok {
			schemas[port] = s
		} else {
			known = false
		}
	}
	if t == nil {
		return schemas, known
	}
	for _, p := range t.Inputs {
		if _, ok := c.inputs[n.ID][p.Name]; !ok && !p.Optional {
			known = false
			c.add(&flows.Error{Code: "edge.missing", Path: flows.Path{Node: n.ID, Port: p.Name},
				Message: fmt.Sprintf("nothing is connected to the input %q of %s", p.Name, t.Title), Suggestion: "draw an edge to it from another node's output"})
		}
	}
	return schemas, known
}

// checkSchema reports field names that cannot be, in structs too.
func (c *compiler) checkSchema(id string, s flows.Schema) bool {
	if len(s) == 0 {
		c.add(&flows.Error{Code: "schema.empty", Path: flows.Path{Node: id}, Message: "its records would have no field", Suggestion: "keep at least one field"})
		return false
	}
	code, what := nameProblem(s, true)
	if code != "" {
		c.add(&flows.Error{Code: code, Path: flows.Path{Node: id}, Message: what, Suggestion: "rename the field"})
	}
	return code == ""
}

// nameProblem finds the first name that cannot be. Engines compare names without regard to capitals.
func nameProblem(fields []flows.Field, top bool) (code, what string) {
	seen := map[string]bool{}
	for _, f := range fields {
		lower := strings.ToLower(f.Name)
		switch {
		case f.Name == "":
			return "schema.name", "a field has no name"
		case top && strings.HasPrefix(lower, node.ReservedPrefix):
			return "schema.name", fmt.Sprintf("field names may not begin with %s", node.ReservedPrefix)
		case strings.ContainsRune(f.Name, 0):
			return "schema.name", fmt.Sprintf("the field name %q contains a NUL character", f.Name)
		case seen[lower]:
			return "schema.duplicate_field", fmt.Sprintf("two output fields are named %q, capitals aside", f.Name)
		}
		seen[lower] = true
		if code, what := typeProblem(f); code != "" {
			return code, what
		}
	}
	return "", ""
}

// typeProblem looks at the names inside of a field's type.
func typeProblem(f flows.Field) (code, what string) {
	t := f.Type
	for t.Kind == flows.List {
		t = *t.Elem
	}
	if t.Kind != flows.Struct {
		return "", ""
	}
	if len(t.Fields) == 0 {
		return "schema.empty", fmt.Sprintf("the struct in the field %q has no field", f.Name)
	}
	return nameProblem(t.Fields, false)
}

func (c *compiler) policy(n flows.Node, t *node.Type) flows.RejectPolicy {
	switch {
	case !t.Rejects:
		return flows.RejectFail // what it refuses is no record that could be stored, such as a sum
	case c.connected[Ref{n.ID, node.Rejects}] > 0:
		return flows.RejectStore
	case n.Rejects != "":
		return n.Rejects
	case t.Policy != "":
		return t.Policy
	case c.flow.Settings.Rejects != "":
		return c.flow.Settings.Rejects
	}
	return flows.RejectFail
}

// parameters turns the given texts and the defaults into typed values.
func (c *compiler) parameters() {
	names := make([]string, 0, len(c.flow.Parameters))
	for i, p := range c.flow.Parameters {
		names = append(names, p.Name)
		ep, err := valueOf(p, c.options.Environment, c.options.Parameters)
		if err == nil && !ep.HasValue && c.mustHave(p.Name) {
			err = &flows.Error{Code: "parameter.missing", Message: fmt.Sprintf("the parameter %q has no value", p.Name), Suggestion: "give it one when the run is started, or a default"}
		}
		if err != nil {
			c.add(flows.AsError(err).At(flows.Path{Field: fmt.Sprintf("parameters[%d]", i), Column: p.Name}))
		}
		c.plan.Params = append(c.plan.Params, ep)
	}
	facts := standIns(c.flow, c.options.Environment)
	if facts.Unscheduled = c.options.Validate; c.options.Facts != nil {
		facts = *c.options.Facts
	}
	c.plan.Params = append(c.plan.Params, expr.FactParams(facts)...)
	for _, name := range slices.Sorted(maps.Keys(c.options.Parameters)) {
		if !slices.Contains(names, name) {
			c.add(&flows.Error{Code: "parameter.unknown", Params: flows.Params{"parameter": name}, Message: fmt.Sprintf("the flow has no parameter %q", name),
				Suggestion: flows.DidYouMean(name, names)})
		}
	}
}

// mustHave reports whether a parameter needs a value: for a run it does, for a preview where an expression on the way uses
// it. Settings that wait for one say so themselves.
func (c *compiler) mustHave(name string) bool {
	if c.options.Validate || c.options.Preview == 0 {
		return !c.options.Validate
	}
	inExpression := regexp.MustCompile(`\$` + regexp.QuoteMeta(name) + `\b`)
	return slices.ContainsFunc(c.flow.Nodes, func(n flows.Node) bool { return !c.excluded[n.ID] && inExpression.Match(n.Config) })
}

// waiting is what settings that wait for a value are where nothing comes that could bring it: an error of a preview. For a run
// the parameter itself was reported.
func (c *compiler) waiting(ps flows.Problems) flows.Problems {
	var out flows.Problems
	for _, p := range ps {
		switch {
		case p.Code != node.ParameterWaits || c.options.Validate:
			out = append(out, p)
		case c.options.Preview > 0:
			e := *p
			e.Severity = ""
			out = append(out, &e)
		}
	}
	return out
}

// chooseEngine takes the first engine that executes every operator.
func (c *compiler) chooseEngine() {
	var why flows.Problems
	for _, e := range c.options.Engines {
		found := len(why)
		for _, n := range c.plan.Nodes {
			for _, r := range n.Results {
				if reason := e.Supports(r.Op); reason != "" {
					why = append(why, &flows.Error{Code: "engine.unsupported", Path: flows.Path{Node: n.ID}, Params: flows.Params{"engine": e.Name()},
						Message: fmt.Sprintf("%s cannot run on %s: %s", n.Kind.Title, e.Name(), reason)})
				}
			}
		}
		if len(why) == found {
			c.plan.Engine = e.Name()
			return
		}
	}
	c.problems = append(c.problems, why...)
}
