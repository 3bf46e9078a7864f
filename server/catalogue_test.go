package server

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	_ "spark/connectors/all"
	_ "spark/flows/transform/all"
	"spark/server/api"
)

var update = flag.Bool("update", false, "write goldens")

const catalogueFile = "api/testdata/catalogue.json"

// Two node types, two functions and one format of the real catalogue, for the tests of the editor.
func TestCatalogueGolden(t *testing.T) {
	t.Parallel()
	c := catalogue()
	c.Nodes = slices.DeleteFunc(c.Nodes, func(n api.NodeType) bool { return n.ID != "filter" && n.ID != "file.input" })
	c.Functions = slices.DeleteFunc(c.Functions, func(f api.Function) bool { return f.Name != "upper" && f.Name != "sum" && f.Name != "+" })
	c.Formats = slices.DeleteFunc(c.Formats, func(f api.Format) bool { return f.Name != "csv" })
	b, err := api.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Indent(&want, append(b, '\n'), "", "  "); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(catalogueFile, want.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(catalogueFile)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("%s (%v) is not the catalogue; run: go test ./server -update", catalogueFile, err)
	}
	var back api.Catalogue
	if err := api.Decode(got, &back); err != nil || len(back.Nodes) != 2 || len(back.Functions) != 3 || len(back.Formats) != 1 {
		t.Errorf("read back: %v, %d nodes, %d functions, %d formats", err, len(back.Nodes), len(back.Functions), len(back.Formats))
	}
}

// Whatever is registered can be shown: nothing is empty that the palette, a form or a help page needs.
func TestCatalogueIsWhole(t *testing.T) {
	t.Parallel()
	c := catalogue()
	for _, n := range c.Nodes {
		if n.Title == "" || n.Summary == "" || n.Category == "" || n.Icon == "" || n.Help == "" || n.Schema["properties"] == nil || len(n.Inputs)+len(n.Outputs) == 0 {
			t.Errorf("%s lacks something: %+v", n.ID, n)
		}
	}
	for _, f := range c.Functions {
		if f.Help == "" || f.Category == "" || len(f.Signatures) == 0 {
			t.Errorf("%s lacks something: %+v", f.Name, f)
		}
	}
	if len(c.Nodes) < 8 || len(c.Functions) < 50 || len(c.Formats) < 3 || !slices.Contains(c.Types, "int64") || slices.Contains(c.Types, "decimal") {
		t.Errorf("%d nodes, %d functions, %d formats, types %v", len(c.Nodes), len(c.Functions), len(c.Formats), c.Types)
	}
}
