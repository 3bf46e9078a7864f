// Package file holds the node types File Input and File Output. What a file looks like inside is the business of the
// registered formats.
package file

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

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

func init() {
	node.Register(&node.Type{
		ID: "file.input", Version: 1, Title: "File Input",
		Summary:  "Reads records from CSV, JSON or Parquet files.",
		Category: node.CategorySource,
		Synonyms: []string{"CSV", "AWS S3", "JSON", "JSON lines", "Parquet", "TSV", "read", "load", "import", "open file", "source"},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Input{} },
		Files:    files("input"),
	})
	node.Register(&node.Type{
		ID: "file.output", Version: 1, Title: "File Output",
		Summary:  "Writes records to a CSV, JSON or Parquet file.",
		Category: node.CategoryOutput,
		Synonyms: []string{"CSV", "AWS S3", "JSON", "JSON lines", "Parquet", "write", "save", "export", "sink"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		New:      func() node.Config { return &Output{IfExists: "replace"} },
		Files:    files("output"),
	})
}

// formatOf finds the format of a setting or, where that is empty, of the file's extension; nil after reporting.
func formatOf(c *node.Context, name, file string) *node.Format {
	if name != "" {
		f, ok := node.LookupFormat(name)
		if !ok {
			c.Problem("format", "file.format", fmt.Sprintf("there is no file format %q", name), flows.DidYouMean(name, node.Formats()))
		}
		return f
	}
	if f := byExtension(file); f != nil {
		return f
	}
	c.Problem("format", "file.format", fmt.Sprintf("the name %q does not tell the file's format", path.Base(file)),
		"choose one of "+strings.Join(node.Formats(), ", "))
	return nil
}

func byExtension(file string) *node.Format {
	ext := strings.ToLower(path.Ext(trimGzip(file)))
	for _, name := range node.Formats() {
		if f, ok := node.LookupFormat(name); ok && ext != "" && slices.Contains(f.Extensions, ext) {
			return f
		}
	}
	return nil
}

func isGzip(file string) bool { return strings.HasSuffix(strings.ToLower(file), ".gz") }

func trimGzip(file string) string {
	if isGzip(file) {
		return file[:len(file)-len(".gz")]
	}
	return file
}
