package flows

import (
	"fmt"
	"regexp"
	"slices"
)

// FirstEnvironment is the environment of a project in which nobody has named any.
const FirstEnvironment = "production"

// Environment is a place that the flows of a project run in: its connections lead somewhere else in each.
type Environment struct {
	Name    string `json:"name"`
	Default bool   `json:"default,omitempty"` // where nothing else is said; one is
	Was     string `json:"was,omitempty"`     // its name so far, where it is renamed; never read
}

// MaxEnvironments is how many a project can have.
const MaxEnvironments = 20

var environmentPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// CheckEnvironments reports what is wrong with the environments of a project.
func CheckEnvironments(list []Environment) error {
	bad := func(i int, message, suggestion string) error {
		return &Error{Code: "environment.list", Path: Path{Field: fmt.Sprintf("items[%d]", i)}, Message: message, Suggestion: suggestion}
	}
	if len(list) == 0 || len(list) > MaxEnvironments {
		return bad(0, fmt.Sprintf("a project has 1 to %d environments", MaxEnvironments), "keep one of them")
	}
	defaults := 0
	for i, e := range list {
		if !environmentPattern.MatchString(e.Name) {
			return bad(i, fmt.Sprintf("%s is not a name of an environment", quoted(e.Name)), "use 1 to 40 small letters, digits or -, such as development")
		}
		if slices.IndexFunc(list, func(o Environment) bool { return o.Name == e.Name }) != i {
			return bad(i, fmt.Sprintf("two environments are named %q", e.Name), "give one of them another name")
		}
		if e.Was != "" && slices.ContainsFunc(append(slices.Clone(list[:i]), list[i+1:]...), func(o Environment) bool { return o.Was == e.Was || o.Name == e.Was && o.Was == "" }) {
			return bad(i, fmt.Sprintf("two environments come from %q", e.Was), "rename one of them, and add the other")
		}
		if e.Default {
			defaults++
		}
	}
	if defaults != 1 {
		return bad(0, fmt.Sprintf("%d environments are the default one", defaults), "choose one")
	}
	return nil
}
