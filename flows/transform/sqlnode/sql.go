// Package sqlnode is the node type SQL: one SELECT over its inputs.
package sqlnode

import (
	"embed"
	"fmt"
	"regexp"
	"strings"

	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of an SQL.
type Config struct {
	Query  string   `json:"query" title:"Query" required:"true" widget:"sql" help:"One SELECT in the SQL of DuckDB. The inputs are the tables in1, in2 and so on; $name is a parameter." example:"SELECT country, count(*) AS orders FROM in1 GROUP BY country"`
	Tables []string `json:"tables,omitempty" title:"Names of the inputs" widget:"texts" help:"In the order of the edges. Empty: in1, in2 and so on."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "sql", Version: 1, Title: "SQL", Category: node.CategoryCode,
		Summary:  "One SELECT statement over the inputs.",
		Synonyms: []string{"spark sql query", "select", "query", "duckdb", "statement", "sql query"},
		Inputs:   []node.Port{{Name: node.In, Title: "Tables", Many: true}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Result"}},
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

var tableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// Plan names the inputs and asks the engine for the fields of the result.
func (s *Config) Plan(c *node.Context) {
	inputs := c.Inputs(node.In)
	if s.Query == "" || !s.named(c, len(inputs)) {
		return // reported
	}
	q := node.Query{SQL: s.Query, Params: c.Params}
	for i := range inputs {
		name := fmt.Sprintf("in%d", i+1)
		if i < len(s.Tables) {
			name = s.Tables[i]
		}
		q.Tables = append(q.Tables, name)
	}
	if c.Lookup == nil {
		return // the fields are not known without the engine
	}
	schema, err := c.Lookup.DescribeQuery(q.Question(inputs))
	if err != nil {
		c.Report("query", err)
		return
	}
	c.Emit(node.Out, q, schema)
}

// named checks the names of the inputs; those that go without have their number.
func (s *Config) named(c *node.Context, inputs int) bool {
	if len(s.Tables) > inputs {
		c.Problem("tables", "sql.tables", fmt.Sprintf("%d names are given and %d inputs are connected", len(s.Tables), inputs), "draw the missing edges, or remove a name")
		return false
	}
	seen := map[string]bool{}
	for i := len(s.Tables); i < inputs; i++ {
		seen[fmt.Sprintf("in%d", i+1)] = true
	}
	for i, name := range s.Tables {
		at := fmt.Sprintf("tables[%d]", i)
		switch {
		case !tableName.MatchString(name):
			c.Problem(at, "sql.table", fmt.Sprintf("%q is not a name of a table", name), "use letters, digits and _, beginning with a letter")
			return false
		case seen[strings.ToLower(name)]:
			c.Problem(at, "sql.table", fmt.Sprintf("two inputs are named %q", name), "choose another name")
			return false
		}
		seen[strings.ToLower(name)] = true
	}
	return true
}
