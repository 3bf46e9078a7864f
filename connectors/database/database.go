// Package database holds the node types Database Input and Database Output. What a database speaks is the business of the
// dialects that connection types have.
package database

import (
	"embed"
	"io/fs"
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
