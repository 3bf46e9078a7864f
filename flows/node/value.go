package node

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Value is a setting that is a literal or comes from elsewhere when the run starts:
//
//	"text"                  the literal
//	{"parameter": "name"}   a parameter of the run
//	{"expression": "…"}     an expression over the parameters
//	{"secret": "name"}      a secret; never in documents, logs or events
type Value[T any] struct {
	Literal    T
	Parameter  string
	Expression string
	Secret     string
}

// Lit returns a literal value.
func Lit[T any](v T) Value[T] { return Value[T]{Literal: v} }

// IsLiteral reports whether the value is known from the document alone.
func (v Value[T]) IsLiteral() bool { return v.Parameter == "" && v.Expression == "" && v.Secret == "" }

// anyValue is every Value[T].
type anyValue interface{ literal() any }

func (v Value[T]) literal() any { return v.Literal }

type valueRef struct {
	Parameter  string `json:"parameter,omitempty"`
	Expression string `json:"expression,omitempty"`
	Secret     string `json:"secret,omitempty"`
}

// MarshalJSON writes the form above.
func (v Value[T]) MarshalJSON() ([]byte, error) {
	if v.IsLiteral() {
		return json.Marshal(v.Literal)
	}
	return json.Marshal(valueRef{v.Parameter, v.Expression, v.Secret})
}

// UnmarshalJSON reads the form above.
func (v *Value[T]) UnmarshalJSON(b []byte) error {
	*v = Value[T]{}
	if t := bytes.TrimSpace(b); len(t) > 0 && t[0] == '{' {
		var r valueRef
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&r); err == nil {
			if n := btoi(r.Parameter != "") + btoi(r.Expression != "") + btoi(r.Secret != ""); n != 1 {
				return fmt.Errorf("a value names one of parameter, expression and secret, not %d of them", n)
			}
			v.Parameter, v.Expression, v.Secret = r.Parameter, r.Expression, r.Secret
			return nil
		}
	}
	return json.Unmarshal(b, &v.Literal)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
