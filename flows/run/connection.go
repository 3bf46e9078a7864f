package run

import (
	"context"

	"spark/flows"
	"spark/flows/node"
)

// Connections resolves the connections of a project.
type Connections interface {
	// Resolve returns the named connections with their secrets, for a process that works with them. Names that there are
	// none of are left out: whoever uses one says so.
	Resolve(ctx context.Context, scope flows.Scope, names []string) (node.ConnectionSet, error)
}

// connectionsOf resolves the connections that a document names; cs may be nil where there are none.
func connectionsOf(ctx context.Context, cs Connections, scope flows.Scope, doc *flows.Flow) (node.ConnectionSet, error) {
	names := node.ConnectionNames(doc)
	if cs == nil || len(names) == 0 {
		return node.ConnectionSet{}, nil
	}
	return cs.Resolve(ctx, scope, names)
}
