package server

import (
	"slices"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
	"spark/server/api"
)

// catalogue is everything that this binary was built with; it does not change while it runs.
func catalogue() api.Catalogue {
	var c api.Catalogue
	for _, t := range node.Types() {
		c.Nodes = append(c.Nodes, nodeType(t))
	}
	for _, f := range expr.Functions() {
		c.Functions = append(c.Functions, function(f))
	}
	for _, name := range node.Formats() {
		if f, ok := node.LookupFormat(name); ok {
			c.Formats = append(c.Formats, format(f))
		}
	}
	for _, t := range node.ConnectionTypes() {
		c.Connections = append(c.Connections, api.ConnectionType{ID: t.ID, Title: t.Title, Summary: t.Summary, Synonyms: slices.Clone(t.Synonyms),
			Database: t.Dialect != nil, Address: t.Address, SignInIf: t.SignInIf, Schema: node.JSONSchema(t.New())})
	}
	for k := flows.Int8; k < flows.List; k++ {
		if k != flows.Decimal {
			c.Types = append(c.Types, k.String())
		}
	}
	return c
}

func nodeType(t *node.Type) api.NodeType {
	_, fetches := t.New().(node.Fetcher)
	_, calls := t.New().(node.RecordCaller)
	return api.NodeType{ID: t.ID, Version: t.Version, Title: t.Title, Summary: t.Summary, Category: string(t.Category), Synonyms: slices.Clone(t.Synonyms),
		Inputs: ports(t.Inputs), Outputs: ports(t.Outputs), Rejects: t.Rejects, Policy: t.Policy, PortsFrom: t.PortsFrom, Fetches: fetches || calls, Calls: calls, Schema: node.JSONSchema(t.New()), Icon: t.Icon(), Help: t.Help()}
}

func ports(ps []node.Port) []api.Port {
	var out []api.Port
	for _, p := range ps {
		out = append(out, api.Port{Name: p.Name, Title: p.Title, Optional: p.Optional, Many: p.Many})
	}
	return out
}

func function(f *expr.Func) api.Function {
	out := api.Function{Name: f.Name, Category: f.Category, Help: f.Help, Example: f.Example, Operator: f.Operator, Aggregate: f.Aggregate}
	for _, s := range f.Signatures {
		out.Signatures = append(out.Signatures, s.String())
	}
	return out
}

func format(f *node.Format) api.Format {
	out := api.Format{Name: f.Name, Title: f.Title, Extensions: f.Extensions, Typed: f.Typed}
	if f.ReadOptions != nil {
		out.ReadOptions = node.JSONSchema(f.ReadOptions())
	}
	if f.WriteOptions != nil {
		out.WriteOptions = node.JSONSchema(f.WriteOptions())
	}
	return out
}
