package http

import (
	"net/http"
	"strings"
	"testing"

	"spark/connectors/http/openapi"
	"spark/flows"
	"spark/flows/node"
)

// TestOperationsByAddress: a document is fetched with the authentication of the connection, and what it says of the path stands
// below the base URL. No secret and nothing of another server comes back.
func TestOperationsByAddress(t *testing.T) {
	t.Parallel()
	asked := 0
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Header.Get("Authorization") != "Bearer "+canary {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/api/openapi.json":
			_, _ = w.Write([]byte(`{"openapi": "3.0.0", "servers": [{"url": "/api/v1"}], "paths": {"/a": {"get": {"summary": "All of a"}, "parameters": [{"$ref": "/secret.json"}]}}}`))
		case "/api/huge.json":
			_, _ = w.Write([]byte(strings.Repeat(" ", openapi.MaxBytes+1)))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	set := node.ConnectionSet{"shop": {Type: typeID, Settings: []byte(`{"baseUrl": "` + api.URL + `/api", "auth": "bearer", "token": "` + canary + `"}`)}}
	q := node.OperationsQuestion{Address: "/openapi.json", Connection: "shop", Connections: set}
	o, err := Operations(t.Context(), q)
	if err != nil || len(o.Items) != 1 || o.Items[0].Summary != "All of a" || !strings.Contains(o.Text, "All of a") {
		t.Fatalf("%+v, %v", o, err)
	}
	q.Text, q.Method, q.Path, q.Records = o.Text, "GET", "/a", true
	if o, err = Operations(t.Context(), q); err != nil || !strings.Contains(string(o.Chosen.Settings), `"url":"/v1/a"`) || len(o.Chosen.Notes) == 0 {
		t.Errorf("%+v, %v", o.Chosen, err)
	}
	if asked != 1 {
		t.Errorf("%d requests", asked)
	}
	for address, code := range map[string]string{"/nothing.json": "http.not_found", "/huge.json": "openapi.too_large", "http://169.254.169.254/openapi.json": "http.elsewhere"} {
		_, err := Operations(t.Context(), node.OperationsQuestion{Address: address, Connection: "shop", Connections: set})
		if e := coded(err); e.Code != code || e.Suggestion == "" || strings.Contains(e.Error(), canary) {
			t.Errorf("%s: %v", address, err)
		}
	}
	for address, code := range map[string]string{"http://169.254.169.254/openapi.json": "http.address", "openapi.json": "http.url"} {
		if _, err := Operations(t.Context(), node.OperationsQuestion{Address: address}); coded(err).Code != code {
			t.Errorf("%s without a connection: %v", address, err)
		}
	}
	if _, err := Operations(t.Context(), node.OperationsQuestion{Text: q.Text, Method: "GET", Path: "/a", Connection: "gone", Connections: node.ConnectionSet{}}); flows.AsError(err) == nil {
		t.Error("a connection that there is none of is no error")
	}
}
