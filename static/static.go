// Package static holds the built front end: dist is made by `make web` (npm run build) and ignored by Git. Without it
// everything but the editor works, and the pages say what to do.
package static

import (
	"embed"
	"encoding/json"
	"io/fs"
	"path"
)

//go:embed all:dist
var files embed.FS

// Icon is the picture of Spark in a browser's tab.
//
//go:embed spark.svg
var Icon []byte

// Entry is what a page needs of a built entry: its script and the styles of everything that the script imports.
type Entry struct {
	Script string
	Styles []string
}

// chunk is an entry of Vite's manifest.
type chunk struct {
	File    string   `json:"file"`
	CSS     []string `json:"css"`
	Imports []string `json:"imports"`
}

// Bundle is a built front end.
type Bundle struct {
	FS       fs.FS
	manifest map[string]chunk
}

// Built is the embedded front end.
func Built() *Bundle {
	dist, err := fs.Sub(files, "dist")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return Open(dist)
}

// Open reads the manifest of a folder. Without one nothing was built.
func Open(dist fs.FS) *Bundle {
	b := &Bundle{FS: dist}
	text, err := fs.ReadFile(dist, ".vite/manifest.json")
	if err != nil || json.Unmarshal(text, &b.manifest) != nil {
		b.manifest = nil
	}
	return b
}

// Entry finds the files of an entry by its source, such as web/editor/src/main.tsx; false where it was not built.
func (b *Bundle) Entry(source string) (e Entry, built bool) {
	c, ok := b.manifest[source]
	if !ok {
		return e, false
	}
	if path.Ext(c.File) == ".css" {
		return Entry{Styles: []string{at(c.File)}}, true
	}
	e.Script = at(c.File)
	b.styles(source, map[string]bool{}, &e)
	return e, true
}

func (b *Bundle) styles(source string, seen map[string]bool, e *Entry) {
	if seen[source] {
		return
	}
	seen[source] = true
	c := b.manifest[source]
	for _, i := range c.Imports {
		b.styles(i, seen, e)
	}
	for _, file := range c.CSS {
		e.Styles = append(e.Styles, at(file))
	}
}

func at(file string) string { return "/static/" + file }
