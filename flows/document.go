package flows

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
)

// Format is the number of the flow document format that this version writes. Older ones are upgraded on reading,
// newer ones refused.
const Format = 1

// Document limits: a document beyond them is refused before it is interpreted.
const (
	MaxDocumentBytes = 16 << 20
	MaxDocumentDepth = 100
	MaxNodes         = 10_000
)

// Flow is a flow document: the graph that people draw, with everything needed to run it. Members that this version
// does not know are kept in Extra at every level and written back unchanged.
type Flow struct {
	Format      int             `json:"format"`
	ID          string          `json:"id,omitempty"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  []Parameter     `json:"parameters,omitempty"`
	Settings    Settings        `json:"settings,omitzero"`
	Nodes       []Node          `json:"nodes"`
	Edges       []Edge          `json:"edges"`
	Layout      json.RawMessage `json:"layout,omitempty"` // positions and sizes: the editor's own
	Extra       Extra           `json:"-"`
}

// Extra holds the members of a JSON object that this version does not know.
type Extra map[string]json.RawMessage

// Parameter is a named, typed value that is given when a run starts and used in expressions as $name.
type Parameter struct {
	Name    string          `json:"name"`
	Type    Type            `json:"type"`
	Default json.RawMessage `json:"default,omitempty"` // absent: the run must give a value
	Title   string          `json:"title,omitempty"`
	// Secret values are sealed in the run, shown to nobody, and may stand only where no record can show them.
	Secret bool `json:"secret,omitempty"`
	// Environments has the values that stand in the place of the default in some environments.
	Environments map[string]json.RawMessage `json:"environments,omitempty"`
	Extra        Extra                      `json:"-"`
}

// RejectPolicy says what happens to a record that a node refuses.
type RejectPolicy string

// The reject policies.
const (
	RejectFail  RejectPolicy = "fail"   // the run fails at the first refused record
	RejectStore RejectPolicy = "reject" // refused records are counted and stored
	RejectSkip  RejectPolicy = "skip"   // refused records are counted and dropped
)

// Concurrency says what becomes of a run that is started while another one of its flow is not over.
type Concurrency string

// The ways to be started while another run goes on.
const (
	ConcurrencyQueue    Concurrency = "queue"    // it waits until those before it are over
	ConcurrencySkip     Concurrency = "skip"     // it is refused
	ConcurrencyParallel Concurrency = "parallel" // it runs beside the other ones
)

// Settings belong to the whole flow.
type Settings struct {
	Rejects     RejectPolicy `json:"rejects,omitempty"`     // default of every node; empty means fail
	MaxRejects  *int64       `json:"maxRejects,omitempty"`  // stored rejects at which a run stops; nil means 1,000, or 1 % of the records read, whichever is more
	NoCounts    bool         `json:"noCounts,omitempty"`    // gives the engine's optimizer its freedom back, without counts between the ends
	Concurrency Concurrency  `json:"concurrency,omitempty"` // empty means queue
	// MemoryMB is what a run may use of a server's memory, in MB; nil means what its size seems to need. A server gives no
	// more than its own limit.
	MemoryMB *int64 `json:"memoryMB,omitempty"`
	Extra    Extra  `json:"-"`
}

// Node is a box on the canvas.
type Node struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`    // node type such as file.input
	Version  int             `json:"version"` // of the node type's config
	Name     string          `json:"name,omitempty"`
	Disabled bool            `json:"disabled,omitempty"`
	Rejects  RejectPolicy    `json:"rejects,omitempty"` // empty: the flow's
	Notes    string          `json:"notes,omitempty"`
	Config   json.RawMessage `json:"config,omitempty"`
	Extra    Extra           `json:"-"`
}

// Title is the node's name, or its id where it has none.
func (n Node) Title() string {
	if n.Name != "" {
		return n.Name
	}
	return n.ID
}

// Edge leads from an output port to an input port.
type Edge struct {
	From      Endpoint `json:"from"`
	To        Endpoint `json:"to"`
	Extra     Extra    `json:"-"`
	FromExtra Extra    `json:"-"` // of the two ends, which stay comparable without them
	ToExtra   Extra    `json:"-"`
}

// Endpoint is a port of a node.
type Endpoint struct {
	Node string `json:"node"`
	Port string `json:"port"`
}

func (e Endpoint) String() string { return e.Node + "." + e.Port }

var (
	idPattern        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	parameterPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`) // what $name can spell in an expression
)

// ParseFlow reads a flow document. It refuses malformed JSON, duplicate members, unknown or newer formats and
// malformed identities with an *Error; what nodes mean is checked by the plan.
func ParseFlow(b []byte) (*Flow, error) {
	if err := checkJSON(b); err != nil {
		return nil, err
	}
	var head struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, documentError(b, err)
	}
	switch {
	case head.Format == nil:
		return nil, &Error{Code: "document.format", Message: "this is not a flow document: it has no format number",
			Suggestion: `a flow document begins with {"format": 1, …}`}
	case *head.Format > Format:
		return nil, &Error{Code: "document.newer", Params: Params{"format": *head.Format, "known": Format},
			Message:    fmt.Sprintf("the flow document has format %d and this version of Spark reads up to format %d", *head.Format, Format),
			Suggestion: "open it with a newer version of Spark"}
	case *head.Format < 1:
		return nil, &Error{Code: "document.format", Params: Params{"format": *head.Format},
			Message: fmt.Sprintf("%d is not a format number of a flow document", *head.Format), Suggestion: "the first format is 1"}
	}
	f := &Flow{}
	if err := json.Unmarshal(b, f); err != nil {
		return nil, documentError(b, placed(b, err))
	}
	if ps := f.check(); len(ps) > 0 {
		return nil, ps
	}
	return f, nil
}

// check finds what makes a document unreadable as a graph, whatever its nodes mean.
func (f *Flow) check() Problems {
	var ps Problems
	add := func(path Path, code, message, suggestion string) {
		ps = append(ps, &Error{Code: code, Path: path, Message: message, Suggestion: suggestion})
	}
	if len(f.Nodes) > MaxNodes {
		add(Path{}, "document.nodes", fmt.Sprintf("the flow has %d nodes and %d are allowed", len(f.Nodes), MaxNodes), "split it into several flows")
		return ps
	}
	seen := map[string]bool{}
	for i, n := range f.Nodes {
		where := Path{Field: fmt.Sprintf("nodes[%d]", i)}
		valid := idPattern.MatchString(n.ID)
		if valid {
			where.Node = n.ID
		}
		switch {
		case !valid:
			add(where, "document.node_id", fmt.Sprintf("%s is not a node id", quoted(n.ID)), "use 1 to 64 letters, digits, _ or -, beginning with a letter or digit")
		case seen[n.ID]:
			add(where, "document.node_id", fmt.Sprintf("two nodes have the id %q", n.ID), "give one of them another id")
		case n.Type == "":
			add(where, "document.node_type", "the node has no type", `set "type", such as "file.input"`)
		}
		if !n.Rejects.valid() {
			add(where, "document.rejects", fmt.Sprintf("%s is not a reject policy", quoted(string(n.Rejects))), "use fail, reject or skip")
		}
		seen[n.ID] = true
	}
	if !f.Settings.Rejects.valid() {
		add(Path{Field: "settings.rejects"}, "document.rejects", fmt.Sprintf("%s is not a reject policy", quoted(string(f.Settings.Rejects))), "use fail, reject or skip")
	}
	if !f.Settings.Concurrency.valid() {
		add(Path{Field: "settings.concurrency"}, "document.concurrency", fmt.Sprintf("%s does not say what becomes of a second run", quoted(string(f.Settings.Concurrency))), "use queue, skip or parallel")
	}
	if m := f.Settings.MemoryMB; m != nil && *m < MinMemoryMB {
		add(Path{Field: "settings.memoryMB"}, "document.memory", fmt.Sprintf("%d MB are too little memory for a run", *m), fmt.Sprintf("give it %d MB or more, or leave it out", MinMemoryMB))
	}
	names := map[string]bool{}
	for i, p := range f.Parameters {
		if names[p.Name] || !parameterPattern.MatchString(p.Name) || p.Type.Kind == Invalid {
			add(Path{Field: fmt.Sprintf("parameters[%d]", i)}, "document.parameter", fmt.Sprintf("the parameter %s has no valid name and type, or its name is taken", quoted(p.Name)),
				"give every parameter a name of letters, digits and _ of its own, and a type")
		}
		names[p.Name] = true
		if p.Secret && (len(p.Default) > 0 || len(p.Environments) > 0) {
			add(Path{Field: fmt.Sprintf("parameters[%d]", i)}, "document.parameter_secret", fmt.Sprintf("the secret parameter %s has a value in the document, where everybody reads it", quoted(p.Name)),
				"take the value out, and give it when a run is started")
		}
	}
	return ps
}

// MinMemoryMB is the least memory that a run can be limited to.
const MinMemoryMB = 128

func (c Concurrency) valid() bool {
	return c == "" || c == ConcurrencyQueue || c == ConcurrencySkip || c == ConcurrencyParallel
}

func (r RejectPolicy) valid() bool {
	return r == "" || r == RejectFail || r == RejectStore || r == RejectSkip
}

// Node returns the node with that id.
func (f *Flow) Node(id string) (Node, bool) {
	for _, n := range f.Nodes {
		if n.ID == id {
			return n, true
		}
	}
	return Node{}, false
}

// Above returns the ids of a node and of all nodes that its records may come from.
func (f *Flow) Above(id string) map[string]bool {
	from := map[string][]string{}
	for _, e := range f.Edges {
		from[e.To.Node] = append(from[e.To.Node], e.From.Node)
	}
	above := map[string]bool{}
	for next := []string{id}; len(next) > 0; {
		id := next[0]
		next = next[1:]
		if !above[id] {
			above[id] = true
			next = append(next, from[id]...)
		}
	}
	return above
}

// Canonical returns the document as canonical JSON: members in code point order with layout last on the top level,
// two spaces of indentation, numbers exactly as they were written, one newline at the end. Equal documents have
// equal bytes. One that has become too large to be read again is refused.
func (f *Flow) Canonical() ([]byte, error) {
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("flow document: %w", err)
	}
	return canonicalJSON(b, "layout")
}

// Hash identifies what the document does: SHA-256 of its canonical form without layout, in hexadecimal.
func (f *Flow) Hash() (string, error) {
	c := *f
	c.Layout = nil
	b, err := c.Canonical()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
