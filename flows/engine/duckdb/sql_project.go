package duckdb

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows/expr"
	"spark/flows/node"
	"spark/flows/plan"
)

// projection writes columns that may fail, and checks, of one record.
type projection struct {
	*builder
	step   *plan.Step
	outer  []string // the columns
	inner  []string // values of those that may fail
	errs   []string // codes of what is wrong, null where nothing is; the first one counts
	whys   []string // cases of a code, with what there is to say
	offset int      // codes that are taken
}

func (p *projection) checks(list []node.Check) error {
	for _, k := range list {
		r, err := p.run.render.Render(k.Cond)
		if err != nil {
			return err
		}
		p.run.site(p.step, p.offset, k.Field, []ErrorSite{{Code: k.Code, Message: k.Message}})
		p.offset++
		p.errs = append(p.errs, fmt.Sprintf("CASE WHEN %s THEN %d END", r.Value, p.offset))
		if k.Why != nil {
			w, err := p.run.render.Render(k.Why)
			if err != nil {
				return err
			}
			p.whys = append(p.whys, fmt.Sprintf("WHEN %d THEN %s", p.offset, w.Value))
		}
	}
	return nil
}

// columns writes those that are needed, or can fail, and the origin where it goes on.
func (p *projection) columns(list []node.Column) error {
	for _, c := range list {
		needed := slices.Contains(p.step.Needed, c.Name)
		if !needed && !expr.Fallible(c.Expr) {
			continue
		}
		r, err := p.run.render.Render(c.Expr)
		if err != nil {
			return err
		}
		value := r.Value
		if r.Err != "" {
			value = fmt.Sprintf("__spark_v%d", len(p.inner))
			p.inner = append(p.inner, fmt.Sprintf("%s AS %s", r.Value, value))
			p.errs = append(p.errs, fmt.Sprintf("(%s) + %d", r.Err, p.offset))
			p.run.site(p.step, p.offset, c.Name, r.Errors)
			p.offset += len(r.Errors)
		}
		if needed {
			p.outer = append(p.outer, fmt.Sprintf("%s AS %s", value, quoteName(c.Name)))
		}
	}
	if p.step.Origin {
		p.outer = append(p.outer, quoteName(node.OriginFile), quoteName(node.OriginRecord))
	}
	return nil
}

// sql passes the records of in for which keep is true, and refuses those in which something is wrong.
func (p *projection) sql(in, keep, refuse string) string {
	inner := append([]string{"*"}, append(p.inner, "coalesce("+strings.Join(p.errs, ", ")+") AS __spark_e")...)
	return fmt.Sprintf("SELECT %s FROM (SELECT %s FROM %s) WHERE tapf(%d, CASE WHEN __spark_e IS NULL THEN %s ELSE %s END)",
		strings.Join(p.outer, ", "), strings.Join(inner, ", "), in, p.run.taps[p.step.Ref], keep, refuse)
}
