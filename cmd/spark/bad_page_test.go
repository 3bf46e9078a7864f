package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// checkBadPage compares docs/broken-input.md with what the cases say and gave, or writes it with -update.
func checkBadPage(t *testing.T, g *golden, classes []badClass) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "broken-input.md")
	page := badPage(g, classes)
	if *update {
		if !t.Failed() {
			must(t, os.WriteFile(path, []byte(page), 0o644))
		}
		return
	}
	b, err := os.ReadFile(path)
	must(t, err)
	if d := gocmp.Diff(string(b), page); d != "" {
		t.Errorf("%s (- is, + should be; -update accepts it):\n%s", path, d)
	}
}

func badPage(g *golden, classes []badClass) string {
	var b strings.Builder
	n := 0
	for _, c := range classes {
		n += len(c.cases)
	}
	fmt.Fprintf(&b, `# Broken input

What happens to input that is broken or only looks so: it is read exactly, or refused with a code, the place and what to do.
Nothing is guessed, nothing is lost in silence, and a run that fails writes nothing. The %d cases of %d classes are tests
(`+"`cmd/spark`"+`, TestBadInput), each of which may take %s and %d MB at most; this page is written by them.
What can be refused record by record is refused so: the sentence ends with "or connect the rejects port", and then the other
records go on.
`, n, len(classes), badTime, badMemory>>20)
	for _, c := range classes {
		fmt.Fprintf(&b, "\n## %s\n\n| input | what happens |\n|---|---|\n", c.name)
		for _, one := range c.cases {
			fmt.Fprintf(&b, "| %s | %s |\n", cell(one.name), cell(one.happens(g)))
		}
	}
	return b.String()
}

// happens says what one case gives.
func (b bad) happens(g *golden) string {
	if b.exit == exitOK {
		switch n := strings.Count(b.want, "\n"); {
		case len(b.want) > 60:
			return fmt.Sprintf("read: %d records", n-1)
		default:
			return fmt.Sprintf("read: %q", b.want)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	_, sentence, _ := strings.Cut(cmp.Or(g.got[b.name], g.want[b.name]), "\n") // without the exit code
	code, sentence, _ := strings.Cut(strings.TrimSpace(strings.Split(sentence, "\n")[0]), " ")
	sentence = strings.TrimSuffix(sentence, "; mend the data, or connect the rejects port to go on without such records")
	if len(sentence) > 400 {
		sentence = strings.ToValidUTF8(sentence[:400], "") + "…"
	}
	return "`" + code + "` " + sentence
}

// cell is a text as it stands in a table of Markdown.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "\n", " ").Replace(s)
}
