// Package database holds the node types Database Input and Database Output. What a database speaks is the business of the
// dialects that connection types have.
package database

import (
	"embed"
	"fmt"
	"io/fs"

	"spark/flows"
	"spark/flows/node"
)

//go:embed input output
var embedded embed.FS

func files(dir string) fs.FS {
	sub, err := fs.Sub(embedded, dir)
	if err != nil {
		panic(err)
	}
	return sub
}

// connect finds the connection of a node and its dialect.
func connect(cs node.Connections, name string) (node.Connection, node.Dialect, error) {
	c, err := cs.Connection(name)
	if err != nil {
		return c, nil, flows.AsError(err).At(flows.Path{Field: "connection"})
	}
	if c.Type.Dialect == nil {
		return c, nil, &flows.Error{Code: "connection.no_database", Path: flows.Path{Field: "connection"},
			Message: fmt.Sprintf("%s is a connection to %s, which is no database", name, c.Type.Title), Suggestion: "choose a connection to a database"}
	}
	return c, c.Type.Dialect, nil
}
