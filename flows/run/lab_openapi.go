package run

import (
	"context"

	"spark/flows"
	"spark/flows/node"
)

// Operations answers what an OpenAPI document describes. One that is given by its address is fetched, with the connection of
// the node as it is in the environment.
func (l *Lab) Operations(ctx context.Context, scope flows.Scope, environment string, q node.OperationsQuestion) (o flows.Operations, err error) {
	if q.Text == "" && q.Address == "" {
		return o, &flows.Error{Code: "openapi.missing", Message: "there is neither a document nor the address of one", Suggestion: "paste the document, choose a file, or write its address"}
	}
	if environment, err = environmentOf(ctx, l.Environments, scope, environment); err != nil {
		return o, err
	}
	if q.Connection != "" && l.Connections != nil {
		if q.Connections, err = l.Connections.Resolve(ctx, scope, environment, []string{q.Connection}); err != nil {
			return o, err
		}
	}
	err = l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		o, err = b.Operations(ctx, q)
		return err
	})
	return o, err
}
