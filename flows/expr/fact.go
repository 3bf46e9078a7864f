package expr

import (
	"slices"
	"strings"
	"time"

	"spark/flows"
)

// Facts are what a run knows about itself. In expressions they are functions, in the texts of settings ${run.…}; their
// names have a dot, which no parameter can have. For one run each of them is one value.

// factPrefix begins the names of facts.
const factPrefix = "run."

// FactParams are the facts of a run as values with names such as run.id.
func FactParams(f flows.RunFacts) []Param {
	text, whole, zoned := flows.Of(flows.Text), flows.Of(flows.Int64), flows.Of(flows.TimestampTZ)
	return []Param{
		{Name: "run.id", Type: text, Value: f.ID, HasValue: true},
		{Name: "run.flow", Type: text, Value: strings.ReplaceAll(f.Flow, "\x00", ""), HasValue: true},
		{Name: "run.revision", Type: whole, Value: int64(f.Revision), HasValue: true},
		{Name: "run.environment", Type: text, Value: f.Environment, HasValue: true},
		{Name: "run.attempt", Type: whole, Value: int64(f.Attempt), HasValue: true},
		{Name: "run.started_at", Type: zoned, Value: instant(f.StartedAt), HasValue: true},
		{Name: "run.scheduled_at", Type: zoned, Value: instant(f.ScheduledAt), HasValue: !f.Unscheduled},
	}
}

// instant is a time as a literal of type timestamptz has it, null for none.
func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02 15:04:05.999999Z")
}

// IsFact reports whether a value is known by the run itself, and is no parameter.
func IsFact(p Param) bool { return strings.HasPrefix(p.Name, factPrefix) }

// Fact finds what a function without arguments says about the run.
func Fact(c *Call, params []Param) (Param, bool) {
	i := slices.IndexFunc(params, func(p Param) bool { return c.Fn.fact != "" && p.Name == c.Fn.fact })
	if i < 0 {
		return Param{}, false
	}
	return params[i], true
}

// The columns in which the origin of a record travels: its file (text) and its number in it (int64), from 1.
const (
	OriginFile   = "__spark_file"
	OriginRecord = "__spark_record"
)

// OriginOf is the column that a function without arguments reads; "" for all others.
func OriginOf(f *Func) string { return f.origin }

func init() {
	register("run",
		&Func{Name: "run_id", fact: "run.id", Signatures: signatures(" → text"), Help: "Returns the id of the run; 'preview' in a preview."},
		&Func{Name: "flow_name", fact: "run.flow", Signatures: signatures(" → text"), Help: "Returns the name of the flow."},
		&Func{Name: "flow_revision", fact: "run.revision", Signatures: signatures(" → int64"), Help: "Returns the number of the revision that runs; 0 in a preview and for a flow file."},
		&Func{Name: "environment", fact: "run.environment", Signatures: signatures(" → text"), Help: "Returns the name of the environment; an empty text where there is none."},
		&Func{Name: "started_at", fact: "run.started_at", Signatures: signatures(" → timestamptz"), Help: "Returns when the run began, the same in all its attempts; in a preview the time of the preview."},
		&Func{Name: "scheduled_at", fact: "run.scheduled_at", Signatures: signatures(" → timestamptz"), Help: "Returns the time that a schedule has started the run for; null where somebody started it, and in a preview."},
		&Func{Name: "attempt", fact: "run.attempt", Signatures: signatures(" → int64"), Help: "Returns the number of the attempt at the run, from 1."},
	)
	register("record",
		&Func{Name: "file_name", origin: OriginFile, Signatures: signatures(" → text"),
			Help: "Returns the file that the record was read from, as the flow and rejects name it, or the name of the sample; null for a table. A Join, an Aggregate and others that make new records end it."},
		&Func{Name: "record_number", origin: OriginRecord, Signatures: signatures(" → int64"),
			Help: "Returns the number of the record in its file, table or sample, from 1 and without the header, as rejects name it. It ends where file_name does."},
	)
}
