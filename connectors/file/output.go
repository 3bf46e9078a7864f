package file

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
)

// Output is the config of file.output.
type Output struct {
	Path        string          `json:"path" title:"File" help:"Path below a data folder; its folder must exist. ${name} is a parameter." required:"true" widget:"path" example:"out/orders.parquet"`
	Format      string          `json:"format,omitempty" title:"Format" help:"Empty: by the file's extension." enum:"csv|json|jsonl|parquet"`
	Compression string          `json:"compression,omitempty" title:"Compression" help:"Of the whole file. Empty: gzip where the name ends with .gz. Parquet compresses inside, by an option of its own." enum:"none|gzip"`
	Options     json.RawMessage `json:"options,omitempty" title:"Options" help:"How the file is written." widget:"options"`
	IfExists    string          `json:"ifExists" title:"If the file exists" help:"It is replaced when the new one is complete, or the run fails." enum:"replace|fail"`
}

// writeChecker is what a format's write options may offer: Plan then reports what it cannot write.
type writeChecker interface{ Check() error }

// schemaChecker is what write options offer whose format does not hold every type.
type schemaChecker interface {
	CheckSchema(flows.Schema) error
}

// Plan reports what is wrong and emits the writing.
func (out *Output) Plan(c *node.Context) {
	path := out.Path
	if path == "" {
		return
	}
	if strings.ContainsAny(path, "*?") {
		c.Problem("path", "file.name", "a pattern cannot be written to", "name one file")
		return
	}
	format := formatOf(c, out.Format, path)
	if format == nil {
		return
	}
	schema, known := c.Input(node.In)
	compress, ok := out.compression(c, format, path)
	ok = out.checkOptions(c, format, schema) && ok
	if out.IfExists != "replace" && out.IfExists != "fail" {
		ok = false // reported by its enum
	}
	if ok && known {
		c.Emit("", node.Write{Target: node.FileSink{Path: path, Format: format.Name, Compress: compress, Options: out.Options, IfExists: out.IfExists}}, schema)
	}
}

func (out *Output) compression(c *node.Context, format *node.Format, path string) (string, bool) {
	compress := out.Compression
	if compress == "" && isGzip(path) {
		compress = "gzip"
	}
	if compress == "none" {
		compress = ""
	}
	if compress != "" && !slices.Contains(format.Codecs, compress) {
		c.Problem("compression", "file.compression", fmt.Sprintf("a %s file cannot be compressed with %s as a whole", format.Title, compress), "choose none, and a name without .gz")
		return "", false
	}
	if (compress == "gzip") != isGzip(path) {
		c.Warn("compression", "file.compression", "the compression does not suit the name: File Input decompresses files whose name ends with .gz", "let the name end with .gz exactly when it is compressed")
	}
	return compress, true
}

func (out *Output) checkOptions(c *node.Context, format *node.Format, schema flows.Schema) bool {
	if format.WriteOptions == nil {
		return true
	}
	o := format.WriteOptions()
	if !c.DecodeOptions("options", &out.Options, o) {
		return false
	}
	ok := true
	if w, is := o.(writeChecker); is {
		if err := w.Check(); err != nil {
			c.Report("options", err)
			ok = false
		}
	}
	if w, is := o.(schemaChecker); is {
		if err := w.CheckSchema(schema); err != nil {
			c.Report("format", err)
			ok = false
		}
	}
	return ok
}

var _ node.PromisingTarget = (*Output)(nil)

// WritePromise says that a file is whole or not there.
func (out *Output) WritePromise() node.WritePromise {
	return node.WritePromise{Kind: node.WriteWhole, What: "file"}
}
