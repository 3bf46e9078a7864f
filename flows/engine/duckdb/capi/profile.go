package capi

import (
	"strconv"

	bind "github.com/duckdb/duckdb-go-bindings"
)

// Operator is one operator of the plan of a statement that is over.
type Operator struct {
	Type    string
	Extra   string  // what DuckDB says of it, conditions among others
	Seconds float64 // that threads spent in it, without those it reads from
	Inputs  []Operator
}

// ProfileSettings make DuckDB measure the operators of a connection's statements; to be executed on it before Profile.
var ProfileSettings = []string{
	"SET enable_profiling='no_output'",
	`SET custom_profiling_settings='{"OPERATOR_TIMING": "true", "OPERATOR_TYPE": "true", "EXTRA_INFO": "true"}'`,
}

// Profile returns the operators of the last statement of the connection, false where they were not measured.
func (c *Conn) Profile() (Operator, bool) {
	info := bind.GetProfilingInfo(c.c)
	if info.Ptr == nil {
		return Operator{}, false
	}
	return operator(info), true
}

func operator(info bind.ProfilingInfo) Operator {
	text := func(key string) string {
		v := bind.ProfilingInfoGetValue(info, key)
		if v.Ptr == nil {
			return ""
		}
		defer bind.DestroyValue(&v)
		return bind.GetVarchar(v)
	}
	o := Operator{Type: text("OPERATOR_TYPE"), Extra: text("EXTRA_INFO")}
	o.Seconds, _ = strconv.ParseFloat(text("OPERATOR_TIMING"), 64) // the root has none
	for i := range bind.ProfilingInfoGetChildCount(info) {
		o.Inputs = append(o.Inputs, operator(bind.ProfilingInfoGetChild(info, i)))
	}
	return o
}
