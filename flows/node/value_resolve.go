package node

import (
	"encoding/json"
	"fmt"

	"spark/flows"
	"spark/flows/expr"
)

// Resolve returns the value for this run, or reports at the config field why there is none. An expression may be a
// literal or a parameter; secrets belong to connections.
func Resolve[T any](c *Context, field string, v Value[T]) (T, bool) {
	var zero T
	name := v.Parameter
	switch {
	case v.IsLiteral():
		return v.Literal, true
	case v.Secret != "":
		c.Problem(field, "config.secret", "a secret cannot be used in this setting", "use a literal or a parameter")
		return zero, false
	case v.Expression != "":
		e := c.Expr(field, v.Expression, nil)
		switch e := e.(type) {
		case nil:
			return zero, false
		case *expr.Literal:
			return convertValue[T](c, field, e.Value)
		case *expr.ParamRef:
			name = e.Name
		default:
			c.Problem(field, "config.expression", "this setting takes a literal or one parameter", "compute the value where the run is started and hand it over as a parameter")
			return zero, false
		}
	}
	for _, p := range c.Params {
		if p.Name == name {
			if !p.HasValue {
				c.Problem(field, "parameter.missing", fmt.Sprintf("the parameter %q has no value", name), "give it one with --set "+name+"=…")
				return zero, false
			}
			return convertValue[T](c, field, p.Value)
		}
	}
	names := make([]string, len(c.Params))
	for i, p := range c.Params {
		names[i] = p.Name
	}
	c.Problem(field, "expr.unknown_parameter", fmt.Sprintf("there is no parameter %q", name), flows.DidYouMean(name, names))
	return zero, false
}

func convertValue[T any](c *Context, field string, v any) (T, bool) {
	if t, ok := v.(T); ok {
		return t, true
	}
	var t T
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if err != nil {
		c.Problem(field, "config.type", fmt.Sprintf("the value %v is not of the type that this setting needs (%T)", v, t), "choose another parameter or change its type")
	}
	return t, err == nil
}
