package value

import (
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep JSON may be nested.
const MaxDepth = 1000

// TooDeep reports whether brackets are nested deeper than MaxDepth, in one pass without a stack.
func TooDeep(b []byte) bool {
	depth, text := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func checkJSON(b []byte) *Fault {
	if f := CheckText(b); f != nil {
		return f
	}
	if TooDeep(b) {
		return fault("type", "%s is nested more than %d deep", quoted(b), MaxDepth)
	}
	if !jsontext.Value(b).IsValid() {
		return refused("type", b, " is not JSON")
	}
	return nil
}
