// Package xmljson is the node type XML ↔ JSON: a text that is XML becomes JSON, or JSON becomes XML.
package xmljson

import (
	"embed"
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
	"spark/internal/xmljson"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of an XML ↔ JSON.
type Config struct {
	Field       string   `json:"field" title:"Field" required:"true" widget:"field" help:"A text that is XML; or JSON, as a text or of type json." example:"response"`
	To          string   `json:"to" title:"Becomes" enum:"json|xml"`
	As          string   `json:"as,omitempty" title:"Into" help:"The field that the result stands in. Empty: in the place of what it is made of." example:"document"`
	Arrays      []string `json:"arrays,omitempty" title:"Always arrays" widget:"texts" showIf:"to=json" help:"Elements that are arrays also where there is only one: a name, or a path from the root." example:"/orders/order"`
	Mixed       string   `json:"mixed,omitempty" title:"Text beside elements" enum:"refuse|join" showIf:"to=json" help:"JSON does not know where between the elements it stood. refuse: the record is refused. join: all of it becomes one text. Empty: refuse."`
	Root        string   `json:"root,omitempty" title:"Root element" showIf:"to=xml" help:"Stands around everything. Empty: the JSON is an object with one member, which is the root." example:"order"`
	Declaration bool     `json:"declaration,omitempty" title:"XML declaration" showIf:"to=xml" help:"Begins with <?xml version=\"1.0\" encoding=\"UTF-8\"?>."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "xml.json", Version: 1, Title: "XML ↔ JSON", Category: node.CategoryTransform,
		Summary:  "Makes JSON of a text that is XML, or XML of JSON.",
		Synonyms: []string{"XML to JSON", "JSON to XML", "XML Parser", "parse xml", "xml2json", "build xml", "SOAP", "XML Transformer"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Config{To: "json"} },
		Files:    files,
	})
}

// Plan checks the field and emits the projection.
func (x *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	f, ok := c.Field("field", x.Field, in)
	if !ok {
		return
	}
	if k := f.Type.Kind; k != flows.Text && (k != flows.JSON || x.To == "json") {
		c.Problem("field", "xml.type", fmt.Sprintf("%q is of type %s and not a text", f.Name, f.Type), "choose another field; bytes become text with decode_utf8(…) in a Formula")
		return
	}
	fn, code, message := writing(x.Root, x.Declaration), "json.to_xml", "has no form in XML"
	if x.To == "json" {
		fn, code, message = reading(x.Arrays, x.Mixed == "join"), "xml.invalid", "is no XML that can be read"
	} else if x.Root != "" && !isName(x.Root) {
		c.Problem("root", "xml.name", fmt.Sprintf("%q cannot be the name of an element", x.Root), "begin with a letter or _; letters, digits, -, _ and . may follow")
		return
	}
	var op node.Project
	known, schema := slices.Clone(in), slices.Clone(in)
	for _, f := range in {
		op.Columns = append(op.Columns, node.Column{Name: f.Name, Expr: c.FieldRef(f.Name, in)})
	}
	value, failed := op.Native(fn, &known, c.Expr("field", "cast("+expr.FieldName(f.Name)+" as text)", in))
	op.Checks = []node.Check{{Cond: c.Expr("field", failed+" is not null", known), Field: f.Name, Code: code, Message: f.Name + " " + message, Why: c.Expr("field", failed, known)}}
	if x.To == "json" {
		value = "try_cast(" + value + " as json)"
	}
	made := node.Column{Name: x.As, Expr: c.Expr("field", value, known)}
	if made.Name == "" {
		made.Name = f.Name
	}
	if at := in.Index(made.Name); at >= 0 {
		op.Columns[at], schema[at].Type = made, made.Expr.Type()
	} else {
		op.Columns, schema = append(op.Columns, made), append(schema, flows.Field{Name: made.Name, Type: made.Expr.Type()})
	}
	c.Emit(node.Out, op, schema)
}

// reading makes JSON of XML.
func reading(arrays []string, join bool) *expr.Native {
	return &expr.Native{Name: "xml_to_json", Call: func(dst []byte, args []string) ([]byte, error) {
		return xmljson.Append(dst, args[0], arrays, join)
	}}
}
