package run

import (
	"context"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// Connections resolves the connections of a project.
type Connections interface {
	// Resolve returns the named connections as they are in an environment, with their secrets, for a process that works
	// with them. Names that there are none of are left out, those that lead nowhere in the environment say so (see
	// node.ConnectionSpec): whoever uses one reports it.
	Resolve(ctx context.Context, scope flows.Scope, environment string, names []string) (node.ConnectionSet, error)
}

// connectionsOf resolves the connections that a document names with these values of its parameters, as they are in an
// environment; cs may be nil where there are none.
func connectionsOf(ctx context.Context, cs Connections, scope flows.Scope, doc *flows.Flow, environment string, parameters map[string]string) (node.ConnectionSet, error) {
	names := node.ConnectionNames(doc, plan.Values(doc, environment, parameters))
	if cs == nil || len(names) == 0 {
		return node.ConnectionSet{}, nil
	}
	return cs.Resolve(ctx, scope, environment, names)
}
