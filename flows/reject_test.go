package flows_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"spark/flows"
)

// TestRejectLines: what is written by hand is what encoding/json writes, for any text, and is read back.
func TestRejectLines(t *testing.T) {
	t.Parallel()
	text := rapid.Map(rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("\"\\\b\f\n\r\t\x00\x1f\x7f<>&é")))), func(b []byte) string { return string(b) + "\u2028€\U0001F600\xff" })
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.OneOf(rapid.Just(""), rapid.String(), text)
		r := flows.Reject{Node: some.Draw(t, "node"), Code: some.Draw(t, "code"), Reason: some.Draw(t, "reason"), Field: some.Draw(t, "field"), File: some.Draw(t, "file"),
			Line: rapid.Int64().Draw(t, "line"), Record: rapid.Int64Range(0, 3).Draw(t, "record"), Raw: some.Draw(t, "raw"), RawBytes: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
		got := flows.AppendReject([]byte("x"), &r)
		if string(got[1:]) != want.String() {
			t.Fatalf("wrote %q, want %q", got[1:], want.String())
		}
		var plain flows.Reject
		if err := json.Unmarshal(want.Bytes(), &plain); err != nil {
			t.Fatal(err)
		}
		back, err := flows.ParseRejects(append(got[1:], got[1:]...))
		if err != nil || cmp.Diff([]flows.Reject{plain, plain}, back) != "" {
			t.Fatalf("read %+v, %v", back, err)
		}
	})
	if _, err := flows.ParseRejects([]byte(`{"node":`)); err == nil {
		t.Error("half a line is accepted")
	}
}
