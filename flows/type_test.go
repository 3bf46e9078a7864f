package flows_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"spark/flows"
)

func genType(depth int) *rapid.Generator[flows.Type] {
	return rapid.Custom(func(t *rapid.T) flows.Type {
		kinds := flows.Struct
		if depth == 0 {
			kinds = flows.JSON
		}
		switch k := flows.Kind(rapid.IntRange(int(flows.Int8), int(kinds)).Draw(t, "kind")); k {
		case flows.Decimal:
			precision := rapid.IntRange(1, flows.MaxPrecision).Draw(t, "precision")
			return flows.DecimalOf(precision, rapid.IntRange(0, precision).Draw(t, "scale"))
		case flows.List:
			return flows.ListOf(genType(depth-1).Draw(t, "elem"))
		case flows.Struct:
			name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"a", "int64", "b c", `"`, `""`, "", "_1", "1", "ä", "<", "a: b,"}))
			names := rapid.SliceOfNDistinct(name, 0, 4, rapid.ID[string]).Draw(t, "names")
			fields := make([]flows.Field, len(names))
			for i, n := range names {
				fields[i] = flows.Field{Name: n, Type: genType(depth-1).Draw(t, "type")}
			}
			return flows.StructOf(fields...)
		default:
			return flows.Of(k)
		}
	})
}

func TestTypeRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := genType(4).Draw(t, "type")
		text := want.String()
		got, err := flows.ParseType(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !got.Equal(want) || got.String() != text {
			t.Fatalf("%s came back as %s", text, got)
		}
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var viaJSON flows.Type
		if err := json.Unmarshal(b, &viaJSON); err != nil || !viaJSON.Equal(want) {
			t.Fatalf("%s came back from JSON as %s, %v", text, viaJSON, err)
		}
	})
}

func TestTypeEqual(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := genType(3).Draw(t, "a"), genType(3).Draw(t, "b")
		if same := a.String() == b.String(); a.Equal(b) != same || b.Equal(a) != same || !a.Equal(a) {
			t.Fatalf("Equal(%s, %s) = %v, %v", a, b, a.Equal(b), b.Equal(a))
		}
	})
}

// The text forms stand in stored documents.
func TestTypeNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]flows.Type{
		"int8": flows.Of(flows.Int8), "int16": flows.Of(flows.Int16), "int32": flows.Of(flows.Int32), "int64": flows.Of(flows.Int64),
		"int128": flows.Of(flows.Int128), "double": flows.Of(flows.Double), "boolean": flows.Of(flows.Boolean), "text": flows.Of(flows.Text),
		"bytes": flows.Of(flows.Bytes), "date": flows.Of(flows.Date), "time": flows.Of(flows.Time), "timestamp": flows.Of(flows.Timestamp),
		"timestamptz": flows.Of(flows.TimestampTZ), "interval": flows.Of(flows.Interval), "uuid": flows.Of(flows.UUID), "json": flows.Of(flows.JSON),
		"decimal(38,38)": flows.DecimalOf(38, 38), "decimal(5,0)": flows.DecimalOf(5, 0), "list<list<text>>": flows.ListOf(flows.ListOf(flows.Of(flows.Text))),
		"struct<>":                        flows.StructOf(),
		`struct<a: int64, "b ""c": text>`: flows.StructOf(flows.Field{Name: "a", Type: flows.Of(flows.Int64)}, flows.Field{Name: `b "c`, Type: flows.Of(flows.Text)}),
	} {
		if want.String() != text {
			t.Errorf("%s is written as %s", text, want)
		}
		if got, err := flows.ParseType(text); err != nil || !got.Equal(want) {
			t.Errorf("%s is read as %s, %v", text, got, err)
		}
	}
	for loose, want := range map[string]string{" decimal( 10 ) ": "decimal(10,0)", "list < text >": "list<text>", "struct<a:int8,b:int8>": "struct<a: int8, b: int8>"} {
		if got, err := flows.ParseType(loose); err != nil || got.String() != want {
			t.Errorf("%q is read as %s, %v", loose, got, err)
		}
	}
}

func TestParseTypeRefuses(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	for _, s := range []string{"", " ", "int", "INT64", "invalid", "decimal", "decimal()", "decimal(0)", "decimal(39,0)", "decimal(5,6)", "decimal(5,-1)",
		"decimal(99999999999999999999)", "list", "list<>", "list<text", "list<text>>", "struct", "struct<a>", "struct<a:>", "struct<a: text,>",
		"struct<a: text b: text>", "struct<a: text, a: int8>", `struct<"a: text>`, "int64 x", "int64\n", "int64\x00", "größe",
		strings.Repeat("list<", 33) + "text" + strings.Repeat(">", 33), strings.Repeat("list<", 1_000_000)} {
		if got, err := flows.ParseType(s); err == nil {
			t.Errorf("%.40q is read as %s", s, got)
		} else if e := flows.AsError(err); e.Code != "type.invalid" {
			t.Errorf("%.40q: %v", s, err)
		} else if len(s) < 40 {
			out.WriteString(e.Message + "\n")
		}
	}
	golden(t, "type_refused.golden", []byte(out.String()))
}

func TestSchema(t *testing.T) {
	t.Parallel()
	s := flows.Schema{{Name: "a", Type: flows.Of(flows.Int64)}, {Name: "A", Type: flows.Of(flows.Text)}}
	if s.Index("A") != 1 || s.Index("b") != -1 || strings.Join(s.Names(), ",") != "a,A" {
		t.Errorf("schema: %d %d %v", s.Index("A"), s.Index("b"), s.Names())
	}
	if f, ok := s.Find("a"); !ok || f.Type.Kind != flows.Int64 {
		t.Errorf("find = %v, %v", f, ok)
	}
	if _, ok := s.Find("c"); ok || s.Equal(s[:1]) || s.Equal(flows.Schema{s[1], s[0]}) || !s.Equal(s) {
		t.Error("schemas are compared by fields and order")
	}
}
