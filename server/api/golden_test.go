package api_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"spark/flows"
	"spark/server/api"
)

var (
	at     = time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)
	amount = flows.Schema{{Name: "id", Type: flows.Of(flows.Int64)}, {Name: "amount", Type: flows.DecimalOf(10, 2)}, {Name: "note", Type: flows.Of(flows.Text)}}
	reject = flows.Reject{Node: "read", Code: "csv.type", Reason: `"x" is not a decimal(10,2)`, Field: "amount", File: "orders.csv", Line: 7, Record: 6, Raw: "6,x,"}
	failed = &flows.Error{Code: "expr.unknown_field", Params: flows.Params{"field": "amuont"}, Path: flows.Path{Node: "keep", Field: "condition", Offset: 1, Length: 6},
		Message: `there is no field "amuont"`, Suggestion: `did you mean "amount"?`}
	nodes = []flows.NodeStatus{
		{Node: "read", State: flows.NodeDone, Out: map[string]int64{"out": 99, "rejects": 1}, Rejected: 1},
		{Node: "keep", State: flows.NodeRunning, In: map[string]int64{"in": 99}, Out: map[string]int64{"out": 40, "unmatched": 59}, StoppedEarly: []string{"unmatched"}},
		{Node: "other", State: flows.NodeRunning, Out: map[string]int64{"out": 10}, Progress: 0.125},
		{Node: "write", State: flows.NodeFailed, Reason: "the disk is full", In: map[string]int64{"in": 40}, Written: 40},
	}
	theRun = flows.Run{ID: "0198f0a0-0000-7000-8000-000000000002", FlowID: "0198f0a0-0000-7000-8000-000000000001", FlowName: "Orders", Revision: 3,
		Trigger: flows.TriggerManual, Parameters: map[string]string{"day": "2026-11-22"}, State: flows.RunRunning, Attempt: 1, CreatedAt: at, CreatedBy: "owner",
		StartedAt: at.Add(time.Second), Read: 99, Written: 40, Rejected: 1}
	line     = flows.LogLine{Seq: 1, At: at, Severity: flows.SeverityInfo, Message: "the run began"}
	document = json.RawMessage(`{"format":1,"id":"0198f0a0-0000-7000-8000-000000000001","name":"Orders","nodes":[],"edges":[]}`)
	parent   = "in"
)

func text(s string) *string { return &s }

// goldens are one of everything that is exchanged. The editor's tests read the same files.
func goldens() map[string]any {
	ended := theRun
	ended.State, ended.EndedAt, ended.Error, ended.Nodes, ended.Until = flows.RunFailed, at.Add(time.Minute), failed, nodes, "write"
	summary := api.FlowSummary{ID: theRun.FlowID, Name: "Orders", Etag: "0198f0a0-0000-7000-8000-000000000009", UpdatedAt: at, UpdatedBy: "owner", Published: 2, LastRun: &theRun}
	sample := flows.Sample{Node: "keep", Port: "out", Schema: amount, Rows: [][]*string{{text("1"), text("10.50"), nil}, {text("2"), nil, text("<b>")}}, Records: 40, More: true}
	warehouse := flows.Connection{ID: "0198f0a0-0000-7000-8000-000000000011", Name: "warehouse", Type: "postgres", Settings: json.RawMessage(`{"host":"db","port":5432}`),
		Secrets: []string{"password"}, Place: "db:5432", Etag: "0198f0a0-0000-7000-8000-000000000012", UpdatedAt: at, UpdatedBy: "owner"}
	return map[string]any{
		"problem": api.Problem{Type: "about:blank", Title: "Unprocessable Entity", Status: 422, Detail: failed.Message, Code: failed.Code, Path: failed.Path,
			Suggestion: failed.Suggestion, Params: failed.Params, Problems: flows.Problems{failed}},
		"flow":      api.Flow{FlowSummary: summary, Document: document},
		"flows":     api.Page[api.FlowSummary]{Items: []api.FlowSummary{summary}, Next: "bmV4dA"},
		"document":  api.Document{Document: document},
		"saved":     api.Saved{Etag: summary.Etag, UpdatedAt: at, UpdatedBy: "owner"},
		"revision":  api.Revision{Flow: theRun.FlowID, Number: 3, Hash: "5f2b", CreatedAt: at, CreatedBy: "owner", Document: document},
		"start":     api.StartRun{Flow: theRun.FlowID, Revision: 3, Until: "write", Parameters: theRun.Parameters},
		"run":       ended,
		"runs":      api.Page[flows.Run]{Items: []flows.Run{theRun}},
		"samples":   api.Page[flows.Sample]{Items: []flows.Sample{sample}},
		"rejects":   api.Page[flows.Reject]{Items: []flows.Reject{reject, {Node: "read", Code: "csv.encoding", Reason: "the record is not UTF-8", RawBytes: []byte{0xff, 0xfe}}}},
		"log":       api.Page[flows.LogLine]{Items: []flows.LogLine{line, {Seq: 2, At: at, Severity: flows.SeverityError, Message: failed.Error(), Error: failed}}},
		"check":     flows.Check{Problems: flows.Problems{failed}, Ports: []flows.PortSchema{{Node: "read", Port: "out", Schema: amount}}, Skipped: map[string]string{"loose": "it is not connected"}, Deliveries: []flows.Delivery{{Node: "write", Guarantee: flows.ExactlyOnce, Reason: "the file is replaced as a whole"}}},
		"check_new": flows.Check{},
		"ask_check": api.CheckRequest{Document: document, Parameters: theRun.Parameters},
		"preview": flows.Preview{Node: "keep", Inputs: []flows.Sample{{Node: "keep", Port: "in", Schema: amount, Records: 1000}}, Outputs: []flows.Sample{sample}, Source: "read", Read: 1000,
			Rejects: []flows.Reject{reject}, Files: []flows.SeenFile{{Pattern: "*.csv", Path: "orders.csv", Size: 2048, ModTime: at}}, Took: 42 * time.Millisecond, At: at, Cached: true},
		"preview_broken": flows.Preview{Node: "keep", Problems: flows.Problems{failed}, At: at},
		"ask_preview":    api.PreviewRequest{Document: document, Node: "keep", Limit: 100},
		"files": api.FileList{Path: "in/2026", Parent: &parent, Entries: []api.FileEntry{{Name: "old", Path: "in/2026/old", Folder: true, ModTime: at},
			{Name: "orders.csv", Path: "in/2026/orders.csv", Size: 2048, ModTime: at}}},
		"inspect": api.InspectRequest{Path: "in/orders.csv"},
		"proposal": api.Proposal{Format: "csv", Options: json.RawMessage(`{"delimiter":";"}`), Fields: []api.FileField{{Name: "day", Type: flows.Of(flows.Date), Format: "%d/%m/%Y", Source: "Day"}},
			Notes: []string{`"day" could also be month/day`}, Sample: [][]string{{"03/04/2026"}}, Sampled: 1},
		"connection":      warehouse,
		"connections":     api.Page[flows.Connection]{Items: []flows.Connection{warehouse}},
		"oauth":           api.OAuth{RedirectURL: "http://127.0.0.1:8080/api/v1/oauth/callback"},
		"sign_in":         flows.SignIn{At: &at, Scope: "products.read", Until: &at, Lost: "invalid_grant"},
		"sign_in_address": api.SignInAddress{URL: "https://login.example.com/authorize?state=x"},
		"save_connection": api.SaveConnection{Name: "warehouse", Type: "postgres", Settings: json.RawMessage(`{"host":"db","password":"***"}`)},
		"test_connection": api.TestConnection{SaveConnection: api.SaveConnection{Name: "warehouse", Type: "postgres", Settings: json.RawMessage(`{}`)}, ID: warehouse.ID},
		"window_request":  api.WindowRequest{Document: document, Node: "read", Cursor: &flows.Cursor{Column: "id", Value: "7"}},
		"set_cursor":      api.SetCursor{Column: "id", Value: "7"},
		"operations": flows.Operations{Title: "Shop 2", Items: []flows.Operation{{Method: "GET", Path: "/orders/{id}", Summary: "One order", Tag: "orders", Deprecated: true}}, Text: "openapi: 3.1.0",
			Chosen: &flows.ChosenOperation{Settings: json.RawMessage(`{"method":"GET","url":"/orders/${id}","body":null}`), Parameters: []flows.ProposedParameter{{Name: "id", Default: "7", Help: "Of the order"}}, Notes: []string{"Not needed, and left out: sort."}}},
		"fetched":        api.Fetched{Answer: flows.Answer{Node: "read", Environment: "production", Request: "GET https://api.example.com/products?key=***", Status: 200, StatusText: "OK", Headers: []flows.AnswerHeader{{Name: "Content-Type", Value: "application/json"}}, Body: `{"items": []}`, Bytes: 13, Cut: true, Took: time.Millisecond, At: at, By: "owner"}, RecordPath: "items", Proposal: api.Proposal{Format: "json", Fields: []api.FileField{}}},
		"pins":           api.Page[flows.Pin]{Items: []flows.Pin{{Node: "read", Environment: "production", Ports: []flows.PinnedPort{{Port: "out", Schema: flows.Schema{{Name: "id", Type: flows.Type{Kind: flows.Int64}}}, Records: 7, More: true, Traced: true}}, Rejects: 1, Bytes: 856, At: at, By: "owner", Changed: `the node has no field "id" any more`}}},
		"cursors":        api.Page[flows.FlowCursor]{Items: []flows.FlowCursor{{Node: "read", Cursor: flows.Cursor{Column: "id", Type: "bigint", Value: "7", Generation: 1}, Run: theRun.ID, UpdatedAt: at, UpdatedBy: "owner"}}},
		"cursor_window":  flows.CursorWindow{From: "7", To: "9", Records: 2, Nulls: 1},
		"split_address":  api.SplitAddress{Type: "postgres", Address: "postgres://spark@db/shop"},
		"split_settings": api.SplitSettings{Settings: json.RawMessage(`{"host":"db","database":"shop","user":"spark"}`), Ignored: []string{"prepareThreshold"}},
		"report":         api.ConnectionReport{Place: "db:5432", User: "spark", Version: "PostgreSQL 15.3", Took: 12 * time.Millisecond, Status: 200, StatusText: "OK", Answer: "{}"},
		"tables":         api.Tables{Items: []flows.Table{{Name: "public.orders", Records: 1000}, {Name: `sales."Big Orders"`, View: true}}, At: at},
		"columns":        api.Columns{Items: []flows.Column{{Name: "id", Type: "bigint", Field: flows.Of(flows.Int64), Key: true}, {Name: "note", Type: "character varying(20)", Field: flows.Of(flows.Text), Nullable: true}}, At: at},
		"health":         api.Health{Status: "ok", Version: "v1"},
		"snapshot":       api.Snapshot{Kind: api.LiveSnapshot, Seq: 1, Run: withNodes(theRun), Log: []flows.LogLine{line}},
		"delta":          api.Delta{Kind: api.LiveDelta, Seq: 2, Run: &theRun, Nodes: nodes[1:2], Log: []flows.LogLine{line}},
		"ask":            api.Ask{Kind: api.LiveSnapshot},
	}
}

func withNodes(r flows.Run) flows.Run {
	r.Nodes = nodes
	return r
}

// What is sent can be read back as it was, strictly.
func TestGoldens(t *testing.T) {
	t.Parallel()
	for name, value := range goldens() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata", name+".json")
			want := encode(t, value)
			if *update {
				if err := os.WriteFile(file, want, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(file)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s (%v) is not what is sent now:\n%s", file, err, want)
			}
			back := reflect.New(reflect.TypeOf(value))
			if err := api.Decode(got, back.Interface()); err != nil {
				t.Fatal(err)
			}
			if again := encode(t, back.Elem().Interface()); !bytes.Equal(again, want) {
				t.Errorf("read and written again it is\n%s", again)
			}
		})
	}
}

func encode(t *testing.T, v any) []byte {
	b, err := api.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), '\n')
}

func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"flow":"a","flow":"b"}`, `{"Flow":"a"}`, `{"flow":"a","other":1}`, `{"flow":"a"} {}`, `{"flow":1}`, `[]`, `nul`, ``, "{\"flow\":\"\xff\"}"} {
		if err := api.Decode([]byte(body), new(api.StartRun)); err == nil {
			t.Errorf("%s is accepted", body)
		}
	}
}
