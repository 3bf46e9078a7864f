package http

import (
	"bufio"
	"context"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/template"
)

//go:embed output
var outputFiles embed.FS

func init() {
	files, err := fs.Sub(outputFiles, "output")
	if err != nil {
		panic(err)
	}
	node.Register(&node.Type{
		ID: "rest.output", Version: 1, Title: "REST Output", Category: node.CategoryOutput,
		Summary:  "Sends records to an API over HTTP, one by one or in batches.",
		Synonyms: []string{"WebAPI", "HTTP", "API", "REST", "POST", "web service", "webhook", "HTTP Output", "destination"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Once:     true,
		New: func() node.Config {
			c := newCall(http.MethodPost)
			c.Attempts = 10
			return &Output{Call: c, Send: sendRecord, Batch: batchNone, Size: 100, OnClient: onFail, OnServer: onFail}
		},
		Files: files,
	})
}

// How many records a request has, and how they stand in it.
const (
	batchNone   = "single"
	batchArray  = "array"
	batchLines  = "lines"
	batchObject = "object"
)

// Output is the config of rest.output.
type Output struct {
	Call
	Send  string `json:"send" title:"Record as" enum:"record|template" help:"record: a JSON object with all fields. template: JSON in which [field] stands for a value."`
	Body  string `json:"body,omitempty" title:"Template" widget:"multiline" secrets:"true" showIf:"send=template" help:"[field] stands for a value of the record, ${name} for a parameter." example:"{\"id\": [id], \"name\": \"[name]\"}"`
	Batch string `json:"batch" title:"Records of a request" enum:"single|array|lines|object" help:"single: one. array: a JSON list. lines: one a line. object: a list under a name."`
	Size  int64  `json:"size" title:"Records at most" minimum:"1" showIf:"batch=array|lines|object" help:"Of one request. The last one may have fewer."`
	Wrap  string `json:"wrap,omitempty" title:"Name of the list" showIf:"batch=object" help:"The member that holds the records." example:"items"`

	OnClient string `json:"onClient" title:"On 4xx" enum:"fail|reject" help:"fail: the run fails, and what was sent stays sent. reject: the records of the request go into the rejects inbox, and the others are sent. Without 408, 425 and 429, which end in a failure after the last attempt."`
	OnServer string `json:"onServer" title:"On 5xx" enum:"fail|reject" advanced:"true" help:"After the last attempt."`
}

var (
	_ node.PromisingTarget = (*Output)(nil)
	_ node.BatchTarget     = (*target)(nil)
	_ node.LateTarget      = (*target)(nil)
	_ node.RefusingTarget  = (*target)(nil)
	_ node.SendingSink     = (*sink)(nil)
)

// mostBatched is how many records a request may have.
const mostBatched = 10_000

// WritePromise depends on whether the server can know a request again.
func (o *Output) WritePromise() node.WritePromise {
	return node.WritePromise{Kind: node.WriteSend, What: "server", Keyed: o.needsKey() && o.Key != "", Repeats: o.needsKey()}
}

// Plan compiles the request.
func (o *Output) Plan(c *node.Context) {
	in, ok := c.Input(node.In)
	if !ok {
		return
	}
	if o.Method == http.MethodGet || o.Method == http.MethodHead {
		c.Problem("method", "http.body", o.Method+" has no body", "choose POST, PUT, PATCH or DELETE")
		return
	}
	p, ok := o.plan(c, in)
	if !ok {
		return
	}
	if o.Batch != batchNone && len(p.args) > 0 {
		c.Problem("batch", "http.batch", fmt.Sprintf("the request depends on the field %s, and a batch has several records", p.names[0]), "choose single, or take the field out of address, parameters, headers and key")
		return
	}
	switch {
	case o.Size > mostBatched:
		c.Problem("size", "http.limit", fmt.Sprintf("%d is too many", o.Size), fmt.Sprintf("choose up to %d", mostBatched))
		return
	case o.Batch == batchObject && o.Wrap == "":
		c.Problem("wrap", "config.required", `"Name of the list" is missing`, "write one such as items")
		return
	case o.Send == sendTemplate && o.Body == "":
		c.Problem("body", "config.required", `"Template" is missing`, "write what is sent, with [field] where values go")
		return
	}
	source := template.Record(in)
	if o.Send == sendTemplate {
		var err error
		if source, err = template.JSON(o.Body, in, template.JSONOptions{}); err != nil {
			c.Problem("body", "http.template", err.Error(), "write [field] where the value of a field goes")
			return
		}
	}
	k := &compiler{c: c, in: in, p: p, ok: true}
	if p.body = k.arg("body", "", source); !k.ok {
		return
	}
	c.Emit("", node.Write{Target: &target{node: *o, parts: p, id: c.Node.ID}, Args: p.args}, in)
}

// target is where the records go.
type target struct {
	node  Output
	parts *parts
	id    string
}

func (t *target) String() string { return t.node.Method + " " + t.node.URL }

// Identity is that of the node: two may send to the same address.
func (t *target) Identity() string { return "http " + t.id }

// Late says that others can be sent afterwards.
func (t *target) Late() (reason, suggestion string) { return "", "" }

// Open prepares the spool. Nothing is sent before the commit.
func (t *target) Open(_ context.Context, w *node.Writing) (node.BatchSink, error) {
	client, err := t.node.open(w.Connections)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(w.Temp, "send-")
	if err != nil {
		client.close()
		return nil, fmt.Errorf("spool: %w", err)
	}
	s := &sink{target: t, client: client, writing: w, file: f, out: bufio.NewWriterSize(f, 1<<18), delivered: map[[keyBytes]byte]bool{}}
	for i := 0; i+keyBytes <= len(w.Delivered); i += keyBytes {
		s.delivered[[keyBytes]byte(w.Delivered[i:])] = true
	}
	return s, nil
}

// sink spools what is to be sent, and sends it once it may.
type sink struct {
	*target
	client    *client
	writing   *node.Writing
	file      *os.File
	out       *bufio.Writer
	records   int64
	delivered map[[keyBytes]byte]bool // by an earlier attempt of the run

	mu    sync.Mutex
	taken []byte // keys that are not noted yet
	done  atomic.Int64
	over  atomic.Int64 // records that were refused
	noted time.Time
}

// Sent counts the records that the server has taken.
func (s *sink) Sent() int64 { return s.done.Load() }

// Write spools the arguments of the records.
func (s *sink) Write(_ context.Context, b arrow.RecordBatch) error {
	var length [binary.MaxVarintLen64]byte
	for row := range int(b.NumRows()) {
		for i := range s.columns() {
			col, ok := b.Column(i).(*array.String)
			if !ok {
				return fmt.Errorf("argument %d is %s", i, b.Column(i).DataType())
			}
			n := uint64(0) // null
			text := ""
			if !col.IsNull(row) {
				text = col.Value(row)
				n = uint64(len(text)) + 1
			}
			if _, err := s.out.Write(length[:binary.PutUvarint(length[:], n)]); err != nil {
				return s.full(err)
			}
			if _, err := s.out.WriteString(text); err != nil {
				return s.full(err)
			}
		}
		s.records++
	}
	return nil
}

func (s *sink) full(err error) error {
	return &flows.Error{Code: "http.spool", Message: "what is to be sent could not be kept: " + err.Error(), Suggestion: "nothing was sent; free room in the folder for temporary files", Cause: err}
}

// Finish ends the spool.
func (s *sink) Finish(context.Context) (int64, error) {
	if err := s.out.Flush(); err != nil {
		return 0, s.full(err)
	}
	return s.records, nil
}

// Prepare has nothing to do: a spool that is lost is made anew, and what was delivered is known elsewhere.
func (s *sink) Prepare(context.Context) error { return nil }

// Changes are unknown: servers do not say them.
func (s *sink) Changes() flows.Changes { return flows.Changes{Inserted: s.done.Load()} }

// Abort removes the spool.
func (s *sink) Abort(context.Context) error {
	s.client.close()
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// sending is one request of the spool.
type sending struct {
	request request
	key     [keyBytes]byte
	records int64
	first   int64    // number of its first record, from 1
	raws    []string // its records, where they may be refused
}

// Commit sends everything that no earlier attempt of the run has delivered.
func (s *sink) Commit(ctx context.Context, _ node.Token) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	s.noted = time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan sending)
	var wg sync.WaitGroup
	for range max(1, s.node.Parallel) {
		wg.Go(func() {
			for j := range jobs {
				if err := s.deliver(ctx, j); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	err := s.read(ctx, func(j sending) error {
		select {
		case jobs <- j:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(jobs)
	wg.Wait()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if noted := s.note(true); err == nil {
		err = noted
	}
	if err != nil {
		return s.broken(err)
	}
	return nil
}

// broken says how far the sending came.
func (s *sink) broken(err error) error {
	e, told := errors.AsType[*flows.Error](err)
	if !told {
		e = &flows.Error{Code: "http.stopped", Message: "the sending was stopped", Cause: err}
	}
	copied := *e
	copied.Message = fmt.Sprintf("%s; %d of %d records were sent before, and stay sent", e.Message, s.done.Load(), s.records)
	if !s.node.needsKey() || s.node.Key == "" {
		copied.Suggestion = strings.TrimPrefix(e.Suggestion+"; a new run sends all of its records", "; ")
	}
	return &copied
}

// deliver sends one request until the server has taken it.
func (s *sink) deliver(ctx context.Context, j sending) error {
	if !s.delivered[j.key] {
		refused, err := s.send(ctx, j)
		if err != nil {
			return err
		}
		if refused {
			return s.progress(0)
		}
		s.mu.Lock()
		s.taken = append(s.taken, j.key[:]...)
		s.mu.Unlock()
	}
	return s.progress(j.records)
}

// progress counts records that the server has taken.
func (s *sink) progress(taken int64) error {
	done := s.done.Add(taken) + s.over.Load()
	if s.writing.Progress != nil {
		s.writing.Progress(done, s.records)
	}
	return s.note(false)
}

// noteEvery is how often what was delivered is noted: what lies between is sent again after a crash, with the same key.
const noteEvery = 100 * time.Millisecond

func (s *sink) note(all bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.taken) == 0 || s.writing.Deliver == nil || !all && time.Since(s.noted) < noteEvery {
		return nil
	}
	if err := s.writing.Deliver(s.taken); err != nil {
		return fmt.Errorf("what was sent could not be noted: %w", err)
	}
	s.taken, s.noted = nil, time.Now()
	return nil
}

// read makes the requests of the spool, in its order.
func (s *sink) read(ctx context.Context, send func(sending) error) error {
	in := bufio.NewReaderSize(s.file, 1<<18)
	keys := newKeys(s.writing.Token.Run, s.writing.Node, s.writing.Temp)
	defer keys.close()
	size := int64(1)
	if s.node.Batch != batchNone {
		size = s.node.Size
	}
	for n := int64(0); n < s.records; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var values []argument
		var bodies, raws []string
		first := n + 1
		for ; n < s.records && int64(len(bodies)) < size; n++ {
			var err error
			if values, err = s.record(in); err != nil {
				return fmt.Errorf("spool: %w", err)
			}
			bodies = append(bodies, values[s.parts.body].text)
			if s.Refuses() {
				raws = append(raws, values[len(values)-1].text)
			}
		}
		j, err := s.sending(values, bodies, first, keys)
		if err != nil {
			return err
		}
		j.raws = raws
		if err := send(j); err != nil {
			return err
		}
	}
	return nil
}

// record reads the arguments of one record.
func (s *sink) record(in *bufio.Reader) ([]argument, error) {
	values := make([]argument, s.columns())
	for i := range values {
		n, err := binary.ReadUvarint(in)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			values[i].null = true
			continue
		}
		text := make([]byte, n-1)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		values[i].text = string(text)
	}
	return values, nil
}

// sending makes the request of some records.
func (s *sink) sending(values []argument, bodies []string, first int64, keys *keys) (sending, error) {
	m := s.node.request(s.parts, values)
	at := fmt.Sprintf("record %d", first)
	switch {
	case m.null != "":
		return sending{}, &flows.Error{Code: "http.null", Path: flows.Path{Record: first}, Message: fmt.Sprintf("the field %s is null in record %d, and stands in the address", m.null, first), Suggestion: "filter such records out before"}
	case m.bad != "":
		return sending{}, &flows.Error{Code: "http.header", Path: flows.Path{Record: first}, Message: fmt.Sprintf("the value of the header %s in record %d cannot be sent: it has a line end or another control character", m.bad, first), Suggestion: "mend it before"}
	}
	kind := "application/json"
	switch s.node.Batch {
	case batchArray:
		m.body = []byte("[" + strings.Join(bodies, ",") + "]")
	case batchLines:
		m.body, kind = []byte(strings.Join(bodies, "\n")+"\n"), "application/x-ndjson"
	case batchObject:
		m.body = []byte("{" + template.Quoted(s.node.Wrap) + ":[" + strings.Join(bodies, ",") + "]}")
	}
	if len(bodies) > 1 {
		at = fmt.Sprintf("records %d to %d", first, first+int64(len(bodies))-1)
	}
	if m.header.Get("Content-Type") == "" {
		m.header.Set("Content-Type", kind)
	}
	m.last, m.what = false, at // nothing but 2xx ends it
	key, err := keys.next(s.node.requestKey(&m.request))
	if err != nil {
		return sending{}, err
	}
	j := sending{records: int64(len(bodies)), first: first}
	if _, err := hex.Decode(j.key[:], []byte(key)); err != nil {
		return j, err
	}
	if s.node.needsKey() {
		if s.node.Key != "" {
			if key, _ = s.parts.key.write(values, nil); strings.ContainsAny(key, "\r\n\x00") {
				return j, &flows.Error{Code: "http.header", Message: fmt.Sprintf("the key of %s cannot be sent: it has a line end", at), Suggestion: "mend it before"}
			}
		}
		m.header.Set(s.node.KeyHeader, key)
	}
	j.request = m.request
	return j, nil
}
