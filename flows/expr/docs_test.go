package expr

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/expressions.md")

const page = "../../docs/expressions.md"

// functionsPage writes the catalogue as Markdown.
func functionsPage() string {
	var b strings.Builder
	category := ""
	for _, f := range Functions() {
		if f.Category != category {
			category = f.Category
			fmt.Fprintf(&b, "\n### %s%s\n\n", strings.ToUpper(category[:1]), category[1:])
		}
		var forms []string
		for _, s := range f.Signatures {
			forms = append(forms, fmt.Sprintf("`%s%s`", f.Name, s))
		}
		fmt.Fprintf(&b, "- **%s** — %s\n  %s", f.Name, f.Help, strings.Join(forms, ", "))
		if f.Example != "" {
			fmt.Fprintf(&b, "\n  `` %s `` ⇒ `` %s ``", f.Example, f.Result)
		}
		var codes []string
		for _, e := range f.Failures {
			codes = append(codes, "`"+e.Code+"`")
		}
		if len(codes) > 0 {
			fmt.Fprintf(&b, "\n  Can fail: %s.", strings.Join(codes, ", "))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestPageIsFresh(t *testing.T) {
	t.Parallel()
	head, err := os.ReadFile("testdata/expressions.md")
	if err != nil {
		t.Fatal(err)
	}
	want := string(head) + functionsPage()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("docs/expressions.md is stale; run go test ./flows/expr -update\n%s", d)
	}
}

// TestCatalogueIsComplete checks what every entry must have. The examples are run by the engines' tests.
func TestCatalogueIsComplete(t *testing.T) {
	t.Parallel()
	withoutExample := []string{"uuid", "now", "today", "get_field", "run_id", "flow_name", "flow_revision", "environment", "started_at", "scheduled_at", "attempt", "file_name", "record_number"}
	for _, f := range Functions() {
		if f.Help == "" || !strings.HasSuffix(f.Help, ".") || len(f.Signatures) == 0 || f.Category == "" {
			t.Errorf("%s: help %q, %d signatures", f.Name, f.Help, len(f.Signatures))
		}
		if f.Example == "" && !f.Aggregate && !slices.Contains(withoutExample, f.Name) {
			t.Errorf("%s has no example", f.Name)
		}
		if Lookup(strings.ToUpper(f.Name)) != f {
			t.Errorf("%s is not found", f.Name)
		}
		for _, src := range []string{f.Example, f.Result} {
			if src == "" {
				continue
			}
			if _, err := Compile(src, Env{}); err != nil {
				t.Errorf("%s: %s: %v", f.Name, src, err)
			}
		}
		for _, failure := range f.Failures {
			if !strings.HasPrefix(failure.Code, "value.") || failure.Message == "" {
				t.Errorf("%s: %+v", f.Name, failure)
			}
		}
	}
}
