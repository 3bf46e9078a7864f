package all

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const writePage = "docs/write-a-connector.md"

var (
	pageFile = regexp.MustCompile("(?s)`(connectors/[^`]+)`:\n\n```[a-z]+\n(.*?)```\n")
	pageLine = regexp.MustCompile("(?s)In `(connectors/all/all.go)`:\n\n```go\n(.*?)```\n")
	pageRun  = regexp.MustCompile(`(?m)^    bin/spark (.*)$`)
)

// TestWriteAConnector does what the page about connectors says: the files that it shows and its one line make a node type
// whose flow runs.
func TestWriteAConnector(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program again")
	}
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, writePage))
	if err != nil {
		t.Fatal(err)
	}
	o := &overlay{t: t, root: root, temp: t.TempDir(), Replace: map[string]string{}}
	var folder string
	for _, m := range pageFile.FindAllStringSubmatch(string(page), -1) {
		if m[1] == "connectors/all/all.go" {
			continue
		}
		o.put(m[1], m[2])
		if folder == "" {
			folder = filepath.Dir(m[1])
		}
		if !strings.HasPrefix(m[1], folder+"/") {
			t.Errorf("%s is outside of the one folder %s", m[1], folder)
		}
	}
	line := pageLine.FindStringSubmatch(string(page))
	if len(o.Replace) != 4 || line == nil || strings.Count(line[2], "\n") != 1 {
		t.Fatalf("the page shows %d files, and the line %q", len(o.Replace), line)
	}
	imports, err := os.ReadFile(filepath.Join(root, line[1]))
	if err != nil {
		t.Fatal(err)
	}
	o.put(line[1], strings.Replace(string(imports), "\n)\n", "\n"+line[2]+")\n", 1))

	program := filepath.Join(o.temp, "spark")
	o.run(root, "go", "build", "-overlay", o.file(), "-o", program, "./cmd/spark")

	command := pageRun.FindStringSubmatch(string(page))
	if command == nil {
		t.Fatal("the page does not say how to run it")
	}
	said := o.run(o.temp, program, strings.Fields(command[1])...)
	got, err := os.ReadFile(filepath.Join(o.temp, "numbers.csv"))
	if want := "\"number\"\n\"1\"\n\"2\"\n\"3\"\n\"5\"\n\"6\"\n\"7\"\n\"9\"\n\"10\"\n"; err != nil || string(got) != want {
		t.Errorf("the flow wrote %q (%v)", got, err)
	}
	if !regexp.MustCompile(`count +8 .* 2 +done`).MatchString(said) {
		t.Errorf("the run says nothing of two refused numbers:\n%s", said)
	}
}

// overlay stands for files of the module that are not there.
type overlay struct {
	t          *testing.T
	root, temp string
	Replace    map[string]string
}

// put makes a file of the page, in the temp folder, which the overlay puts into the module.
func (o *overlay) put(name, content string) {
	o.t.Helper()
	file := filepath.Join(o.temp, filepath.FromSlash(name))
	err := os.MkdirAll(filepath.Dir(file), 0o777)
	if err == nil {
		err = os.WriteFile(file, []byte(content), 0o666)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	o.Replace[filepath.Join(o.root, filepath.FromSlash(name))] = file
}

func (o *overlay) file() string {
	o.t.Helper()
	file := filepath.Join(o.temp, "overlay.json")
	b, err := json.Marshal(o)
	if err == nil {
		err = os.WriteFile(file, b, 0o666)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return file
}

func (o *overlay) run(dir, name string, args ...string) string {
	o.t.Helper()
	c := exec.CommandContext(o.t.Context(), name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		o.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
