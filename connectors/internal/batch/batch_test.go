package batch

import (
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func values(a arrow.Array) (vs []string) {
	for i := range a.Len() {
		vs = append(vs, a.ValueStr(i)+"")
	}
	return slices.Clone(vs)
}

// TestColumnAgainstSlice does random appends, truncations and removals to a column and to a slice.
func TestColumnAgainstSlice(t *testing.T) {
	before := InUse()
	rapid.Check(t, func(t *rapid.T) {
		bools := rapid.Bool().Draw(t, "booleans")
		c := NewColumn(arrow.PrimitiveTypes.Int32)
		if bools {
			c = NewColumn(arrow.FixedWidthTypes.Boolean)
		}
		var want []string
		add := func(i int) {
			switch {
			case rapid.IntRange(0, 3).Draw(t, "null") == 0:
				c.AppendNull()
				want = append(want, "(null)")
			case bools:
				c.AppendBool(i%2 == 0)
				want = append(want, fmt.Sprint(i%2 == 0))
			default:
				Append(c, int32(i))
				want = append(want, fmt.Sprint(i))
			}
		}
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			for i := range rapid.IntRange(0, 150).Draw(t, "rows") {
				add(i)
			}
			if len(want) == 0 {
				continue
			}
			switch at := rapid.IntRange(0, len(want)-1).Draw(t, "at"); rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				c.Truncate(at)
				want = want[:at]
			case 1:
				var drop []int32
				var kept []string
				for i := at; i < len(want); i++ {
					if rapid.Bool().Draw(t, "drop") {
						drop = append(drop, int32(i-at))
					} else {
						kept = append(kept, want[i])
					}
				}
				c.Compact(at, drop)
				want = append(want[:at:at], kept...)
			}
		}
		a := c.Finish()
		defer a.Release()
		if d := cmp.Diff(slices.Clone(want), values(a)); d != "" && len(want) > 0 {
			t.Fatal(d)
		}
		nulls := 0
		for _, w := range want {
			if w == "(null)" {
				nulls++
			}
		}
		if a.NullN() != nulls {
			t.Fatalf("%d nulls of %d", a.NullN(), nulls)
		}
	})
	if InUse() != before {
		t.Errorf("%d octets leaked", InUse()-before)
	}
}

// TestNestedTruncate drops half-written rows of lists and structs.
func TestNestedTruncate(t *testing.T) {
	before := InUse()
	c := NewColumn(arrow.StructOf(arrow.Field{Name: "l", Type: arrow.ListOf(arrow.BinaryTypes.String)}, arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int64}))
	row := func(texts ...string) {
		for _, s := range texts {
			c.Child(0).Child(0).AppendText([]byte(s))
		}
		c.Child(0).EndNested()
		Append(c.Child(1), int64(len(texts)))
		c.EndNested()
	}
	c.Child(0).Child(0).AppendText([]byte("never finished"))
	c.Truncate(0)
	row("a", "b")
	c.Child(0).Child(0).AppendText([]byte("half"))
	c.Truncate(1)
	row()
	c.AppendNull()
	c.Child(0).Child(0).AppendText([]byte("half"))
	c.Child(0).EndNested()
	c.Truncate(3)
	row("c")
	row("gone")
	c.Truncate(4)
	a := c.Finish()
	want := []string{`{"l":["a","b"],"n":2}`, `{"l":[],"n":0}`, `(null)`, `{"l":["c"],"n":1}`}
	if d := cmp.Diff(want, values(a)); d != "" {
		t.Error(d)
	}
	a.Release()
	if InUse() != before {
		t.Errorf("%d octets leaked", InUse()-before)
	}
}
