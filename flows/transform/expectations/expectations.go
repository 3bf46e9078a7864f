// Package expectations is the node type Expectations: it looks whether records are as they should be.
package expectations

import (
	"embed"
	"fmt"
	"regexp"
	"strings"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of an Expectations.
type Config struct {
	Rules []Rule `json:"rules" title:"Expectations" required:"true" help:"Looked at in this order. A null breaks only \"not null\" and conditions that say so."`
}

// Rule is one expectation.
type Rule struct {
	Expect    string   `json:"expect" title:"Expect" required:"true" enum:"notNull|unique|range|set|pattern|condition|recordCount|freshness"`
	Field     string   `json:"field,omitempty" title:"Field" widget:"field" showIf:"expect=notNull|range|set|pattern|freshness"`
	Fields    []string `json:"fields,omitempty" title:"Fields" widget:"fieldnames" showIf:"expect=unique" help:"Together they are there once."`
	Least     string   `json:"least,omitempty" title:"At least" widget:"expression" showIf:"expect=range" example:"0"`
	Most      string   `json:"most,omitempty" title:"At most" widget:"expression" showIf:"expect=range" example:"100"`
	Values    []string `json:"values,omitempty" title:"Values" widget:"texts" showIf:"expect=set" example:"paid"`
	Pattern   string   `json:"pattern,omitempty" title:"Pattern" showIf:"expect=pattern" help:"A regular expression for the whole text." example:"[A-Z]{2}[0-9]+"`
	Condition string   `json:"condition,omitempty" title:"Condition" widget:"condition" showIf:"expect=condition" help:"A record for which it is false breaks the expectation." example:"shipped_at >= ordered_at"`
	LeastN    *int64   `json:"leastRecords,omitempty" title:"At least" minimum:"0" showIf:"expect=recordCount"`
	MostN     *int64   `json:"mostRecords,omitempty" title:"At most" minimum:"0" showIf:"expect=recordCount"`
	Age       string   `json:"age,omitempty" title:"Not older than" showIf:"expect=freshness" help:"The newest record is at most so old when the run starts: an interval." example:"1 day"`
	Otherwise string   `json:"otherwise,omitempty" title:"Otherwise" enum:"fail|warn|reject" help:"fail: nothing is written. warn: it is counted and told. reject: the record is refused. Empty: reject, or fail where all records are meant."`
	Name      string   `json:"name,omitempty" title:"Name" advanced:"true" help:"How runs name it. Empty: what it says."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "expectations", Version: 1, Title: "Expectations", Category: node.CategoryQuality,
		Summary:  "Looks whether records are as they should be, and fails, warns or rejects.",
		Synonyms: []string{"quality", "check", "test", "assert", "constraint", "unique", "not null", "range", "freshness", "row count", "data contract"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true, Policy: flows.RejectStore,
		New:   func() node.Config { return &Config{} },
		Files: files,
	})
}

// Plan checks every rule and emits them.
func (c *Config) Plan(ctx *node.Context) {
	in, _ := ctx.Input(node.In)
	op := node.Expect{}
	for i, r := range c.Rules {
		if rule, ok := (planner{ctx, in, fmt.Sprintf("rules[%d]", i)}).rule(r); ok {
			op.Rules = append(op.Rules, rule)
		}
	}
	if len(op.Rules) == len(c.Rules) && len(op.Rules) > 0 {
		ctx.Emit(node.Out, op, in)
	}
}

// codes end the codes of rejects and errors; they are for ever.
var codes = map[string]string{"notNull": "not_null", "unique": "unique", "range": "range", "set": "set", "pattern": "pattern", "condition": "condition",
	"recordCount": "record_count", "freshness": "freshness"}

// planner plans the rule at a place of the settings.
type planner struct {
	*node.Context
	in flows.Schema
	at string
}

func (p planner) rule(r Rule) (node.Rule, bool) {
	makers := map[string]func(Rule) (node.Rule, bool){"notNull": p.notNull, "unique": p.unique, "range": p.bounds, "set": p.set, "pattern": p.pattern,
		"condition": p.condition, "recordCount": p.count, "freshness": p.fresh}
	make, ok := makers[r.Expect]
	if !ok {
		return node.Rule{}, false // reported
	}
	rule, ok := make(r)
	if !ok {
		return rule, false
	}
	rule.Level, rule.Code = node.Level(r.Otherwise), "expectation."+codes[r.Expect]
	switch {
	case r.Otherwise == "" && rule.Whole():
		rule.Level = node.LevelFail
	case r.Otherwise == "":
		rule.Level = node.LevelReject
	case rule.Whole() && rule.Level == node.LevelReject:
		p.Problem(p.at+".otherwise", "expectations.whole", fmt.Sprintf("%q is about all records together: there is none to reject", r.Expect), "choose fail or warn")
		return rule, false
	}
	if rule.Name = r.Name; rule.Name == "" {
		rule.Name = rule.Message
	} else {
		rule.Message = r.Name + ": " + rule.Message
	}
	return rule, true
}

// field is the field of a rule; false after reporting.
func (p planner) field(r Rule) (flows.Field, string, bool) {
	if r.Field == "" {
		p.Problem(p.at+".field", "config.required", `"Field" is missing`, "choose one")
		return flows.Field{}, "", false
	}
	f, ok := p.Field(p.at+".field", r.Field, p.in)
	return f, expr.FieldName(r.Field), ok
}

// broken compiles the condition of records that break a rule.
func (p planner) broken(member, src, field, message string) (node.Rule, bool) {
	e := p.Condition(p.at+"."+member, src, p.in)
	if e == nil {
		return node.Rule{}, false
	}
	if expr.Fallible(e) {
		p.Problem(p.at+"."+member, "expectations.fallible", "the condition cannot be computed for every record", "compute it in a Formula before, where such records can be refused")
		return node.Rule{}, false
	}
	return node.Rule{Broken: e, Field: field, Message: message}, true
}

func (p planner) notNull(r Rule) (node.Rule, bool) {
	_, name, ok := p.field(r)
	if !ok {
		return node.Rule{}, false
	}
	return p.broken("field", name+" is null", r.Field, fmt.Sprintf("%s is not null", r.Field))
}

func (p planner) unique(r Rule) (node.Rule, bool) {
	if len(r.Fields) == 0 {
		p.Problem(p.at+".fields", "config.required", `"Fields" is missing`, "choose the fields that identify a record")
		return node.Rule{}, false
	}
	keys := p.FieldRefs(p.at+".fields", r.Fields, p.in)
	rule := node.Rule{Unique: keys, Message: strings.Join(r.Fields, ", ") + " is unique"}
	if len(r.Fields) == 1 {
		rule.Field = r.Fields[0]
	}
	return rule, len(keys) == len(r.Fields)
}

func (p planner) bounds(r Rule) (node.Rule, bool) {
	_, name, ok := p.field(r)
	if !ok {
		return node.Rule{}, false
	}
	var conds, says []string
	if r.Least != "" {
		conds, says = append(conds, fmt.Sprintf("%s < (%s)", name, r.Least)), append(says, "at least "+r.Least)
	}
	if r.Most != "" {
		conds, says = append(conds, fmt.Sprintf("%s > (%s)", name, r.Most)), append(says, "at most "+r.Most)
	}
	if len(conds) == 0 {
		p.Problem(p.at+".least", "config.required", "the range has no end", "give the smallest value, the largest, or both")
		return node.Rule{}, false
	}
	return p.broken("least", strings.Join(conds, " or "), r.Field, fmt.Sprintf("%s is %s", r.Field, strings.Join(says, " and ")))
}

func (p planner) set(r Rule) (node.Rule, bool) {
	f, name, ok := p.field(r)
	if !ok {
		return node.Rule{}, false
	}
	if len(r.Values) == 0 {
		p.Problem(p.at+".values", "config.required", `"Values" is missing`, "list the values that may be")
		return node.Rule{}, false
	}
	values := make([]string, len(r.Values))
	for i, v := range r.Values {
		if values[i] = valueOf(f.Type, v); values[i] == "" {
			p.Problem(fmt.Sprintf("%s.values[%d]", p.at, i), "expectations.value", fmt.Sprintf("%q is not of type %s", v, f.Type), "write a value of that type, or use a condition")
			return node.Rule{}, false
		}
		if p.Expr(fmt.Sprintf("%s.values[%d]", p.at, i), values[i], p.in) == nil {
			return node.Rule{}, false
		}
	}
	return p.broken("values", fmt.Sprintf("%s not in (%s)", name, strings.Join(values, ", ")), r.Field, fmt.Sprintf("%s is one of %s", r.Field, strings.Join(r.Values, ", ")))
}

func (p planner) pattern(r Rule) (node.Rule, bool) {
	f, name, ok := p.field(r)
	if !ok {
		return node.Rule{}, false
	}
	switch {
	case r.Pattern == "":
		p.Problem(p.at+".pattern", "config.required", `"Pattern" is missing`, "write a regular expression")
		return node.Rule{}, false
	case f.Type.Kind != flows.Text:
		p.Problem(p.at+".field", "expr.type", fmt.Sprintf("%s is of type %s and a pattern is for text", r.Field, f.Type), "choose a field of type text, or another expectation")
		return node.Rule{}, false
	}
	return p.broken("pattern", fmt.Sprintf("not regexp_matches(%s, %s)", name, literal("^(?:"+r.Pattern+")$")), r.Field, fmt.Sprintf("%s matches %s", r.Field, r.Pattern))
}

func (p planner) condition(r Rule) (node.Rule, bool) {
	if p.Condition(p.at+".condition", r.Condition, p.in) == nil {
		return node.Rule{}, false
	}
	return p.broken("condition", "not ("+r.Condition+"\n)", "", r.Condition)
}

func (p planner) count(r Rule) (node.Rule, bool) {
	rule := node.Rule{Records: &node.Bounds{Least: r.LeastN, Most: r.MostN}}
	switch {
	case r.LeastN == nil && r.MostN == nil:
		p.Problem(p.at+".leastRecords", "config.required", "the number of records has no bound", "give the smallest number, the largest, or both")
		return rule, false
	case r.LeastN != nil && r.MostN != nil && *r.LeastN > *r.MostN:
		p.Problem(p.at+".mostRecords", "expectations.bounds", "the largest number is smaller than the smallest", "exchange them")
		return rule, false
	case r.MostN == nil:
		rule.Message = fmt.Sprintf("there are at least %d records", *r.LeastN)
	case r.LeastN == nil:
		rule.Message = fmt.Sprintf("there are at most %d records", *r.MostN)
	default:
		rule.Message = fmt.Sprintf("there are %d to %d records", *r.LeastN, *r.MostN)
	}
	return rule, true
}

func (p planner) fresh(r Rule) (node.Rule, bool) {
	f, name, ok := p.field(r)
	if !ok {
		return node.Rule{}, false
	}
	since, ok := p.since(f, r)
	if !ok {
		return node.Rule{}, false
	}
	e := p.Condition(p.at+".age", fmt.Sprintf("coalesce(%s >= %s, false)", name, since), p.in)
	if e == nil {
		return node.Rule{}, false
	}
	return node.Rule{Some: e, Field: r.Field, Message: fmt.Sprintf("the newest %s is not older than %s", r.Field, r.Age)}, true
}

// since is the expression of the oldest time that is fresh, of the type of the field. Times without a zone are UTC.
func (p planner) since(f flows.Field, r Rule) (string, bool) {
	if r.Age == "" {
		p.Problem(p.at+".age", "config.required", `"Not older than" is missing`, "write an interval, such as 1 day")
		return "", false
	}
	age := "interval " + literal(r.Age)
	if e := p.Expr(p.at+".age", age, p.in); e == nil {
		return "", false
	}
	since := "(now() - " + age + ")"
	switch f.Type.Kind {
	case flows.TimestampTZ:
	case flows.Timestamp:
		since = "cast(" + since + " as timestamp zone 'UTC')"
	case flows.Date:
		since = "cast(cast(" + since + " as timestamp zone 'UTC') as date)"
	default:
		p.Problem(p.at+".field", "expr.type", fmt.Sprintf("%s is of type %s and not a date or timestamp", r.Field, f.Type), "choose a field with a date or a timestamp")
		return "", false
	}
	return since, true
}

var number = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// valueOf writes a text as a literal of a type; "" where there is none.
func valueOf(t flows.Type, s string) string {
	switch {
	case t.Kind == flows.Text:
		return literal(s)
	case (t.IsInteger() || t.Kind == flows.Decimal || t.Kind == flows.Double) && number.MatchString(s),
		t.Kind == flows.Boolean && (s == "true" || s == "false"):
		return s
	}
	switch t.Kind {
	case flows.Date, flows.Time, flows.Timestamp, flows.TimestampTZ, flows.UUID:
		return t.String() + " " + literal(s)
	}
	return ""
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
