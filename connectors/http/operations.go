package http

import (
	"context"
	"net/http"
	"strings"

	"spark/connectors/http/openapi"
	"spark/flows"
	"spark/flows/node"
)

// Operations reads an OpenAPI document and says what the API can be asked for; where an operation is named, as settings of a
// node. A document that is given by its address is fetched once, with the authentication of the connection.
func Operations(ctx context.Context, q node.OperationsQuestion) (out flows.Operations, err error) {
	out.Items = []flows.Operation{}
	if q.Text == "" && q.Address != "" {
		if q.Text, err = fetchDocument(ctx, q); err != nil {
			return out, err
		}
		out.Text = q.Text
	}
	d, err := openapi.Parse([]byte(q.Text))
	if err != nil {
		return out, err
	}
	out.Title = d.Title()
	if q.Method == "" {
		out.Items, err = d.Operations()
		return out, err
	}
	w := openapi.Wish{Method: q.Method, Path: q.Path, Records: q.Records, Fields: q.Fields, From: q.Address}
	if q.Connection != "" {
		if w.Base, err = baseOf(q); err != nil {
			return out, err
		}
		if !strings.Contains(w.From, "://") { // it stands below the base URL
			w.From = ""
		}
	}
	out.Chosen, err = d.Choose(w)
	return out, err
}

func baseOf(q node.OperationsQuestion) (string, error) {
	c, err := q.Connections.Connection(q.Connection)
	if err != nil {
		return "", flows.AsError(err).At(flows.Path{Field: "connection"})
	}
	s, ok := c.Settings.(*Settings)
	if !ok {
		return "", nil // the node says so
	}
	return s.BaseURL, nil
}

// fetchDocument calls the server of the document.
func fetchDocument(ctx context.Context, q node.OperationsQuestion) (string, error) {
	c, err := (&Input{Connection: q.Connection}).open(q.Connections)
	if err != nil {
		return "", err
	}
	defer c.close()
	a, err := c.do(ctx, request{method: http.MethodGet, address: strings.TrimSpace(q.Address), limit: openapi.MaxBytes, attempts: 2, what: "OpenAPI document",
		header: http.Header{"Accept": {"application/json, application/yaml, text/yaml, */*"}}})
	if e := flows.AsError(err); e != nil {
		if e.Code == "http.too_large" {
			return "", openapi.TooLarge()
		}
		copied := *e
		copied.Path = flows.Path{}
		return "", &copied
	}
	return strings.ToValidUTF8(string(a.body), "\uFFFD"), nil
}
