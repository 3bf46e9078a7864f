// Package node is the kit that node types are made of, and their catalogue. A node type is one folder: a config
// struct with tags, from which the form, its validation and its help come; a Plan method that says in relational
// operators what the node means; help.md, icon.svg and examples that run as tests.
package node

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"sync"

	"spark/flows"
	"spark/flows/expr"
)

// Category decides where the palette lists a node type and the colour of its chip.
type Category string

// The categories.
const (
	CategorySource    Category = "source"
	CategoryTransform Category = "transform"
	CategoryCombine   Category = "combine"
	CategoryQuality   Category = "quality"
	CategoryControl   Category = "control"
	CategoryCode      Category = "code"
	CategoryOutput    Category = "output"
	CategoryNotify    Category = "notify"
)

// The names of ports that most node types use.
const (
	In      = "in"
	Out     = "out"
	Rejects = "rejects" // output: records that the node refused, always RejectSchema
)

// Port is an input or output of a node type.
type Port struct {
	Name, Title string
	Optional    bool // an input that need not be connected
	Many        bool // an input that takes any number of edges
}

// InputKey names what arrives at an input port by its i-th edge, from 0, in the order of the document's edges. By the
// first edge it is the port's name: most ports take one.
func InputKey(port string, i int) string {
	if i == 0 {
		return port
	}
	return fmt.Sprintf("%s#%d", port, i+1)
}

// InputPort is the port of a key.
func InputPort(key string) string {
	port, _, _ := strings.Cut(key, "#")
	return port
}

// Type describes a kind of node. ID and Version are persisted and never change their meaning.
type Type struct {
	ID       string   // such as "file.input"
	Version  int      // of the config, from 1
	Title    string   // what the palette shows
	Summary  string   // one sentence
	Category Category //
	Synonyms []string // names that people search for
	Inputs   []Port   // input ports
	Outputs  []Port   // output ports without rejects
	// PortsFrom is a member of the config, a list of objects: the name of each is an output port, before Outputs.
	PortsFrom string
	Rejects   bool // can refuse a record: has the rejects port
	// Policy is what happens to refused records where neither the node nor an edge says it; empty: what the flow says.
	Policy flows.RejectPolicy

	// Once: the output knows what it has committed of a run, so that the run may be executed again where nobody knows
	// whether it has committed.
	Once bool

	// New returns the config with its defaults.
	New func() Config
	// Upgrade[n] turns a config of version n into one of version n+1.
	Upgrade map[int]func(json.RawMessage) (json.RawMessage, error)
	// Files holds help.md, icon.svg and examples/*.json.
	Files fs.FS
}

// Config is a node type's settings. Plan reports what is wrong with them and emits what the node means.
type Config interface {
	Plan(c *Context)
}

// OutputsOf lists the output ports of a node with that config, without rejects. Names that are missing, or there
// already, make no port.
func (t *Type) OutputsOf(config json.RawMessage) []Port {
	if t.PortsFrom == "" {
		return t.Outputs
	}
	var members map[string]json.RawMessage
	var items []struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(config, &members) != nil || json.Unmarshal(members[t.PortsFrom], &items) != nil {
		return t.Outputs // Load reports it
	}
	var ports []Port
	for _, item := range items {
		_, fixed := find(t.Outputs, item.Name)
		_, twice := find(ports, item.Name)
		if item.Name != "" && item.Name != Rejects && !fixed && !twice {
			ports = append(ports, Port{Name: item.Name, Title: item.Name, Optional: true})
		}
	}
	return append(ports, t.Outputs...)
}

// Input returns the named input port.
func (t *Type) Input(name string) (Port, bool) { return find(t.Inputs, name) }

func find(ports []Port, name string) (Port, bool) {
	i := slices.IndexFunc(ports, func(p Port) bool { return p.Name == name })
	if i < 0 {
		return Port{}, false
	}
	return ports[i], true
}

// Help returns the node type's help page in Markdown.
func (t *Type) Help() string { return t.file("help.md") }

// Icon returns the node type's icon as SVG.
func (t *Type) Icon() string { return t.file("icon.svg") }

func (t *Type) file(name string) string {
	b, err := fs.ReadFile(t.Files, name)
	if err != nil {
		return ""
	}
	return string(b)
}

var catalogue struct {
	sync.RWMutex
	types       map[string]*Type
	formats     map[string]*Format
	locations   []*Location
	connections map[string]*ConnectionType
}

// Register adds a node type to the catalogue. It panics on an incomplete type or a taken id.
func Register(t *Type) {
	catalogue.Lock()
	defer catalogue.Unlock()
	switch {
	case t.ID == "" || t.Version < 1 || t.Title == "" || t.New == nil || t.Files == nil:
		panic(fmt.Sprintf("node type %q is incomplete", t.ID))
	case catalogue.types[t.ID] != nil:
		panic(fmt.Sprintf("node type %q is registered twice", t.ID))
	case t.Help() == "" || t.Icon() == "":
		panic(fmt.Sprintf("node type %q lacks help.md or icon.svg", t.ID))
	}
	if catalogue.types == nil {
		catalogue.types = map[string]*Type{}
	}
	catalogue.types[t.ID] = t
}

// Lookup returns the node type with that id.
func Lookup(id string) (*Type, bool) {
	catalogue.RLock()
	defer catalogue.RUnlock()
	t, ok := catalogue.types[id]
	return t, ok
}

// Types returns the catalogue in order of id.
func Types() []*Type {
	catalogue.RLock()
	defer catalogue.RUnlock()
	ts := make([]*Type, 0, len(catalogue.types))
	for _, t := range catalogue.types {
		ts = append(ts, t)
	}
	slices.SortFunc(ts, func(a, b *Type) int { return strings.Compare(a.ID, b.ID) })
	return ts
}

// Load reads the config of a node: upgraded to the newest version, the values of parameters in their places (see Bind),
// defaults filled in. Problems have the path of the member. Unknown members are warnings: they stay in the document. One
// with code ParameterWaits says that the config is not to be used yet.
func Load(n flows.Node, params []expr.Param) (*Type, Config, flows.Problems) {
	t, ok := Lookup(n.Type)
	if !ok {
		ids := make([]string, 0, 32)
		for _, t := range Types() {
			ids = append(ids, t.ID)
		}
		return nil, nil, flows.Problems{{Code: "node.unknown_type", Params: flows.Params{"type": n.Type}, Path: flows.Path{Node: n.ID},
			Message: fmt.Sprintf("there is no node type %q", n.Type), Suggestion: flows.DidYouMean(n.Type, ids)}}
	}
	raw, err := t.upgrade(n)
	if err != nil {
		return t, nil, flows.Problems{err}
	}
	cfg := t.New()
	b := binder{node: n.ID, params: params, ports: t.PortsFrom}
	bound := b.bind(raw, reflect.TypeOf(cfg).Elem())
	if len(b.problems) > 0 { // what is not bound cannot be read as what it is meant to be
		return t, cfg, b.problems
	}
	return t, cfg, b.name(decodeConfig(n.ID, bound, cfg))
}

func (t *Type) upgrade(n flows.Node) (json.RawMessage, *flows.Error) {
	raw := n.Config
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	v := n.Version
	if v == 0 {
		v = 1
	}
	if v > t.Version {
		return nil, &flows.Error{Code: "node.newer", Params: flows.Params{"type": t.ID, "version": v, "known": t.Version}, Path: flows.Path{Node: n.ID},
			Message:    fmt.Sprintf("the node was made with version %d of %s and this Spark knows up to version %d", v, t.Title, t.Version),
			Suggestion: "open the flow with a newer version of Spark"}
	}
	for ; v < t.Version; v++ {
		up := t.Upgrade[v]
		if up == nil {
			return nil, &flows.Error{Code: "node.upgrade", Path: flows.Path{Node: n.ID}, Message: fmt.Sprintf("version %d of %s can no longer be read", v, t.Title)}
		}
		var err error
		if raw, err = up(raw); err != nil {
			return nil, &flows.Error{Code: "node.upgrade", Path: flows.Path{Node: n.ID}, Cause: err,
				Message: fmt.Sprintf("the settings could not be upgraded from version %d of %s: %v", v, t.Title, err)}
		}
	}
	return raw, nil
}
