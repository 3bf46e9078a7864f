package run

import (
	"context"

	"spark/flows"
)

// Environments are those of the projects.
type Environments interface {
	// Environment returns the name of an environment that exists: of the default one where name is empty.
	Environment(ctx context.Context, scope flows.Scope, name string) (string, error)
	// Key is the name that an environment had first, by which targets know it.
	Key(ctx context.Context, scope flows.Scope, name string) (string, error)
}

// environmentOf is the environment that a question or a run takes place in.
func environmentOf(ctx context.Context, es Environments, scope flows.Scope, name string) (string, error) {
	if es == nil {
		return name, nil
	}
	return es.Environment(ctx, scope, name)
}
