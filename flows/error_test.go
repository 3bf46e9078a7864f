package flows_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
)

func TestErrorSentence(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*flows.Error{
		"no":                                  {Message: "no"},
		"no; try again":                       {Message: "no", Suggestion: "try again"},
		"node a: no":                          {Message: "no", Path: flows.Path{Node: "a"}},
		"node a, setting x: no":               {Message: "no", Path: flows.Path{Node: "a", Field: "x"}},
		"setting x at 7: no":                  {Message: "no", Path: flows.Path{Field: "x", Offset: 7, Length: 2}},
		"file f, line 3: no":                  {Message: "no", Path: flows.Path{File: "f", Line: 3}},
		"port out, record 9, field c: no; do": {Message: "no", Suggestion: "do", Path: flows.Path{Port: "out", Record: 9, Column: "c"}},
	} {
		if got := e.Error(); got != want {
			t.Errorf("sentence = %q, want %q", got, want)
		}
	}
}

func TestErrorAtFillsOnlyWhatIsEmpty(t *testing.T) {
	t.Parallel()
	e := &flows.Error{Code: "c", Path: flows.Path{Node: "a", Line: 1}}
	got := e.At(flows.Path{Node: "b", Port: "p", Field: "f", Offset: 2, Length: 3, File: "x", Line: 4, Record: 5, Column: "y"})
	want := flows.Path{Node: "a", Port: "p", Field: "f", Offset: 2, Length: 3, File: "x", Line: 1, Record: 5, Column: "y"}
	if diff := cmp.Diff(want, got.Path); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
	if e.Path.Port != "" {
		t.Error("the original was changed")
	}
}

func TestAsError(t *testing.T) {
	t.Parallel()
	if flows.AsError(nil) != nil {
		t.Error("nil became an error")
	}
	e := &flows.Error{Code: "c", Message: "m", Cause: io.EOF}
	if got := flows.AsError(fmt.Errorf("around: %w", e)); got != e {
		t.Errorf("wrapped: %v", got)
	}
	if got := flows.AsError(fmt.Errorf("around: %w", flows.Problems{e})); got != e {
		t.Errorf("problems: %v", got)
	}
	if got := flows.AsError(io.ErrClosedPipe); got.Code != "internal" || !errors.Is(got, io.ErrClosedPipe) {
		t.Errorf("plain: %v", got)
	}
	if !errors.Is(e, io.EOF) {
		t.Error("the cause is hidden")
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	warning := &flows.Error{Code: "w", Severity: flows.SeverityWarning, Message: "hm"}
	failure := &flows.Error{Code: "e", Message: "no"}
	if err := (flows.Problems{warning}).Err(); err != nil {
		t.Errorf("a warning fails: %v", err)
	}
	if err := (flows.Problems(nil)).Err(); err != nil {
		t.Errorf("nothing fails: %v", err)
	}
	if err := (flows.Problems{warning, failure}).Err(); err == nil || err.Error() != "hm\nno" {
		t.Errorf("err = %v", err)
	}
}

// The JSON form is part of the API.
func TestErrorJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(&flows.Error{Code: "draft.conflict", Params: flows.Params{"etag": "x"}, Path: flows.Path{Node: "a"}, Message: "m", Suggestion: "s", Cause: io.EOF})
	const want = `{"code":"draft.conflict","params":{"etag":"x"},"path":{"node":"a"},"message":"m","suggestion":"s"}`
	if err != nil || string(b) != want {
		t.Errorf("json = %s, %v", b, err)
	}
	if b, _ := json.Marshal(&flows.Error{Code: "c", Message: "m"}); string(b) != `{"code":"c","message":"m"}` {
		t.Errorf("json = %s", b)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"amount", "customer", "customer_id", "date", "Größe"}
	for word, want := range map[string]string{
		"amuont": "amount", "AMOUNT": "amount", "custmer": "customer", "customerid": "customer_id", "dat": "date", "größe": "Größe",
		"": "", "x": "", "completely different": "", "daet": "date",
	} {
		if got := flows.Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	for word, want := range map[string]string{"amuont": `did you mean "amount"?`, "zzzzzz": "there is amount, customer, customer_id, date, Größe"} {
		if got := flows.DidYouMean(word, words); got != want {
			t.Errorf("DidYouMean(%q) = %q, want %q", word, got, want)
		}
	}
	if got := flows.DidYouMean("a", nil); got != "there is none to choose from" {
		t.Errorf("without candidates: %q", got)
	}
	many := make([]string, 15)
	for i := range many {
		many[i] = fmt.Sprintf("f%02d", i)
	}
	if got, want := flows.DidYouMean("zzzzzz", many), "there are f00, f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11 and 3 more"; got != want {
		t.Errorf("with many: %q", got)
	}
}

// TestErrorWithout: a secret is hidden in every part of an error, as it is, quoted, and as it stands in SQL.
func TestErrorWithout(t *testing.T) {
	t.Parallel()
	const secret = "it's \"canary\""
	e := &flows.Error{Code: "x", Message: `syntax error at 'it''s "canary"'`, Suggestion: "look at " + secret, Path: flows.Path{Node: "n", Column: secret, File: secret},
		Params: flows.Params{"value": secret, "quoted": strconv.Quote(secret), "count": 3}, Cause: errors.New(secret)}
	hidden := flows.Problems{e}.Without([]string{"", secret})[0]
	if all := fmt.Sprintf("%v %v %v", hidden, hidden.Params, hidden.Cause); strings.Contains(all, "canary") || !strings.Contains(all, "***") {
		t.Error(all)
	}
	if hidden.Code != "x" || hidden.Path.Node != "n" || hidden.Params["count"] != 3 || !strings.Contains(e.Message, "canary") {
		t.Errorf("%+v, %+v", hidden, e)
	}
}
