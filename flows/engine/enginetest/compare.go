package enginetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
)

// Setup makes an engine and the files for a data folder.
type Setup func(folder string) (engine.Engine, node.Files, error)

// Check generates the flow of a seed, runs it and compares everything. It returns which features the flow had.
func Check(seed uint64, setup Setup, folder string) (map[string]int, error) {
	g, err := generateIn(seed, true, folder)
	if err != nil {
		return nil, err
	}
	eng, files, err := setup(folder)
	if err != nil {
		return nil, err
	}
	o := plan.Options{Lookup: node.Looking(eng, nil), Engines: []plan.Engine{eng}, Facts: &facts}
	if len(g.flow.Parameters) > 0 {
		o.Parameters = secrets
	}
	p, ps := plan.Compile(g.flow, o)
	if ps.Failed() {
		return nil, fmt.Errorf("does not compile: %w", ps)
	}
	temp := filepath.Join(folder, "temp")
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return nil, err
	}
	var stored []node.Reject
	var samples []flows.Sample
	wanted := int(seed % 2 * 3) // samples must not change a count
	statuses, runErr := eng.Run(context.Background(), p, engine.Env{Files: files, Temp: temp, Threads: 2,
		Samples: wanted, Sampled: func(s []flows.Sample) { samples = s },
		Reject: func(r node.Reject) error { stored = append(stored, r); return nil }})
	c := &comparison{generated: g, plan: p, folder: folder, stored: stored, statuses: map[string]flows.NodeStatus{}}
	if err := checkSamples(samples, statuses, wanted, !p.Uncounted(), runErr); err != nil {
		return nil, fmt.Errorf("%w\nplan:\n%s\nrun: %v", err, p.Explain(), runErr)
	}
	for _, s := range statuses {
		c.statuses[s.Node] = s
	}
	c.marks()
	c.loosen()
	if err := c.compare(runErr); err != nil {
		return nil, fmt.Errorf("%w\nplan:\n%s\nflow: %s", err, p.Explain(), document(g.flow))
	}
	return g.used, nil
}

// Flow generates the flow of a seed, without secrets, and its files into a folder.
func Flow(seed uint64, folder string) (*flows.Flow, error) {
	g, err := generateIn(seed, false, folder)
	if err != nil {
		return nil, err
	}
	return g.flow, nil
}

func generateIn(seed uint64, sealed bool, folder string) (*generated, error) {
	g := generate(seed, sealed)
	for name, b := range g.files {
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// checkSamples: a sample is complete where its records were not stopped early.
func checkSamples(samples []flows.Sample, statuses []flows.NodeStatus, wanted int, counted bool, runErr error) error {
	if runErr == nil && wanted > 0 && len(samples) == 0 && counted {
		return errors.New("there are no samples")
	}
	for _, s := range samples {
		i := slices.IndexFunc(statuses, func(n flows.NodeStatus) bool { return n.Node == s.Node })
		n := int64(len(s.Rows))
		all := min(int64(wanted), statuses[i].Out[s.Port])
		if n > all || runErr == nil && n < all && !slices.Contains(statuses[i].StoppedEarly, s.Port) {
			return fmt.Errorf("port %s.%s counted %d records and its sample has %d", s.Node, s.Port, statuses[i].Out[s.Port], n)
		}
		for _, row := range s.Rows {
			if len(row) != len(s.Schema) {
				return fmt.Errorf("a sample at %s.%s has %d values for %d fields", s.Node, s.Port, len(row), len(s.Schema))
			}
		}
	}
	return nil
}

func document(f *flows.Flow) string {
	b, err := f.Canonical()
	if err != nil {
		return err.Error()
	}
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return string(b)
	}
	return out.String()
}

type comparison struct {
	*generated
	plan     *plan.Plan
	folder   string
	stored   []node.Reject
	statuses map[string]flows.NodeStatus
	marked   map[plan.Ref]bool
	loose    map[string]bool // nodes that got nobody knows what
}

// ending is how a relation ends.
type ending int

const (
	complete  ending = iota
	cut              // told to stop
	untouched        // perhaps never begun
)

// marks decides by the complete counts which relations may be shorter than complete. What the plan decided (which
// relations are kept, on which side a join builds) is taken from it.
func (c *comparison) marks() {
	c.marked = map[plan.Ref]bool{}
	kept, left := map[plan.Ref]bool{}, map[string]bool{}
	for _, s := range c.plan.Stages {
		if s.Kind == plan.StageKeep {
			kept[s.Target] = true
		}
		for _, st := range s.Steps {
			left[st.Node.ID] = st.BuildLeft
		}
	}
	ends := map[plan.Ref]ending{}
	for _, ref := range slices.Backward(c.refs) {
		out := complete
		for port := range ref.ports {
			r := plan.Ref{Node: ref.id, Port: port}
			if e := ends[r]; e != complete && !kept[r] && port != node.Rejects {
				c.marked[r] = true
				out = max(out, e)
			}
		}
		for port, in := range ref.inputs {
			ends[in] = max(ends[in], c.inputEnding(ref, port, out, left[ref.id]))
		}
	}
}

func (c *comparison) inputEnding(ref *reference, port string, out ending, buildLeft bool) ending {
	switch ref.kind {
	case "sort", "aggregate", "pivot", "deduplicate", "profile":
		if out == cut {
			return complete
		}
	case "window", "fillnulls", "rowid", "sample.records":
		if out == cut && !ref.streams {
			return complete
		}
	case "limit":
		if out == complete && int64(len(ref.ports[node.Out].rows)) == ref.count {
			return cut
		}
	case "lookup":
		if port == node.Reference && out == cut {
			return complete
		}
	case "union":
		switch {
		case out == cut && ref.distinct:
			return complete
		case out == cut && port != node.In: // perhaps the first one was enough
			return untouched
		}
	case "join":
		build := node.Right
		if buildLeft {
			build = node.Left
		}
		if port == build {
			if out == cut {
				return complete
			}
			return out
		}
		if out != untouched && c.buildable(ref, build) == 0 && needsBuild(ref.join, buildLeft) {
			return untouched
		}
	}
	return out
}

// buildable counts the rows of a build side; where only matches matter, a row with a null key is none.
func (c *comparison) buildable(ref *reference, port string) int {
	n := 0
	for _, r := range c.table(ref.inputs[port]).rows {
		null := false
		for _, k := range ref.keys {
			i := k[0]
			if port == node.Right {
				i = k[1]
			}
			null = null || r[i] == nil
		}
		if !null || ref.join != node.JoinInner && ref.join != node.JoinSemi {
			n++
		}
	}
	return n
}

// needsBuild: without a record on the build side there is no result.
func needsBuild(k node.JoinKind, left bool) bool {
	return k == node.JoinInner || k == node.JoinSemi || k == node.JoinLeft && left || k == node.JoinRight && !left
}

func (c *comparison) table(r plan.Ref) *table { return c.ref(r.Node).ports[r.Port] }

func (c *comparison) compare(runErr error) error {
	certain, possible := c.failures()
	if runErr != nil {
		at := flows.AsError(runErr).Path.Node
		if !possible[at] {
			return fmt.Errorf("failed at %q: %w", at, runErr)
		}
		return c.nothingWritten()
	}
	if len(certain) > 0 {
		return fmt.Errorf("succeeded although %v must fail", slices.Sorted(maps.Keys(certain)))
	}
	for _, ref := range c.refs {
		if c.loose[ref.id] {
			continue
		}
		if err := c.compareNode(ref); err != nil {
			return err
		}
	}
	return c.compareRejects()
}

func (c *comparison) anyMarked(ref *reference) bool {
	for port := range ref.ports {
		if c.marked[plan.Ref{Node: ref.id, Port: port}] {
			return true
		}
	}
	return false
}

// failures lists the nodes that must fail the run, and those that may because they are perhaps stopped before.
func (c *comparison) failures() (certain, possible map[string]bool) {
	certain, possible = map[string]bool{}, map[string]bool{}
	for _, ref := range c.refs {
		if c.loose[ref.id] && ref.policy == flows.RejectFail {
			possible[ref.id] = true
			continue
		}
		if ref.rejected > 0 && ref.policy == flows.RejectFail {
			possible[ref.id] = true
			if !c.anyMarked(ref) && !c.plan.Uncounted() {
				certain[ref.id] = true
			}
		}
	}
	return certain, possible
}

func (c *comparison) nothingWritten() error {
	entries, err := os.ReadDir(c.folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, input := c.files[e.Name()]; !input && !e.IsDir() {
			return fmt.Errorf("the run failed and left %s", e.Name())
		}
	}
	return nil
}

func (c *comparison) compareNode(ref *reference) error {
	st := c.statuses[ref.id]
	if st.State != flows.NodeDone {
		return fmt.Errorf("node %s is %s", ref.id, st.State)
	}
	if c.plan.Uncounted() {
		if ref.input != nil {
			return c.compareFile(ref, st)
		}
		return nil
	}
	for port, t := range ref.ports {
		r := plan.Ref{Node: ref.id, Port: port}
		got, counted := st.Out[port]
		if !counted {
			continue // an unmatched port that nobody reads is not executed
		}
		want := int64(len(t.rows))
		if port == node.Rejects {
			want = ref.rejected
		}
		if got != want && (got > want || !c.marked[r] && (port != node.Rejects || !c.anyMarked(ref))) {
			return fmt.Errorf("port %s counted %d records, expected %d (marked: %t)", r, got, want, c.marked[r])
		}
		if port != node.Rejects && slices.Contains(st.StoppedEarly, port) != c.marked[r] {
			return fmt.Errorf("port %s: stopped early is %t, expected %t", r, slices.Contains(st.StoppedEarly, port), c.marked[r])
		}
	}
	arrived := map[string]int64{}
	for key, from := range ref.inputs {
		arrived[node.InputPort(key)] += c.statuses[from.Node].Out[from.Port]
	}
	if !maps.Equal(st.In, arrived) {
		return fmt.Errorf("inputs of %s counted %v records and their edges %v", ref.id, st.In, arrived)
	}
	if st.Rejected != ref.rejected && (st.Rejected > ref.rejected || !c.anyMarked(ref)) {
		return fmt.Errorf("node %s refused %d records, expected %d", ref.id, st.Rejected, ref.rejected)
	}
	if ref.input != nil {
		return c.compareFile(ref, st)
	}
	return nil
}

// compareFile compares what a sink wrote: as a multiset, or in order where the order is known.
func (c *comparison) compareFile(ref *reference, st flows.NodeStatus) error {
	if from := ref.inputs[node.In]; from.Port == node.Rejects && c.anyMarked(c.ref(from.Node)) && st.Written < int64(len(ref.input.rows)) {
		return nil // the node that refuses was stopped early
	}
	if st.Written != int64(len(ref.input.rows)) {
		return fmt.Errorf("%s wrote %d records, expected %d", ref.id, st.Written, len(ref.input.rows))
	}
	got, err := readOutput(filepath.Join(c.folder, ref.path), ref.input.schema)
	if err != nil {
		return fmt.Errorf("%s: %w", ref.path, err)
	}
	if len(got) != len(ref.input.rows) {
		return fmt.Errorf("%s has %d records, expected %d", ref.path, len(got), len(ref.input.rows))
	}
	if slices.EqualFunc(ref.input.schema, node.RejectSchema, func(a, b flows.Field) bool { return a.Name == b.Name }) {
		return nil // what rejects say is tested elsewhere
	}
	want := make([]string, len(got))
	for i, r := range ref.input.rows {
		want[i] = textRow(r)
	}
	if !ref.input.ordered {
		slices.Sort(want)
		slices.Sort(got)
	}
	for i := range want {
		if got[i] != want[i] {
			return fmt.Errorf("%s record %d is %q, expected %q", ref.path, i+1, got[i], want[i])
		}
	}
	return nil
}

func textRow(r row) string {
	parts := make([]string, len(r))
	for i, v := range r {
		parts[i] = nullText
		if v != nil {
			parts[i] = fmt.Sprint(v)
		}
	}
	return strings.Join(parts, "\x00")
}

// readOutput reads a file with parsers of the standard library; every record becomes one text.
func readOutput(path string, s flows.Schema) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if strings.HasSuffix(path, ".csv") {
		return readCSV(f, s)
	}
	return readJSONL(f, s)
}

func readCSV(r io.Reader, s flows.Schema) ([]string, error) {
	rd := csv.NewReader(bufio.NewReader(r))
	records, err := rd.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) == 0 || !slices.Equal(records[0], s.Names()) {
		return nil, fmt.Errorf("header is %q, expected %q", records, s.Names())
	}
	var out []string
	for _, rec := range records[1:] {
		out = append(out, strings.Join(rec, "\x00"))
	}
	return out, nil
}

func readJSONL(r io.Reader, s flows.Schema) ([]string, error) {
	dec := json.NewDecoder(r)
	dec.UseNumber()
	var out []string
	for {
		var m map[string]any
		switch err := dec.Decode(&m); {
		case err == io.EOF:
			return out, nil
		case err != nil:
			return nil, err
		}
		r := make(row, len(s))
		for i, f := range s {
			r[i] = m[f.Name]
		}
		out = append(out, textRow(r))
	}
}
