package node

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// A setting of type Secret in a node is the whole of a secret parameter: what stands in a flow is seen by everybody who
// sees the flow.

// holdsSecret reports whether a config struct has such a setting.
func holdsSecret(t reflect.Type) bool {
	switch {
	case t == secretType:
		return true
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer:
		return holdsSecret(t.Elem())
	case t.Kind() != reflect.Struct || t == typeOfType || t.Implements(anyValueType): // a type is made of types
		return false
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && holdsSecret(f.Type) {
			return true
		}
	}
	return false
}

// secret binds a setting that is ${name} or {"parameter": "name"}, of a secret parameter. Nothing stays nothing.
func (b *binder) secret(raw json.RawMessage, f reflect.StructField, path string) json.RawMessage {
	name, ok := reference(raw)
	if !ok {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			if text = strings.TrimSpace(text); text == "" {
				return raw
			}
			rest, begins := strings.CutPrefix(text, "${")
			name, ok = strings.CutSuffix(rest, "}")
			ok = ok && begins && !strings.ContainsAny(name, "${}")
		}
	}
	if !ok {
		b.problem(path, "config.secret", fmt.Sprintf("%q stands in the flow, where everybody sees it who sees the flow", titleOf(f)),
			"add a secret parameter in the settings of the flow and write ${its name} here, and nothing else")
		return json.RawMessage(`""`)
	}
	p, ok := b.value(name, f, path)
	if !ok {
		return raw
	}
	text, written := plainText(p)
	if !p.Secret || !written {
		b.problem(path, "config.secret", fmt.Sprintf("%s is not secret, and everybody may read it", called(p)), "make it a secret parameter in the settings of the flow")
		return json.RawMessage(`""`)
	}
	return encode(text, raw)
}
