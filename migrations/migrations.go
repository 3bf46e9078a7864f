// Package migrations holds the schema of the metadata database, once per dialect. A released file never changes:
// a later one corrects it. Both folders have the same version numbers.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed sqlite/*.sql
var sqlite embed.FS

//go:embed postgres/*.sql
var postgres embed.FS

// SQLite returns the migrations of the embedded database.
func SQLite() fs.FS { return sub(sqlite, "sqlite") }

// Postgres returns the migrations for PostgreSQL.
func Postgres() fs.FS { return sub(postgres, "postgres") }

func sub(f embed.FS, folder string) fs.FS {
	s, err := fs.Sub(f, folder)
	if err != nil {
		panic(err) // the folder is a constant
	}
	return s
}
