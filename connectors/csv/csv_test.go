package csv

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/connectors/internal/filetest"
	"spark/flows/node"
)

type scene struct {
	name    string
	text    string
	fields  []node.FileField
	options string
	want    string
}

func (s scene) source(t testing.TB, blockSize int) *source {
	t.Helper()
	src, err := newSource(node.FileScan{Path: "f.csv", Fields: s.fields, Options: json.RawMessage(s.options)})
	if err != nil {
		t.Fatal(err)
	}
	src.(*source).blockSize = blockSize
	return src.(*source)
}

func (s scene) run(t testing.TB, blockSize int) string {
	t.Helper()
	return filetest.Read(t, s.source(t, blockSize), node.Reading{Files: filetest.Files{"f.csv": s.text}, Fields: names(s.fields)}).Text()
}

func TestSmoke(t *testing.T) {
	s := scene{text: "a,b,c\n1,2.50,x\n2,-3.1,\"y\"\"z\"\n,,\n4,5,zz", fields: fileFields("a int32", "b decimal(10,2)", "c text"),
		want: "1 | 2.5 | x\n2 | -3.1 | y\"z\n(null) | (null) | (null)\n4 | 5 | zz\n"}
	for size := range 40 {
		if d := cmp.Diff(s.want, s.run(t, size+1)); d != "" {
			t.Fatal(size, d)
		}
	}
}
