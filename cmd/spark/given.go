package main

import (
	"fmt"
	"os"
	"slices"

	"spark/flows"
)

// given are the flags that say what a flow runs with.
type given struct {
	Set         map[string]string `help:"Value of a parameter, a list with commas or as JSON; --param is the same. May be repeated." aliases:"param" placeholder:"NAME=VALUE" mapsep:"none"`
	SetEnv      map[string]string `help:"Value of a parameter from a variable of the environment: the way for secret ones. May be repeated." placeholder:"NAME=VARIABLE" mapsep:"none"`
	Environment string            `help:"Environment of the project: it chooses where connections lead and what parameters are, such as development." placeholder:"NAME"`
}

// values are the parameters that are given. A secret one is refused in an argument, which other users of the machine see.
func (g given) values(f *flows.Flow) (map[string]string, error) {
	all := map[string]string{}
	for name, value := range g.Set {
		if slices.ContainsFunc(f.Parameters, func(p flows.Parameter) bool { return p.Name == name && p.Secret }) {
			return nil, &flows.Error{Code: "parameter.argument", Params: flows.Params{"parameter": name}, Message: fmt.Sprintf("the parameter %q is secret, and everybody on this machine can read arguments", name),
				Suggestion: fmt.Sprintf("put the value into a variable and use --set-env %s=VARIABLE", name)}
		}
		all[name] = value
	}
	for name, variable := range g.SetEnv {
		value, ok := os.LookupEnv(variable)
		if !ok {
			return nil, &flows.Error{Code: "parameter.env", Params: flows.Params{"parameter": name, "variable": variable}, Message: fmt.Sprintf("the parameter %q comes from the variable %s, which is not set", name, variable), Suggestion: "set it"}
		}
		all[name] = value
	}
	return all, nil
}
