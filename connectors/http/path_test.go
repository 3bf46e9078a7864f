package http

import (
	"slices"
	"testing"
)

// What the brackets say of a list has to be what a strict decoder says, or nothing.
func TestList(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`[]`:    {},
		"[ \n]": {},
		`[1]`:   {"1"},
		`[{"a":[1,2],"b":"],["}, 2 ,"x\\",[ ],"\\\"]"]`: {`{"a":[1,2],"b":"],["}`, ` 2 `, `"x\\"`, `[ ]`, `"\\\"]"`},
		`[{},{}]`: {"{}", "{}"},
	} {
		body := []byte(`{"data":` + text + `,"next":1}`)
		elements, to, ok := list(body, len(`{"data":`))
		if !ok || string(body[:to]) != `{"data":`+text {
			t.Errorf("%s: %v, up to %d", text, ok, to)
			continue
		}
		got, from := []string{}, len(`{"data":[`)
		for _, e := range elements {
			got = append(got, string(body[from:e]))
			from = e + 1
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q; want %q", text, got, want)
		}
	}
	for _, text := range []string{`[`, `[1,2`, `["a]`, `[1}`, `["a\\"`} {
		if elements, to, ok := list([]byte(text), 0); ok {
			t.Errorf("%s: %v, up to %d", text, elements, to)
		}
	}
}
