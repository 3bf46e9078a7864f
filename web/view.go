// Package web renders the pages for people. Templates get view models whose texts are ready to be shown; they decide
// nothing. The editor is a program of its own that one of the pages mounts.
package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"spark/flows"
)

// Frame is what every page has.
type Frame struct {
	Title   string
	Section string // "flows" or "runs": the current one in the top bar
	Theme   string // "light", "dark" or "": as the system
	Nonce   string // of styles
	Scripts []string
	Styles  []string
	Built   bool  // the front end was built
	Rejects int64 // that are open
	Bare    bool  // nobody is known: no navigation
}

// Badge is a state as icon, colour and word.
type Badge struct{ Kind, Icon, Word string }

// Run is a run in a list or as the head of its page.
type Run struct {
	ID, FlowID, Flow, Revision, Trigger string
	State                               Badge
	Live                                bool // not over
	Started, StartedExact, Duration     string
	Read, Written, Rejected             Count
	Error, Suggestion                   string
	Until                               string
	// Sample: it read a sample and wrote nothing.
	Sample bool
	// Delivery is the weakest promise of its outputs, and why.
	Delivery, DeliveryReason string
}

// Count is a number, short and exact.
type Count struct {
	Short, Exact string
	Zero         bool
}

// Flow is a flow in the list.
type Flow struct {
	ID, Name, Changed, ChangedExact, Published string
	LastRun                                    *Run
}

// Flows is the page of flows.
type Flows struct {
	Frame
	Search, Next string
	More         bool // not the first page
	Items        []Flow
	Largest      string // upload
}

// Option is a choice.
type Option struct {
	Value, Label string
	Chosen       bool
}

// Runs is the page of runs.
type Runs struct {
	Frame
	Items        []Run
	Flows        []Option
	States       []Option
	Filtered     bool
	FirstPage    bool
	Next         string // address of the next page; "": none
	FirstAddress string
}

// RunPage is the page of one run.
type RunPage struct {
	Frame
	Run Run
}

// Editor is the page of the editor.
type Editor struct {
	Frame
	ID string
}

// Setting is a setting of a node type.
type Setting struct {
	Title, Name, Help, Kind, Default string
	Required                         bool
}

// Port is an input or output of a node type.
type Port struct{ Direction, Title, Name, Note string }

// Help is the help page of a node type.
type Help struct {
	Frame
	ID, Title, Summary, Category string
	Body                         string // HTML made from Markdown, without any HTML of its own
	Icon                         string // SVG of the program
	Ports                        []Port
	Settings                     []Setting
}

// Message is a page that only says something.
type Message struct {
	Frame
	Heading, Text, Suggestion string
	SignIn                    bool
}

// Gallery shows every component in every state, for those who build them.
type Gallery struct {
	Frame
	Badges  []Badge
	Runs    []Run
	Options []Option
	Lists   []Flows
}

// StateBadge is the badge of a run.
func StateBadge(r flows.Run) Badge {
	switch r.State {
	case flows.RunQueued:
		return Badge{"queued", "clock", "Queued"}
	case flows.RunRunning:
		return Badge{"running", "spinner", "Running"}
	case flows.RunSucceeded:
		if !r.Clean() {
			return Badge{"warning", "triangle", "Done with rejects"}
		}
		return Badge{"succeeded", "check", "Done"}
	case flows.RunFailed:
		return Badge{"failed", "octagon", "Failed"}
	default:
		return Badge{"cancelled", "ban", "Cancelled"}
	}
}

// ViewRun makes a run ready to be shown.
func ViewRun(r flows.Run, now time.Time) Run {
	v := Run{ID: r.ID, FlowID: r.FlowID, Flow: Name(r.FlowName), Trigger: triggerWord(r.Trigger), State: StateBadge(r), Live: !r.State.Ended(),
		Read: ViewCount(r.Read), Written: ViewCount(r.Written), Rejected: ViewCount(r.Rejected), Duration: "—", Until: r.Until, Started: "—"}
	if v.Sample = r.Trigger == flows.TriggerSample; v.Sample {
		v.State.Word = "Sample: " + strings.ToLower(v.State.Word)
	}
	if r.Environment != "" {
		v.Trigger += " · " + r.Environment
	}
	if r.Revision > 0 {
		v.Revision = strconv.Itoa(r.Revision)
	}
	if !r.StartedAt.IsZero() {
		end := r.EndedAt
		if end.IsZero() {
			end = now
		}
		v.Started, v.StartedExact, v.Duration = Ago(r.StartedAt, now), exact(r.StartedAt), Duration(end.Sub(r.StartedAt))
	}
	if r.Error != nil {
		v.Error, v.Suggestion = r.Error.Message, r.Error.Suggestion
		if at := r.Error.Path.String(); at != "" {
			v.Error = at + ": " + v.Error
		}
	}
	return v
}

// Name is what a flow is called where it has no name.
func Name(s string) string {
	if s == "" {
		return "Untitled flow"
	}
	return s
}

// ViewFlow makes a flow ready to be shown.
func ViewFlow(d flows.Draft, last *flows.Run, now time.Time) Flow {
	f := Flow{ID: d.FlowID, Name: Name(d.Name), Changed: Ago(d.UpdatedAt, now), ChangedExact: exact(d.UpdatedAt), Published: "—"}
	if d.Published > 0 {
		f.Published = fmt.Sprintf("Revision %d", d.Published)
	}
	if last != nil {
		r := ViewRun(*last, now)
		f.LastRun = &r
	}
	return f
}

func triggerWord(t flows.Trigger) string {
	switch t {
	case flows.TriggerReplay:
		return "Replay"
	case flows.TriggerSample:
		return "Sample only: nothing was written"
	}
	return "Manual"
}

// ViewCount writes a number plainly below 1,000, then as k, M or G.
func ViewCount(n int64) Count {
	c := Count{Exact: group(n), Zero: n == 0}
	c.Short = c.Exact
	v := float64(n)
	for _, unit := range []string{"k", "M", "G", "T"} {
		if v < 999.5 {
			break
		}
		v /= 1000
		if v < 9.95 {
			c.Short = fmt.Sprintf("%.1f %s", math.Floor(v*10)/10, unit)
		} else {
			c.Short = fmt.Sprintf("%.0f %s", math.Floor(v), unit)
		}
	}
	return c
}

func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Duration writes 0.8 s, 42 s, 3 m 12 s or 2 h 5 m.
func Duration(d time.Duration) string {
	s := int64(d / time.Second)
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", math.Floor(max(0, d.Seconds())*10)/10)
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d m %d s", s/60, s%60)
	default:
		return fmt.Sprintf("%d h %d m", s/3600, s/60%60)
	}
}

// Ago says how long ago something was, and when it is long ago, the day.
func Ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return t.UTC().Format("2 Jan 2006, 15:04")
	}
}

func exact(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
