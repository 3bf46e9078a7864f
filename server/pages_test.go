package server

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"spark/server/api"
)

// pagesFolder holds a page for each node type, connection type and file format, from what their panels and forms show.
const pagesFolder = "../docs/reference"

// TestPagesAreFresh: each page says what the panels say, and there is no page of something that is gone.
func TestPagesAreFresh(t *testing.T) {
	t.Parallel()
	want := pages(catalogue())
	if *update {
		if err := os.RemoveAll(pagesFolder); err != nil {
			t.Fatal(err)
		}
		for name, page := range want {
			file := filepath.Join(pagesFolder, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(page), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	there := 0
	err := filepath.WalkDir(pagesFolder, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			there++
		}
		return err
	})
	if err != nil || there != len(want) {
		t.Errorf("%d pages are there and %d should be (%v); run: go test ./server -run Pages -update", there, len(want), err)
	}
	for name, page := range want {
		if got, err := os.ReadFile(filepath.Join(pagesFolder, name)); err != nil || string(got) != page {
			t.Errorf("%s is stale (%v); run: go test ./server -run Pages -update", name, err)
		}
	}
}

func pages(c api.Catalogue) map[string]string {
	files := map[string]string{}
	var index strings.Builder
	index.WriteString("# Reference\n\nWritten by a test from what the panels and forms of the editor show.\nExpressions have [a page of their own](../expressions.md), types [another](../types.md),\nand what is promised for the records of each output [a third](delivery.md).\n")
	slices.SortFunc(c.Nodes, func(a, b api.NodeType) int { return strings.Compare(a.Title, b.Title) })
	var categories []string
	for _, n := range c.Nodes {
		if !slices.Contains(categories, n.Category) {
			categories = append(categories, n.Category)
		}
	}
	slices.Sort(categories)
	for _, category := range categories {
		fmt.Fprintf(&index, "\n## %s%s\n\n", strings.ToUpper(category[:1]), category[1:])
		for _, n := range c.Nodes {
			if n.Category == category {
				name := "nodes/" + n.ID + ".md"
				files[name] = nodePage(n)
				fmt.Fprintf(&index, "- [%s](%s): %s\n", n.Title, name, n.Summary)
			}
		}
	}
	index.WriteString("\n## Connections\n\n")
	for _, k := range c.Connections {
		name := "connections/" + k.ID + ".md"
		files[name] = connectionPage(k)
		fmt.Fprintf(&index, "- [%s](%s): %s\n", k.Title, name, k.Summary)
	}
	index.WriteString("\n## File formats\n\n")
	for _, f := range c.Formats {
		name := "formats/" + f.Name + ".md"
		files[name] = formatPage(f)
		fmt.Fprintf(&index, "- [%s](%s): %s\n", f.Title, name, strings.Join(f.Extensions, ", "))
	}
	files["README.md"], files["delivery.md"] = index.String(), deliveryPage(c)
	return files
}

func nodePage(n api.NodeType) string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(n.Help) + "\n\n")
	fmt.Fprintf(&b, "Type `%s`, version %d. Found as: %s.\n", n.ID, n.Version, strings.Join(append([]string{n.Title}, n.Synonyms...), ", "))
	b.WriteString("\n## Ports\n\n| port | | |\n|---|---|---|\n")
	for _, p := range n.Inputs {
		fmt.Fprintf(&b, "| `%s` | input | %s%s |\n", p.Name, p.Title, choose(p.Many, ", any number of edges", choose(p.Optional, ", may stay free", "")))
	}
	if n.PortsFrom != "" {
		fmt.Fprintf(&b, "| | outputs | one for each item of `%s` |\n", n.PortsFrom)
	}
	for _, p := range n.Outputs {
		fmt.Fprintf(&b, "| `%s` | output | %s |\n", p.Name, p.Title)
	}
	if n.Rejects {
		fmt.Fprintf(&b, "| `rejects` | output | refused records, with the reason%s |\n", choose(n.Policy != "", fmt.Sprintf("; without another choice they are %s", refusedAs[string(n.Policy)]), ""))
	}
	b.WriteString("\n## Settings\n\n")
	b.WriteString(settingRows(n.Schema))
	return b.String()
}

var refusedAs = map[string]string{"fail": "an error that ends the run", "reject": "stored", "skip": "left out and counted"}

func choose(condition bool, a, b string) string {
	if condition {
		return a
	}
	return b
}

func connectionPage(k api.ConnectionType) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\nType `%s`.", k.Title, k.Summary, k.ID)
	if k.Address != "" {
		fmt.Fprintf(&b, " Instead of filling the form an address can be pasted: `%s`.", k.Address)
	}
	b.WriteString("\n\n## Settings\n\n" + settingRows(k.Schema))
	return b.String()
}

func formatPage(f api.Format) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\nFiles ending in %s.%s\n", f.Title, strings.Join(f.Extensions, ", "), choose(f.Typed, " They carry their own fields and types.", ""))
	for _, part := range []struct {
		title  string
		schema map[string]any
	}{{"Reading", f.ReadOptions}, {"Writing", f.WriteOptions}} {
		if part.schema != nil {
			fmt.Fprintf(&b, "\n## %s\n\n%s", part.title, settingRows(part.schema))
		}
	}
	return b.String()
}

// settingRows is the table of a form's members, those of lists below them.
func settingRows(schema map[string]any) string {
	list := settings("", schema)
	if len(list) == 0 {
		return "There are none.\n"
	}
	var b strings.Builder
	b.WriteString("| setting | member | value | without it | |\n|---|---|---|---|---|\n")
	for _, s := range list {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", cell(s.Title), s.Name, cell(s.Kind), choose(s.Required, "required", choose(s.Default != "", "`"+cell(s.Default)+"`", "")), cell(s.Help))
	}
	return b.String()
}

// cell keeps a text inside of its cell.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s)
}
