package node

import (
	"spark/flows"
	"spark/flows/expr"
)

// Query is one SELECT in the engine's own SQL over complete inputs. It sees them and nothing else.
type Query struct {
	SQL    string
	Tables []string // by input: the name that it has in the statement
	Params []expr.Param
}

func (Query) op() {}

// QueryTable is a table that a statement may read. It travels as JSON.
type QueryTable struct {
	Name   string       `json:"name"`
	Schema flows.Schema `json:"schema"`
}

// QueryQuestion asks for the fields of a statement's result. Parameters have a type and no value.
type QueryQuestion struct {
	SQL    string        `json:"sql"`
	Tables []QueryTable  `json:"tables"`
	Params []flows.Field `json:"params,omitempty"`
	// Secrets are parameters that a statement must not use: its result would show them.
	Secrets []string `json:"secrets,omitempty"`
}

// Question asks for the fields of q's result, inputs being the schemas of its tables.
func (q Query) Question(inputs []flows.Schema) QueryQuestion {
	question := QueryQuestion{SQL: q.SQL}
	for i, s := range inputs {
		question.Tables = append(question.Tables, QueryTable{q.Tables[i], s})
	}
	for _, p := range q.Params {
		if p.Secret {
			question.Secrets = append(question.Secrets, p.Name)
			continue
		}
		question.Params = append(question.Params, flows.Field{Name: p.Name, Type: p.Type})
	}
	return question
}

// QueryDescriber looks at statements.
type QueryDescriber interface {
	// DescribeQuery checks that a statement is one SELECT that reads nothing but its tables, and returns the fields of its
	// result.
	DescribeQuery(q QueryQuestion) (flows.Schema, error)
}
