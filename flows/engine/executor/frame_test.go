package executor

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/node"
)

var update = flag.Bool("update", false, "write the golden")

// TestFramesGolden pins the bytes of a conversation: they are what two versions of Spark exchange.
func TestFramesGolden(t *testing.T) {
	t.Parallel()
	body := func(v any) json.RawMessage {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	conversation := []frame{
		{Kind: frameCall, ID: 1, Method: methodHello, Body: body(helloBody{Version: ProtocolVersion})},
		{Kind: frameReply, ID: 1, Body: body(helloBody{Version: ProtocolVersion})},
		{Kind: frameCall, ID: 2, Method: methodDescribe, Body: body(describeBody{Folders: []string{"/data"}, Format: "parquet", Path: "a.parquet"})},
		{Kind: frameReply, ID: 2, Body: body(flows.Schema{{Name: "id", Type: flows.Of(flows.Int64)}})},
		{Kind: frameCall, ID: 3, Method: methodSniff, Body: body(sniffBody{Folders: []string{"/data"}, Path: "a.csv"})},
		{Kind: frameReply, ID: 3, Error: &flows.Error{Code: "file.not_found", Path: flows.Path{File: "a.csv"}, Message: "there is no such file"}},
		{Kind: frameCall, ID: 4, Method: methodRun, Body: body(RunSpec{Document: json.RawMessage(`{"format":1}`), Parameters: map[string]string{"day": "2026-01-31"},
			Folders: []string{"/data"}, Temp: "/tmp/run", Threads: 2, Memory: 1 << 30, Run: "r1", Attempt: 1, Fence: 7})},
		{Kind: frameEvent, Method: eventCounts, Body: body([]flows.NodeStatus{{Node: "a", State: flows.NodeRunning, Out: map[string]int64{"out": 5}, StoppedEarly: []string{"out"}}})},
		{Kind: frameCall, ID: 1, Method: methodSpoolReject, Data: flows.AppendReject(nil, &flows.Reject{Node: "a", Code: "csv.type", Reason: "no number", Field: "x", File: "a.csv", Line: 3, Record: 2, Raw: "1,b"})},
		{Kind: frameReply, ID: 1},
		{Kind: frameCall, ID: 2, Method: methodMayCommit, Body: body(commitBody{Fence: 7, Rejects: 1})},
		{Kind: frameReply, ID: 2},
		{Kind: frameCancel, ID: 4},
		{Kind: frameReply, ID: 4, Body: body(runResult{Nodes: []flows.NodeStatus{{Node: "a", State: flows.NodeDone, Written: 5}}})},
	}
	var stream bytes.Buffer
	var lines []string
	for _, f := range conversation {
		written, err := encode(f)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, f.Data...)
		stream.Write(written)
		if n := binary.BigEndian.Uint32(written) &^ withData; int(n) != len(written)-4 {
			t.Errorf("length %d of %d bytes", n, len(written)-4)
		}
		text := written[4:]
		if f.Data != nil {
			n := binary.BigEndian.Uint32(text)
			text = slices.Concat(text[4:4+n], []byte(" "), bytes.TrimSpace(text[4+n:]))
		}
		lines = append(lines, string(text))
	}
	got := strings.Join(lines, "\n") + "\n"
	const path = "testdata/frames.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("the frames differ from %s, %v:\n%s", path, err, got)
	}
	var room []byte
	for _, f := range conversation {
		if read, err := readFrame(&stream, &room); err != nil || read.Kind != f.Kind || read.ID != f.ID || !bytes.Equal(read.Data, f.Data) {
			t.Fatalf("read %+v, %v, want %+v", read, err, f)
		}
	}
	if _, err := readFrame(&stream, &room); !errors.Is(err, io.EOF) {
		t.Errorf("after the last frame: %v", err)
	}
}

func TestBrokenFrames(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"too long":    {0x7f, 0, 0, 0},
		"too much":    {0xff, 0, 0, 0},
		"no parts":    {0x80, 0, 0, 2, '{', '}'},
		"one part":    {0x80, 0, 0, 6, 0, 0, 0, 3, '{', '}'},
		"cut off":     {0, 0, 0, 9, '{'},
		"not JSON":    {0, 0, 0, 2, 'n', 'o'},
		"half a head": {0, 0},
	} {
		if _, err := readFrame(bytes.NewReader(b), nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// connected returns two peers, the second of which answers every call with answer.
func connected(t *testing.T, answer func(frame) (any, error)) (asks, answers *peer) {
	t.Helper()
	r1, w1 := io.Pipe()
	r2, w2 := io.Pipe()
	asks = newPeer(r1, w2, func(frame) {})
	answers = newPeer(r2, w1, nil)
	answers.handle = func(f frame) {
		result, err := answer(f)
		_ = answers.reply(f.ID, result, err)
	}
	go func() { _ = asks.serve() }()
	go func() { _ = answers.serve() }()
	t.Cleanup(func() { w1.Close(); w2.Close() })
	return asks, answers
}

// TestRejectBatches: many large rejects go in several frames, and one that fits into none is an error of its own, not
// the end of the connection.
func TestRejectBatches(t *testing.T) {
	t.Parallel()
	var batches, records int
	host := func(f frame) (any, error) {
		batches, records = batches+1, records+bytes.Count(f.Data, []byte("\n"))
		return nil, nil
	}
	guest, _ := connected(t, host)
	s := &rejectSender{peer: guest}
	raw := strings.Repeat("x", 1<<18)
	for range 200 {
		if err := s.add(node.Reject{Node: "a", Raw: raw}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.flush(); err != nil || batches != 50 || records != 200 || s.sent != 200 {
		t.Errorf("%d batches, %d records, %d sent, %v", batches, records, s.sent, err)
	}
	if err := errors.Join(s.add(node.Reject{Node: "a", Raw: strings.Repeat("x", maxFrame)}), s.flush()); flows.AsError(err) == nil || errors.Is(err, errGone) || flows.AsError(err).Code != "executor.frame" {
		t.Errorf("error is %v", err)
	}
}

// TestReplyThatCannotBeSent: the caller gets the reason instead of waiting for ever.
func TestReplyThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]any{"too large": strings.Repeat("x", maxFrame), "no JSON": func() {}} {
		p, _ := connected(t, func(frame) (any, error) { return result, nil })
		var got string
		if err := p.call(t.Context().Done(), "any", nil, &got); err == nil || errors.Is(err, errGone) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// TestRejectsAreCountedTwice: the host forbids the commit of a guest that counts other rejects than were stored.
func TestRejectsAreCountedTwice(t *testing.T) {
	t.Parallel()
	h := &Host{fence: 3}
	c := &Callbacks{StoreRejects: func([]byte) error { return nil }}
	lines := flows.AppendReject(flows.AppendReject(nil, &flows.Reject{Raw: "a\nb"}), &flows.Reject{})
	if err := h.answer(c, flows.Scrubber{}, frame{Method: methodSpoolReject, Data: lines}); err != nil {
		t.Fatal(err)
	}
	for rejects, ok := range map[int64]bool{1: false, 3: false, 2: true} {
		body, err := json.Marshal(commitBody{Fence: 3, Rejects: rejects})
		if err != nil {
			t.Fatal(err)
		}
		err = h.answer(c, flows.Scrubber{}, frame{Method: methodMayCommit, Body: body})
		if e := flows.AsError(err); (err == nil) != ok || err != nil && e.Code != "run.imbalance" {
			t.Errorf("%d of 2 rejects: %v", rejects, err)
		}
	}
}
