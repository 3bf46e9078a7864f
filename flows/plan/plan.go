// Package plan compiles a flow document: it validates every node, resolves the schema at every port, and cuts the
// graph into stages that an engine executes as units. A plan holds relational operators and typed expressions, never
// an engine's language.
package plan

import (
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

// Ref names a relation: the records that leave an output port of a node.
type Ref struct{ Node, Port string }

func (r Ref) String() string { return r.Node + "." + r.Port }

// Plan is a compiled flow.
type Plan struct {
	Flow   *flows.Flow
	Nodes  []*Node // in topological order, disabled ones and what depends on them left out
	Stages []*Stage
	Engine string
	// Skipped nodes with the reason.
	Skipped map[string]string
	// Schemas of every port that is known, also where other nodes have problems.
	Schemas map[Ref]flows.Schema
	Params  []expr.Param // the parameters, then the facts of the run
	// Driving are the sources of which a preview reads the first records only: one, or one per edge of a port with many.
	Driving []string
	// Incremental are the sources that may go on where an earlier run has ended.
	Incremental []string
	// Keeps are relations that the engine hands to whoever keeps them for the next preview.
	Keeps []Ref

	unsized  bool                        // the size of a source is not known
	traced   map[Ref]bool                // see origins
	preview  string                      // node that the plan is a preview of
	watched  map[Ref]bool                // relations of which a preview shows every field
	whole    map[Ref]bool                // relations that a preview computes to their end
	untraced map[Ref]bool                // kept relations without the origin of their records
	samples  map[string]flows.SampleMode // see Options
	dialect  func(string) node.Dialect   // see Options
	narrowed map[string]bool             // see Narrowed
	drawn    map[Ref]Ref                 // see Drawn
	dry      bool                        // nothing is written
	sampled  bool                        // a run on the sample
	pinned   map[string]bool             // nodes whose records are pinned
	carried  map[string]bool             // nodes that replayed records pass; nil: no replay
}

// Node is a planned node.
type Node struct {
	flows.Node
	Kind         *node.Type
	Outputs      []node.Port    // its output ports, without rejects
	Inputs       map[string]Ref // relation at each connected input, by node.InputKey
	InputSchemas map[string]flows.Schema
	Results      map[string]node.Result // what each output port means; sinks use port ""
	Policy       flows.RejectPolicy     // resolved: node, connected rejects port, flow
}

// Find returns the planned node with that id, nil where it is skipped.
func (p *Plan) Find(id string) *Node {
	for _, n := range p.Nodes {
		if n.ID == id {
			return n
		}
	}
	return nil
}

// Options steer the compilation.
type Options struct {
	Parameters map[string]string // given values as text
	// Environment chooses the values that parameters have of their own there; "": their defaults.
	Environment string
	Lookup      node.Describer // nil: without looking at data
	Engines     []Engine       // in order of preference; empty: no engine is chosen
	Validate    bool           // only check: parameters without a value are no problem
	Until       string         // node that the run ends at: nodes that it does not need are skipped; "": all nodes run
	// Preview is the number of records that are read of the driving source of Until; sinks are not executed. 0: a run.
	Preview int64
	// Samples say which records of a driving source a preview reads; of others it reads the first.
	Samples map[string]flows.SampleMode
	// Dialect is that of a connection, nil where it has none. Without it nothing is left to databases.
	Dialect func(connection string) node.Dialect
	// Sample is the number of records that are read of every driving source by a run that writes nothing. 0: a run, or a preview.
	Sample int64
	// Pins are records of nodes, in the place of what they and the nodes above them would put out. A run has none.
	Pins map[string]Pinned
	// PinOutputs keeps the outputs of a previewed node instead of its inputs.
	PinOutputs bool
	// Kept returns what an earlier preview kept of a relation. It is asked of the inputs of Until; nil: nothing is.
	Kept func(*Plan, Ref) (Kept, bool)
	// Facts of the run; nil where there is none: then others stand in for them.
	Facts *flows.RunFacts
	// Replay lets refused records go through the flow again, and no others.
	Replay *Replay
}

// Engine is what the plan needs to know of an engine.
type Engine interface {
	Name() string
	// Supports returns "" or why the engine cannot execute the operator.
	Supports(node.Op) string
}

// Compile validates and plans a flow. All problems are returned at once; the plan is usable as far as it is known
// (schemas) even when there are some, and executable when problems.Failed() is false.
func Compile(f *flows.Flow, o Options) (*Plan, flows.Problems) {
	c := &compiler{flow: f, options: o, plan: &Plan{Flow: f, Skipped: map[string]string{}, Schemas: map[Ref]flows.Schema{}},
		types: map[string]*node.Type{}, ended: map[Ref]string{}, configs: map[string]node.Config{}, passthrough: map[string]bool{}}
	c.exclude()
	c.parameters()
	c.load()
	c.edges()
	order := c.order()
	for _, id := range order {
		c.planNode(id)
	}
	if len(f.Nodes) == 0 {
		c.add(&flows.Error{Code: "flow.empty", Message: "the flow has no nodes", Suggestion: "add an input, such as Sample Data"})
	}
	if o.Replay != nil && !c.problems.Failed() {
		if e := c.plan.replay(o.Replay); e != nil {
			c.add(e)
		}
	}
	for _, n := range c.plan.Nodes {
		if read, ok := n.Results[node.Out].Op.(node.Read); ok {
			if s, ok := read.Source.(node.IncrementalSource); ok && s.Incremental() {
				c.plan.Incremental = append(c.plan.Incremental, n.ID)
			}
		}
	}
	c.plan.dialect = o.Dialect
	if !c.problems.Failed() {
		if o.Sample > 0 {
			c.plan.samples = o.Samples
			c.problems = append(c.problems, c.plan.onSample(o.Sample)...)
		}
		if o.Preview > 0 {
			c.plan.samples = o.Samples
			c.problems = append(c.problems, c.plan.capped(o.Until, o.Preview)...)
			switch {
			case c.problems.Failed():
			case o.PinOutputs:
				c.plan.keepOutputs(o.Until)
			case o.Kept != nil:
				c.plan.resume(o.Until, o.Kept)
			}
		}
		c.chooseEngine()
	}
	if !c.problems.Failed() {
		c.plan.cut()
		c.plan.estimate(func(path string) int64 {
			if o.Lookup == nil {
				return 0
			}
			return o.Lookup.Bytes(path)
		})
	}
	return c.plan, c.problems
}

type compiler struct {
	flow        *flows.Flow
	options     Options
	plan        *Plan
	problems    flows.Problems
	types       map[string]*node.Type
	configs     map[string]node.Config
	passthrough map[string]bool           // disabled nodes that hand their input on
	inputs      map[string]map[string]Ref // by node and node.InputKey
	connected   map[Ref]int               // edges that leave a port
	broken      map[string]bool
	ended       map[Ref]string  // node at which the records of a relation lost their origin, "" where they have one
	excluded    map[string]bool // nodes that a run to Options.Until does not need
}

func (c *compiler) add(e *flows.Error) { c.problems = append(c.problems, e) }

// load finds the type and reads the config of every node.
func (c *compiler) load() {
	c.broken = map[string]bool{}
	for _, n := range c.flow.Nodes {
		if c.excluded[n.ID] {
			continue
		}
		t, cfg, ps := node.Load(n, c.plan.Params)
		c.problems = append(c.problems, c.waiting(ps)...)
		if ps.Failed() || node.Waits(ps) {
			c.broken[n.ID] = true
		}
		c.types[n.ID], c.configs[n.ID] = t, cfg
		c.passthrough[n.ID] = n.Disabled && t != nil && len(t.Inputs) == 1 && !t.Inputs[0].Many && len(t.OutputsOf(n.Config)) > 0
	}
}

// edges checks both ends of every edge and collects what arrives at each input port.
func (c *compiler) edges() {
	c.inputs, c.connected = map[string]map[string]Ref{}, map[Ref]int{}
	for i, e := range c.flow.Edges {
		if c.excluded[e.To.Node] {
			continue
		}
		at := flows.Path{Field: fmt.Sprintf("edges[%d]", i)}
		if !c.edgeEnd(at, e.From, "output") || !c.edgeEnd(at, e.To, "input") {
			continue
		}
		if c.inputs[e.To.Node] == nil {
			c.inputs[e.To.Node] = map[string]Ref{}
		}
		key, message := c.arrival(e)
		if message != "" {
			c.add(&flows.Error{Code: "edge.superfluous", Path: flows.Path{Node: e.To.Node, Port: e.To.Port, Field: at.Field},
				Message: message, Suggestion: "remove one of them"})
			continue
		}
		c.inputs[e.To.Node][key] = Ref(e.From)
		c.connected[Ref(e.From)]++
	}
}

// arrival is the key of what an edge brings, or why its port does not take it.
func (c *compiler) arrival(e flows.Edge) (key, message string) {
	arrived := c.inputs[e.To.Node]
	many := false
	if t := c.types[e.To.Node]; t != nil {
		p, _ := t.Input(e.To.Port)
		many = p.Many
	}
	for i := 0; ; i++ {
		key = node.InputKey(e.To.Port, i)
		from, taken := arrived[key]
		switch {
		case !taken:
			return key, ""
		case !many:
			return "", "two edges lead to one input port"
		case from == Ref(e.From):
			return "", "two edges lead from the same output to this port"
		}
	}
}

func (c *compiler) edgeEnd(at flows.Path, end flows.Endpoint, side string) bool {
	n, ok := c.flow.Node(end.Node)
	if !ok {
		ids := make([]string, len(c.flow.Nodes))
		for i, n := range c.flow.Nodes {
			ids[i] = n.ID
		}
		c.add(&flows.Error{Code: "edge.unknown_node", Path: at, Params: flows.Params{"node": end.Node},
			Message: fmt.Sprintf("the edge's %s is at the node %q, which does not exist", side, end.Node), Suggestion: flows.DidYouMean(end.Node, ids)})
		return false
	}
	t := c.types[n.ID]
	if t == nil {
		return true // an unknown type was reported; its ports cannot be known
	}
	var names []string
	var found bool
	if side == "input" {
		_, found = t.Input(end.Port)
		for _, p := range t.Inputs {
			names = append(names, p.Name)
		}
	} else {
		for _, p := range t.OutputsOf(n.Config) {
			names = append(names, p.Name)
		}
		if t.Rejects {
			names = append(names, node.Rejects)
		}
		found = slices.Contains(names, end.Port)
	}
	if !found {
		at.Node, at.Port = n.ID, end.Port
		c.add(&flows.Error{Code: "edge.unknown_port", Path: at, Params: flows.Params{"port": end.Port},
			Message: fmt.Sprintf("%s has no %s port %q", t.Title, side, end.Port), Suggestion: flows.DidYouMean(end.Port, names)})
	}
	return found
}

// order sorts the nodes topologically, in document order where there is a choice, and reports cycles.
func (c *compiler) order() []string {
	var order []string
	done := map[string]bool{}
	for progress := true; progress; {
		progress = false
		for _, n := range c.flow.Nodes {
			ready := !done[n.ID]
			for _, up := range c.inputs[n.ID] {
				ready = ready && done[up.Node]
			}
			if ready {
				order, done[n.ID], progress = append(order, n.ID), true, true
			}
		}
	}
	if len(order) == len(c.flow.Nodes) {
		return order
	}
	cycle := c.cycle(done)
	c.add(&flows.Error{Code: "flow.cycle", Path: flows.Path{Node: cycle[0]}, Params: flows.Params{"nodes": cycle},
		Message: fmt.Sprintf("the edges run in a circle: %s", joinArrows(append(cycle, cycle[0]))), Suggestion: "remove one of these edges"})
	return order
}

// cycle follows unfinished inputs upstream until a node repeats.
func (c *compiler) cycle(done map[string]bool) []string {
	var at string
	for _, n := range c.flow.Nodes {
		if !done[n.ID] {
			at = n.ID
			break
		}
	}
	var path []string
	for !slices.Contains(path, at) {
		path = append(path, at)
		ports := make([]string, 0, 2)
		for p, up := range c.inputs[at] {
			if !done[up.Node] {
				ports = append(ports, p)
			}
		}
		slices.Sort(ports)
		at = c.inputs[at][ports[0]].Node
	}
	cycle := path[slices.Index(path, at):]
	slices.Reverse(cycle)
	first := slices.Index(cycle, slices.Min(cycle))
	return append(append([]string{}, cycle[first:]...), cycle[:first]...)
}

func joinArrows(ids []string) string {
	s := ids[0]
	for _, id := range ids[1:] {
		s += " → " + id
	}
	return s
}
