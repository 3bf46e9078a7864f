package expr

import (
	"strings"

	"spark/flows"
)

// Native is a function in Go over texts, for what the language has no words for and what needs a library. Node types make
// them; an engine calls them for many records at a time, from several goroutines at once.
type Native struct {
	// Name is shown in plans and in errors of the engine. It must not tell a secret.
	Name string
	// Random: two calls with the same arguments have different results.
	Random bool
	// Call appends the result to dst. It sees no null: where an argument is null the result is. The arguments are valid
	// only during the call. An error is told of the record, and what was appended is forgotten.
	Call func(dst []byte, args []string) ([]byte, error)
}

// The members of what an Apply gives: exactly one of them is not null, or none where an argument is null.
const (
	NativeValue = "value"
	NativeError = "error"
)

// nativeResult is the type of every Apply.
var nativeResult = flows.StructOf(flows.Field{Name: NativeValue, Type: flows.Of(flows.Text)}, flows.Field{Name: NativeError, Type: flows.Of(flows.Text)})

// Apply calls a Native. It has no form in the source of an expression, and cannot fail.
type Apply struct {
	base
	Fn   *Native
	Args []Expr // texts or JSON
}

// NewApply makes a call. An argument of another type than text or JSON is a mistake of the caller.
func NewApply(fn *Native, args ...Expr) *Apply {
	for _, a := range args {
		if k := a.Type().Kind; k != flows.Text && k != flows.JSON {
			panic("expr: " + fn.Name + " is called with a " + a.Type().String())
		}
	}
	return &Apply{base{typ: nativeResult}, fn, args}
}

func (e *Apply) String() string {
	list := make([]string, len(e.Args))
	for i, a := range e.Args {
		list[i] = a.String()
	}
	return e.Fn.Name + "(" + strings.Join(list, ", ") + ")"
}
