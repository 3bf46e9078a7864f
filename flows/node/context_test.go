package node

import (
	"testing"

	"spark/flows"
	"spark/flows/expr"
)

// TestFieldRef: a field may have any name, that of a keyword or a constant included.
func TestFieldRef(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"amount", "null", "true", "case", "end", "IN", "order date", `a"b`} {
		c := NewContext(flows.Node{ID: "n"}, nil, nil, nil)
		e := c.FieldRef(name, flows.Schema{{Name: name, Type: flows.Of(flows.Int64)}})
		ref, ok := e.(*expr.FieldRef)
		if _, ps := c.Results(); !ok || ref.Name != name || len(ps) > 0 {
			t.Errorf("field %q: %T, %v", name, e, ps)
		}
	}
}
