package flows

import (
	"fmt"
	"time"
)

// Pin says which records of a node previews of a draft begin at instead of computing them. A run never does.
type Pin struct {
	Node        string       `json:"node"`
	Environment string       `json:"environment,omitempty"` // of the project, where the records were read
	Ports       []PinnedPort `json:"ports"`
	Rejects     int64        `json:"rejects,omitempty"` // refused records of the node that are pinned with the others
	Bytes       int64        `json:"bytes"`
	At          time.Time    `json:"at"` // when the records were read
	By          string       `json:"by"`
	// Changed says in which way the fields that the node has now differ from those of the records. Empty: in none, as far as
	// it can be told. It is not stored.
	Changed string `json:"changed,omitempty"`
}

// PinnedPort are the pinned records of an output port.
type PinnedPort struct {
	Port    string `json:"port"`
	Schema  Schema `json:"schema"`
	Records int64  `json:"records"`
	More    bool   `json:"more,omitempty"` // there are others
	Traced  bool   `json:"traced,omitempty"`
}

// PinnedRecords are a pin with its records.
type PinnedRecords struct {
	Pin
	// Batches are Arrow IPC streams by output port. Where the port is traced the origin of the records follows the fields.
	Batches map[string][]byte `json:"batches"`
	Refused []Reject          `json:"refused,omitempty"`
}

// MaxPin and MaxPinBytes bound what is pinned of one node: records of each output port, and bytes of all of them.
const (
	MaxPin      = 1000
	MaxPinBytes = 1 << 20
)

// Needed are the nodes that a preview of a node, or of all where id is empty, has to do with: what is above them, but nothing
// above a node that is pinned. A disabled node is as if it were not pinned.
func (f *Flow) Needed(id string, pinned func(string) bool) map[string]bool {
	from, read := map[string][]string{}, map[string]bool{}
	for _, e := range f.Edges {
		from[e.To.Node] = append(from[e.To.Node], e.From.Node)
		read[e.From.Node] = true
	}
	next := []string{id}
	if id == "" {
		next = nil
		for _, n := range f.Nodes {
			if !read[n.ID] {
				next = append(next, n.ID)
			}
		}
	}
	needed := map[string]bool{}
	for ; len(next) > 0; next = next[1:] {
		at := next[0]
		if needed[at] {
			continue
		}
		needed[at] = true
		if n, ok := f.Node(at); !pinned(at) || ok && n.Disabled {
			next = append(next, from[at]...)
		}
	}
	return needed
}

// UsedPins are those of some pins that a preview of a node, or of all where id is empty, begins at.
func (f *Flow) UsedPins(id string, pins []Pin) (used []Pin) {
	known := map[string]bool{}
	for _, p := range pins {
		known[p.Node] = true
	}
	needed := f.Needed(id, func(id string) bool { return known[id] })
	for _, p := range pins {
		if n, ok := f.Node(p.Node); ok && !n.Disabled && needed[p.Node] {
			used = append(used, p)
		}
	}
	return used
}

// Differs says in which way a schema is not that of a pinned port any more; "" where it is.
func (p PinnedPort) Differs(now Schema) string {
	for _, f := range p.Schema {
		g, ok := now.Find(f.Name)
		switch {
		case !ok:
			return fmt.Sprintf("the node has no field %q any more", f.Name)
		case !f.Type.Equal(g.Type):
			return fmt.Sprintf("the field %q is %s and was %s", f.Name, g.Type, f.Type)
		}
	}
	for _, f := range now {
		if _, ok := p.Schema.Find(f.Name); !ok {
			return fmt.Sprintf("the field %q is new", f.Name)
		}
	}
	return ""
}
