package executor

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
)

// replaying is a replay as the plan and the run of it need it.
type replaying struct {
	plan  *plan.Replay
	flow  *flows.Flow   // that the records go through, prepared
	files *refusedFiles // nil where the records do not come from files
}

// prepareReplay finds how the records came to the node that refused them. In all revisions that refused some that must
// have been the same.
func prepareReplay(r *flows.Replay, flow *flows.Flow, files node.Files, o plan.Options) (*replaying, error) {
	var entry plan.Entry
	for i, doc := range r.Documents {
		old, err := flows.ParseFlow(doc)
		if err != nil {
			return nil, err
		}
		p, _ := plan.Compile(old, plan.Options{Environment: o.Environment, Parameters: o.Parameters, Lookup: o.Lookup, Validate: true})
		e, wrong := p.EntryOf(r.Node)
		if wrong != nil {
			return nil, wrong
		}
		if i > 0 && (e.From != entry.From || !e.Schema.Equal(entry.Schema)) {
			return nil, &flows.Error{Code: "replay.mixed", Path: flows.Path{Node: r.Node}, Message: "the records were refused by revisions in which they came from different places, or had different fields",
				Suggestion: "replay those of one revision at a time"}
		}
		entry = e
	}
	x := &replaying{flow: flow, plan: &plan.Replay{Node: r.Node, Entry: entry, Dry: r.Dry}}
	if !entry.Source() {
		x.plan.Source = refusedRecords{rejects: r.Rejects, node: r.Node}
		return x, nil
	}
	config, err := withoutPreamble(flow, r.Node, o)
	if err != nil {
		return nil, err
	}
	if x.files, err = newRefusedFiles(files, r.Rejects, config); err != nil {
		return nil, err
	}
	x.plan.Wrap = func(s node.Source) node.Source { return rereading{Source: s, files: x.files} }
	return x, nil
}

// fileConfig is what of a File Input matters when its records are read again.
type fileConfig struct {
	Format            string `json:"format"`
	Path              string `json:"path"`
	RecordNumberField string `json:"recordNumberField"`
	Options           struct {
		Header *bool `json:"header"`
	} `json:"options"`
}

// withoutPreamble prepares a File Input to read refused records: as text in UTF-8, without lines before the header.
func withoutPreamble(f *flows.Flow, id string, o plan.Options) (c fileConfig, err error) {
	for i, n := range f.Nodes {
		if n.ID != id || n.Type != "file.input" {
			continue
		}
		var members map[string]json.RawMessage
		options := map[string]json.RawMessage{}
		if err := errors.Join(json.Unmarshal(n.Config, &members), json.Unmarshal(node.Bound(n, plan.Values(f, o.Environment, o.Parameters)), &c)); err != nil {
			return c, fmt.Errorf("config of %s: %w", id, err)
		}
		if raw, ok := members["options"]; ok {
			if err := json.Unmarshal(raw, &options); err != nil {
				return c, fmt.Errorf("config of %s: %w", id, err)
			}
		}
		for name, value := range map[string]string{"encoding": `"utf-8"`, "skipLines": "0"} {
			if _, set := options[name]; set {
				options[name] = json.RawMessage(value)
			}
		}
		if len(options) > 0 {
			if members["options"], err = json.Marshal(options); err != nil {
				return c, fmt.Errorf("config of %s: %w", id, err)
			}
		}
		if f.Nodes[i].Config, err = json.Marshal(members); err != nil {
			return c, fmt.Errorf("config of %s: %w", id, err)
		}
	}
	if c.RecordNumberField != "" {
		return c, &flows.Error{Code: "replay.record_number", Path: flows.Path{Node: id}, Message: fmt.Sprintf("the field %q holds the number of a record in its file, which a replay does not keep", c.RecordNumberField),
			Suggestion: "mend the file and run the flow again"}
	}
	return c, nil
}

// refusedRecords are records that a node refused: JSON objects of their fields, as text.
type refusedRecords struct {
	rejects []flows.Reject
	node    string
}

var _ node.TextSource = refusedRecords{}

// Texts tells that all fields are delivered as text.
func (refusedRecords) Texts() {}

func (s refusedRecords) String() string { return fmt.Sprintf("records that %s refused", s.node) }

// EstimateRecords is exact.
func (s refusedRecords) EstimateRecords(func(string) int64) float64 { return float64(len(s.rejects)) }

const replayBatch = 2048

// Read delivers them in their order.
func (s refusedRecords) Read(_ context.Context, r *node.Reading) (stats node.ReadStats, err error) {
	fields := make([]arrow.Field, 0, len(r.Fields)+2)
	for _, name := range r.Fields {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	if r.Origin {
		fields = append(fields, arrow.Field{Name: node.OriginFile, Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: node.OriginRecord, Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	}
	b := array.NewRecordBuilder(mallocator.NewMallocator(), arrow.NewSchema(fields, nil))
	defer b.Release()
	for i, x := range s.rejects {
		var values map[string]*string
		if err := json.Unmarshal([]byte(x.Raw), &values); err != nil {
			return stats, &flows.Error{Code: "replay.record", Path: flows.Path{Node: s.node, File: x.File, Record: x.Record}, Cause: err, Message: "a stored record cannot be read",
				Suggestion: "leave it out, or discard it"}
		}
		for k, name := range r.Fields {
			text, ok := values[name]
			if !ok {
				return stats, &flows.Error{Code: "replay.fields", Path: flows.Path{Node: s.node, Column: name}, Message: fmt.Sprintf("a stored record has no field %q", name), Suggestion: "leave it out, or discard it"}
			}
			column := b.Field(k).(*array.StringBuilder)
			if text == nil {
				column.AppendNull()
			} else {
				column.Append(*text)
			}
		}
		if r.Origin {
			appendOrigin(b, len(r.Fields), x)
		}
		stats.Records++
		if (i+1)%replayBatch == 0 {
			if err := r.Emit(node.Batch{Records: b.NewRecordBatch()}); err != nil {
				return stats, err
			}
		}
	}
	stats.Complete = true
	return stats, r.Emit(node.Batch{Records: b.NewRecordBatch()})
}

func appendOrigin(b *array.RecordBuilder, at int, x flows.Reject) {
	if x.Record == 0 {
		b.Field(at).AppendNull()
		b.Field(at + 1).AppendNull()
		return
	}
	b.Field(at).(*array.StringBuilder).Append(x.File)
	b.Field(at + 1).(*array.Int64Builder).Append(x.Record)
}

// rereading is a source that is given the refused records instead of its files.
type rereading struct {
	node.Source
	files node.Files
}

// Read reads them as the source reads its files.
func (s rereading) Read(ctx context.Context, r *node.Reading) (node.ReadStats, error) {
	mine := *r
	mine.Files = s.files
	return s.Source.Read(ctx, &mine)
}

// refusedFiles holds, under the name of each file, the records of it that were refused.
type refusedFiles struct {
	node.Files
	order   []string
	rejects map[string][]flows.Reject
	content map[string][]byte
}

func newRefusedFiles(files node.Files, rejects []flows.Reject, c fileConfig) (*refusedFiles, error) {
	f := &refusedFiles{Files: files, rejects: map[string][]flows.Reject{}, content: map[string][]byte{}}
	for _, r := range rejects {
		if f.rejects[r.File] == nil {
			f.order = append(f.order, r.File)
		}
		f.rejects[r.File] = append(f.rejects[r.File], r)
	}
	for name, list := range f.rejects {
		b, err := fileOf(name, list, c)
		if err != nil {
			return nil, err
		}
		f.content[name] = b
	}
	return f, nil
}

// fileOf writes refused records as the file that they came from.
func fileOf(name string, rejects []flows.Reject, c fileConfig) ([]byte, error) {
	format := c.Format
	if format == "" {
		format = strings.TrimPrefix(path.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz")), ".")
	}
	var b bytes.Buffer
	before, between, after := "", "\n", "\n"
	switch {
	case format == "json":
		before, between, after = "[", ",\n", "]"
	case format != "jsonl" && format != "ndjson" && (c.Options.Header == nil || *c.Options.Header):
		before = rejects[0].Header + "\n"
	}
	b.WriteString(before)
	for i, r := range rejects {
		if r.Header != rejects[0].Header {
			return nil, &flows.Error{Code: "replay.header", Path: flows.Path{File: name}, Message: "the file had other columns, or another order of them, when other records of it were refused",
				Suggestion: "replay the records of one run at a time"}
		}
		if before == "\n" {
			return nil, &flows.Error{Code: "replay.header", Path: flows.Path{File: name}, Message: "it is not known which columns these records had: their file had no header line then",
				Suggestion: "replay them through the revision that they come from, or run the flow again"}
		}
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(r.Raw)
		b.Write(r.RawBytes)
	}
	b.WriteString(after)
	if !strings.HasSuffix(strings.ToLower(name), ".gz") {
		return b.Bytes(), nil
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(b.Bytes()); err != nil {
		return nil, fmt.Errorf("refused records: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("refused records: %w", err)
	}
	return packed.Bytes(), nil
}

// Glob lists the files that records were refused of, whatever the pattern.
func (f *refusedFiles) Glob(string) ([]node.FileInfo, error) {
	infos := make([]node.FileInfo, len(f.order))
	for i, name := range f.order {
		infos[i] = node.FileInfo{Path: name, Size: int64(len(f.content[name]))}
	}
	return infos, nil
}

// Open opens one of them.
func (f *refusedFiles) Open(name string) (node.File, error) {
	return &refusedFile{bytes.NewReader(f.content[name])}, nil
}

type refusedFile struct{ *bytes.Reader }

func (*refusedFile) Close() error { return nil }

// placed gives a record that is refused again the place where it really stands.
func (x *replaying) placed(r node.Reject) node.Reject {
	if x.files == nil {
		return r
	}
	if list := x.files.rejects[r.File]; r.Record >= 1 && r.Record <= int64(len(list)) {
		was := list[r.Record-1]
		r.Line, r.Record = was.Line, was.Record
	}
	return r
}

// dryRejects is how many records that are refused again a dry run shows.
const dryRejects = 100

// dry lets records go through a flow without writing anything.
func (g *Guest) dry(ctx context.Context, spec RunSpec) (*flows.ReplayReport, error) {
	report := &flows.ReplayReport{Records: int64(len(spec.Replay.Rejects)), Rejects: []flows.Reject{}}
	p, files, x, ps, err := g.compile(ctx, spec)
	if err != nil {
		return nil, err
	}
	if ps.Failed() {
		report.Problems = ps
		return report, nil
	}
	report.After = x.plan.Entry.From.Node
	if err := os.MkdirAll(spec.Temp, 0o700); err != nil {
		return nil, fmt.Errorf("temp folder: %w", err)
	}
	defer os.RemoveAll(spec.Temp)
	var mu sync.Mutex
	nodes, err := p.engine.Run(ctx, p.Plan, engine.Env{Files: &watchedFiles{Files: files}, Connections: spec.Connections, Temp: spec.Temp, MemoryLimit: spec.Memory, Threads: max(1, spec.Threads),
		Reject: func(r node.Reject) error {
			mu.Lock()
			defer mu.Unlock()
			if !p.Carried(r.Node) {
				return nil
			}
			report.Failed++
			if len(report.Rejects) < dryRejects {
				report.Rejects = append(report.Rejects, x.placed(r))
			}
			return nil
		}})
	if errors.Is(err, errCancelled) || errors.Is(err, errGone) {
		return nil, &flows.Error{Code: "preview.cancelled", Message: "the dry run was cancelled"}
	}
	if err != nil {
		report.Problems = flows.Problems{flows.AsError(err)}
		return report, nil
	}
	report.Passed = max(0, report.Records-report.Failed)
	for _, st := range nodes {
		if n := p.Find(st.Node); n != nil && n.IsSink() {
			report.Written += st.In[node.In]
		}
	}
	return report, nil
}
