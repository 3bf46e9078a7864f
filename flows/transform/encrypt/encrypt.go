// Package encrypt is the node type Encrypt / Decrypt: AES-GCM with keys from secret parameters.
package encrypt

import (
	"embed"
	"fmt"
	"regexp"
	"slices"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of an Encrypt / Decrypt.
type Config struct {
	Do     string   `json:"do" title:"What to do" enum:"encrypt|decrypt"`
	Fields []string `json:"fields" title:"Fields" required:"true" widget:"fieldnames" help:"Each is changed in its place. A null stays null." example:"card_number"`
	Keys   []Key    `json:"keys" title:"Keys" required:"true" help:"The first one encrypts. Decrypt takes the one whose name stands before the value, so that older keys can stay behind it."`
}

// Key is a key under its name.
type Key struct {
	Name string      `json:"name" title:"Name" required:"true" help:"Stands before every value that it encrypts. Letters, digits, - and _." example:"2026"`
	Key  node.Secret `json:"key" title:"Key" required:"true" widget:"text" secrets:"true" help:"A secret parameter: 16, 24 or 32 random octets in base64 or hexadecimal digits." example:"${key}"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "encrypt", Version: 1, Title: "Encrypt / Decrypt", Category: node.CategoryTransform,
		Summary:  "Encrypts values with a secret key, or decrypts them.",
		Synonyms: []string{"PII Crypto", "Encryption", "Decryption", "Encrypt", "Decrypt", "AES", "AES-GCM", "cipher", "crypto", "PII", "protect"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Config{Do: "encrypt"} },
		Files:    files,
	})
}

// keyName is what a key may be called: it stands before a colon.
var keyName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// Plan compiles what is put in the place of each value.
func (x *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	ring, ok := x.ring(c)
	p := planner{Context: c, in: in, known: slices.Clone(in), schema: slices.Clone(in)}
	for _, f := range in {
		p.op.Columns = append(p.op.Columns, node.Column{Name: f.Name, Expr: c.FieldRef(f.Name, in)})
	}
	ok = c.Unique("fields", x.Fields) && ok
	for i, name := range x.Fields {
		at := fmt.Sprintf("fields[%d]", i)
		f, found := c.Field(at, name, in)
		if !found {
			ok = false
			continue
		}
		if !fits(c, at, f, x.Do) {
			ok = false
		} else if ok && x.Do == "decrypt" {
			p.decrypt(at, f, ring)
		} else if ok {
			p.encrypt(at, f, ring)
		}
	}
	if ok && len(x.Fields) > 0 && len(x.Keys) > 0 {
		c.Emit(node.Out, p.op, p.schema)
	}
}

// ring reads the keys; false after reporting what is wrong with one.
func (x *Config) ring(c *node.Context) (ring keyring, ok bool) {
	ok = true
	for i, k := range x.Keys {
		at := fmt.Sprintf("keys[%d].", i)
		if k.Name == "" || k.Key.IsZero() {
			ok = false // reported
			continue
		}
		if !keyName.MatchString(k.Name) || ring.find(k.Name) != nil {
			c.Problem(at+"name", "encrypt.key_name", fmt.Sprintf("%q cannot be the name of this key", k.Name), "write up to 32 letters, digits, - and _, for every key another name")
			ok = false
			continue
		}
		made, err := newKey(k.Name, k.Key.Reveal())
		if err != nil {
			c.Problem(at+"key", "encrypt.key", fmt.Sprintf("the key %s cannot be used: %v", k.Name, err), "make one with openssl rand -base64 32 and give it to the secret parameter")
			ok = false
			continue
		}
		ring = append(ring, made)
	}
	return ring, ok
}

// fits reports a field of a type that is not taken.
func fits(c *node.Context, at string, f flows.Field, do string) bool {
	switch k := f.Type.Kind; {
	case do == "decrypt" && k != flows.Text:
		c.Problem(at, "encrypt.type", fmt.Sprintf("%q is of type %s, and what Encrypt writes is a text", f.Name, f.Type), "choose a field with encrypted texts")
	case k == flows.Bytes || k == flows.List || k == flows.Struct:
		c.Problem(at, "encrypt.type", fmt.Sprintf("%q is of type %s and has no text of its own", f.Name, f.Type), "write bytes as text with encode_base64(…), lists and structs with to_json(…), in a Formula before")
	default:
		return true
	}
	return false
}

type planner struct {
	*node.Context
	in, known flows.Schema
	schema    flows.Schema // of the output
	op        node.Project
}

func (p *planner) put(f flows.Field, e expr.Expr) {
	at := p.in.Index(f.Name)
	p.op.Columns[at].Expr, p.schema[at].Type = e, e.Type()
}

func (p *planner) encrypt(at string, f flows.Field, ring keyring) {
	text := expr.FieldName(f.Name)
	if f.Type.Kind != flows.Text {
		text = "cast(" + text + " as text)"
	}
	if of := p.Expr(at, text, p.in); of != nil {
		value, _ := p.op.Native(ring[0].encrypt(), &p.known, of)
		p.put(f, p.Expr(at, value, p.known))
	}
}

func (p *planner) decrypt(at string, f flows.Field, ring keyring) {
	value, failed := p.op.Native(ring.decrypt(), &p.known, p.FieldRef(f.Name, p.in))
	p.op.Checks = append(p.op.Checks, node.Check{Cond: p.Expr(at, failed+" is not null", p.known), Field: f.Name,
		Code: "decrypt.failed", Message: f.Name + " cannot be decrypted", Why: p.Expr(at, failed, p.known)})
	p.put(f, p.Expr(at, value, p.known))
}
