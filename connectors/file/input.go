package file

import (
	"encoding/json"
	"fmt"

	"spark/flows"
	"spark/flows/node"
)

// Input is the config of file.input.
type Input struct {
	Path              string           `json:"path" title:"File" help:"Path below a data folder. * and ? match within a name, ** any folders; ${name} is a parameter." required:"true" widget:"path" example:"orders/*.csv"`
	Format            string           `json:"format,omitempty" title:"Format" help:"Empty: by the file's extension." enum:"csv|json|jsonl|parquet"`
	Fields            []node.FileField `json:"fields,omitempty" title:"Fields" help:"What is read, with explicit types. Inspecting the file proposes them; nothing is guessed while running." widget:"fields"`
	Options           json.RawMessage  `json:"options,omitempty" title:"Options" help:"How the file is read." widget:"options"`
	FileNameField     string           `json:"fileNameField,omitempty" title:"File name field" help:"Adds a field with the path of the file that a record comes from." advanced:"true"`
	RecordNumberField string           `json:"recordNumberField,omitempty" title:"Record number field" help:"Adds a field with the number of the record in its file, from 1." advanced:"true"`
}

// Plan reports what is wrong and emits the reading.
func (in *Input) Plan(c *node.Context) {
	path := in.Path
	if path == "" {
		return // reported
	}
	format := formatOf(c, in.Format, path)
	if format == nil {
		return
	}
	ok := in.checkNames(c)
	if format.ReadOptions != nil {
		ok = c.DecodeOptions("options", &in.Options, format.ReadOptions()) && ok
	}
	if format.Typed && isGzip(path) {
		c.Problem("path", "file.compressed", fmt.Sprintf("%s files are compressed inside; one that is compressed as a whole cannot be read", format.Title), "decompress it first")
		ok = false
	}
	if !ok {
		return
	}
	src, err := format.NewSource(node.FileScan{Path: path, Fields: in.Fields, Options: in.Options, Rejects: c.Node.Rejects,
		FileNameField: in.FileNameField, RecordField: in.RecordNumberField})
	if err != nil {
		c.Report("", err)
		return
	}
	if schema, ok := in.schema(c, format, path); ok {
		c.Emit(node.Out, node.Read{Source: src, Schema: schema}, schema)
	}
}

// checkNames checks what every format needs of its fields.
func (in *Input) checkNames(c *node.Context) bool {
	ok := true
	var names []string
	for _, f := range in.Fields {
		names = append(names, f.Name) // an empty one is reported as required
	}
	extra := func(field, name string) {
		if name != "" {
			names = append(names, name)
			ok = c.Unique(field, names) && ok
		}
	}
	ok = c.Unique("fields", names)
	extra("fileNameField", in.FileNameField)
	extra("recordNumberField", in.RecordNumberField)
	for i, f := range in.Fields {
		if f.Name == "" || f.Type.Kind == flows.Invalid {
			ok = false
			if f.Type.Kind == flows.Invalid && f.Name != "" {
				c.Problem(fmt.Sprintf("fields[%d].type", i), "config.required", fmt.Sprintf("the field %q has no type", f.Name), "choose one")
			}
		}
	}
	return ok
}

func (in *Input) schema(c *node.Context, format *node.Format, path string) (flows.Schema, bool) {
	var schema flows.Schema
	if len(in.Fields) == 0 { // a typed format: others have refused that
		if c.Lookup == nil {
			c.Problem("fields", "file.fields_unknown", "the fields of the file are not known here", "inspect the file once, so that its fields are stored in the node")
			return nil, false
		}
		var err error
		if schema, err = c.Lookup.Describe(format.Name, path, in.Options); err != nil {
			c.Report("path", err)
			return nil, false
		}
	}
	for _, f := range in.Fields {
		schema = append(schema, flows.Field{Name: f.Name, Type: f.Type})
	}
	if in.FileNameField != "" {
		schema = append(schema, flows.Field{Name: in.FileNameField, Type: flows.Of(flows.Text)})
	}
	if in.RecordNumberField != "" {
		schema = append(schema, flows.Field{Name: in.RecordNumberField, Type: flows.Of(flows.Int64)})
	}
	return schema, true
}
