package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/connectors/internal/scan"
	"spark/flows"
	"spark/flows/node"
)

// source reads the pages of an API.
type source struct {
	in      Input
	records []step
	inner   node.Source // reads the records of one page
	cursor  flows.Type  // of the cursor field
}

var (
	_ node.CallingSource     = (*source)(nil)
	_ node.IncrementalSource = (*source)(nil)
)

// newSource checks what the format makes of the settings.
func newSource(in Input, format *node.Format, policy flows.RejectPolicy) (*source, error) {
	s := &source{in: in}
	var err error
	if s.records, err = parsePath(in.RecordPath); err != nil {
		return nil, err
	}
	s.inner, err = format.NewSource(node.FileScan{Path: "page", Fields: s.fields(), Options: in.Options, Rejects: policy})
	if i := slices.IndexFunc(s.schema(), func(f flows.Field) bool { return f.Name == in.Cursor }); i >= 0 {
		s.cursor = s.schema()[i].Type
	}
	return s, err
}

// wholeMember is the member that a record is put into as a whole.
const wholeMember = node.ReservedPrefix + "record"

func (s *source) fields() []node.FileField {
	if s.in.RecordField == "" || !s.in.structured() {
		return s.in.Fields
	}
	return append(slices.Clone(s.in.Fields), node.FileField{Name: s.in.RecordField, Type: flows.Of(flows.JSON), Source: wholeMember})
}

func (s *source) schema() (schema flows.Schema) {
	for _, f := range s.fields() {
		schema = append(schema, flows.Field{Name: f.Name, Type: f.Type})
	}
	return schema
}

// Calls tells that the API counts what it is asked.
func (s *source) Calls() {}

// Incremental reports whether it goes on where the last run has ended.
func (s *source) Incremental() bool { return s.in.Mode == "incremental" }

func (s *source) String() string {
	text := s.in.Method + " " + strings.SplitN(s.in.filled("${cursor.from}", "${cursor.until}").URL, "?", 2)[0]
	if s.in.Connection != "" {
		text += " of " + s.in.Connection
	}
	if s.in.Paging != pagingNone {
		text += ", pages by " + s.in.Paging
	}
	if s.Incremental() {
		text += ", new by " + s.in.Cursor
	}
	return text
}

// open makes the client of the node.
func (in *Input) open(connections node.Connections) (*client, error) {
	if in.Connection == "" {
		return anonymous()
	}
	c, err := connections.Connection(in.Connection)
	if err != nil {
		return nil, flows.AsError(err).At(flows.Path{Field: "connection"})
	}
	if _, ok := c.Settings.(*Settings); !ok {
		return nil, &flows.Error{Code: "http.no_api", Path: flows.Path{Field: "connection"}, Message: fmt.Sprintf("%s is a connection to %s, which is no HTTP API", in.Connection, c.Type.Title), Suggestion: "choose a connection to an HTTP API"}
	}
	return clientOf(c)
}

// job is one page: what to ask for, or what has come already.
type job struct {
	request request
	answer  *answer
	number  int // from 1
	records pageRecords
}

// result is what came of a page.
type result struct {
	job     job
	batches []arrow.RecordBatch
	rejects []node.Reject
	warned  []*flows.Error
	stats   node.ReadStats
	err     error
}

func (r *result) release() {
	for _, b := range r.batches {
		b.Release()
	}
	r.batches = nil
}

// Read delivers the records of all pages in their order.
func (s *source) Read(ctx context.Context, r *node.Reading) (node.ReadStats, error) {
	var do func(ctx context.Context, q request) (*answer, error)
	if r.Answer != nil {
		do = kept(r.Answer)
	} else {
		c, err := s.in.open(r.Connections)
		if err != nil {
			return node.ReadStats{}, err
		}
		defer c.close()
		do = func(ctx context.Context, q request) (*answer, error) {
			a, err := c.do(ctx, q)
			if err == nil {
				err = s.in.understand(a)
			}
			return a, err
		}
	}
	rd := &reading{source: s, request: r, do: do, seen: map[[32]byte]int{}, partial: r.Answer != nil && r.Answer.Cut}
	if err := rd.begin(); err != nil {
		return node.ReadStats{}, err
	}
	err := scan.Ordered[job, *result]{
		Workers:   max(r.Threads, int(s.in.Parallel)),
		Produce:   rd.produce,
		NewWorker: func() (func(job) *result, func()) { return func(j job) *result { return rd.page(ctx, j) }, func() {} },
		Consume:   rd.emit,
		Drop: func(x *result) {
			if x != nil {
				x.release()
			}
		},
	}.Run(ctx)
	rd.tellResumed()
	rd.tellYounger()
	rd.stats.Complete, rd.stats.Partial = err == nil, rd.partial
	if errors.Is(err, node.ErrEnough) {
		err = nil
	}
	if rd.stats.Complete && r.Answer == nil && s.Incremental() {
		rd.stats.Offset, err = rd.reached()
	}
	return rd.stats, err
}

// reading is one pass over an API.
type reading struct {
	*source
	request *node.Reading
	do      func(ctx context.Context, q request) (*answer, error)
	since   string // that is asked for; "": everything
	until   string // upper bound of the cursor; "": there is none
	younger int64  // records above it
	after   flows.Cursor
	wanted  []string // fields, with the cursor where nobody else wants it
	seen    map[[32]byte]int
	partial bool         // of a kept answer: there is more
	resumed atomic.Int64 // pages of an earlier execution

	// of the emitter
	stats   node.ReadStats
	highest string
}

// begin finds out where an incremental reading begins.
func (rd *reading) begin() error {
	rd.wanted = rd.request.Fields
	if !rd.Incremental() {
		return nil
	}
	if !slices.Contains(rd.wanted, rd.in.Cursor) {
		rd.wanted = append(slices.Clone(rd.wanted), rd.in.Cursor)
	}
	return rd.goOn()
}

// page fetches a page, where it has not come yet, and reads its records.
func (rd *reading) page(ctx context.Context, j job) *result {
	x := &result{job: j}
	if j.answer == nil {
		if j.answer, x.err = rd.fetch(ctx, j.request, j.number); x.err != nil {
			return x
		}
		if j.records, x.err = rd.recordsOf(j.answer, j.number); x.err != nil {
			return x
		}
		x.job = j
	}
	if j.records.count == 0 && rd.in.structured() {
		return x
	}
	name := fmt.Sprintf("%s (page %d)", j.answer.request, j.number)
	inner := &node.Reading{Files: page{name, j.records.text}, Node: rd.request.Node, Fields: rd.wanted, Origin: rd.request.Origin, Threads: 1,
		Emit: func(b node.Batch) error {
			x.batches = append(x.batches, b.Records)
			return nil
		},
		Reject: func(rej node.Reject) error {
			x.rejects = append(x.rejects, rej)
			return nil
		},
		Warn: func(e *flows.Error) { x.warned = append(x.warned, e) }}
	if x.stats, x.err = rd.inner.Read(ctx, inner); x.err != nil && rd.in.structured() {
		if err := whole(withoutMark(j.answer.body)); err != nil { // the answer's fault comes before that of its records
			x.err = noJSON(j.answer, j.number, err.Error())
		}
	}
	return x
}

// emit hands the records of a page on.
func (rd *reading) emit(x *result) error {
	defer x.release()
	r := rd.request
	for _, e := range x.warned {
		if r.Warn != nil {
			r.Warn(e)
		}
	}
	for _, rej := range x.rejects {
		rd.stats.Rejected++
		if err := r.Reject(rej); err != nil {
			return err
		}
	}
	for len(x.batches) > 0 {
		b := x.batches[0]
		x.batches = x.batches[1:]
		if err := rd.emitBatch(b); err != nil {
			return err
		}
	}
	if x.job.answer != nil {
		rd.stats.Bytes += int64(len(x.job.answer.body))
	}
	if r.Progress != nil {
		r.Progress(rd.stats.Bytes, -1)
	}
	if x.err != nil {
		return x.err
	}
	return rd.repeated(x.job)
}

// kept answers the first request with what was kept of it, and no other.
func kept(a *flows.Answer) func(context.Context, request) (*answer, error) {
	used := false
	return func(context.Context, request) (*answer, error) {
		if used {
			return nil, errNoMore
		}
		used = true
		if a.Status < 200 || a.Status > 299 {
			return nil, &flows.Error{Code: "http.sample", Params: flows.Params{"status": a.Status}, Message: fmt.Sprintf("the sample that was fetched is an error of the server: %d %s", a.Status, a.StatusText), Suggestion: "correct the request and fetch a sample again"}
		}
		return &answer{request: a.Request, status: a.Status, header: headerOf(a), body: []byte(a.Body), took: a.Took}, nil
	}
}

// errNoMore ends the reading of a kept answer.
var errNoMore = fmt.Errorf("nothing else was fetched")

// page is the only file of a reading of its records.
type page struct {
	name string
	text []byte
}

func (p page) Glob(string) ([]node.FileInfo, error) {
	return []node.FileInfo{{Path: p.name, Size: int64(len(p.text))}}, nil
}

func (p page) Open(string) (node.File, error) { return pageFile{bytes.NewReader(p.text)}, nil }

func (p page) Local(string) (string, error) {
	return "", fmt.Errorf("%s is no file of this machine", p.name)
}

func (p page) Create(string) (node.PendingFile, error) {
	return nil, fmt.Errorf("%s cannot be written", p.name)
}

type pageFile struct{ *bytes.Reader }

func (f pageFile) Close() error { return nil }
func (f pageFile) Size() int64  { return f.Reader.Size() }
