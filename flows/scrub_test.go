package flows

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestScrubber: a secret is hidden however it is written, and nothing else is changed.
func TestScrubber(t *testing.T) {
	t.Parallel()
	const secret = `Kanari/"'\ä +%&@:?#`
	s := NewScrubber([]string{secret, "abc", "", "other-secret"})
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, written := range map[string]string{"plain": secret, "Go": fmt.Sprintf("%q", secret), "ASCII": fmt.Sprintf("%+q", secret), "SQL": strings.ReplaceAll(secret, "'", "''"),
		"JSON": string(quoted), "query": url.QueryEscape(secret), "path": url.PathEscape(secret), "address": (&url.URL{Scheme: "postgres", User: url.UserPassword("u", secret), Host: "h"}).String(),
		"base64": base64.StdEncoding.EncodeToString([]byte(secret)), "base64 for addresses": base64.URLEncoding.EncodeToString([]byte(secret)), "second": "other-secret"} {
		got := s.Text("the value " + written + " is wrong")
		if strings.Contains(got, "Kanari") || strings.Contains(got, "other") || !strings.Contains(got, "***") || !strings.HasPrefix(got, "the value ") || !strings.HasSuffix(got, " is wrong") {
			t.Errorf("%s: %s becomes %s", name, written, got)
		}
	}
	if got := s.Text("abc stays, and Kanari too"); got != "abc stays, and Kanari too" {
		t.Error(got)
	}
	reject := Reject{Node: "n", Code: "c", Reason: "not " + secret, Raw: "a record with " + secret}
	lines, err := s.RejectLines(AppendReject(AppendReject(nil, &reject), &Reject{Node: "n", Reason: "fine"}))
	if err != nil {
		t.Fatal(err)
	}
	var got Reject
	if err := json.Unmarshal(lines[:strings.Index(string(lines), "\n")], &got); err != nil || got.Reason != "not ***" || got.Raw != reject.Raw || strings.Count(string(lines), "\n") != 2 {
		t.Errorf("%s, %v", lines, err)
	}
	e := &Error{Code: "c", Message: secret, Suggestion: secret, Params: Params{"v": secret, "n": 3, "l": []string{secret}}, Path: Path{File: secret}, Cause: errors.New(secret)}
	for _, err := range []error{e, Problems{e}, errors.New(secret), fmt.Errorf("wrapped: %w", e)} {
		b, _ := json.Marshal(AsError(s.Error(err)))
		if text := s.Error(err).Error() + string(b); strings.Contains(text, "Kanari") || !strings.Contains(text, "***") {
			t.Errorf("%T: %s", err, text)
		}
	}
	plain := errors.New("nothing to hide")
	if s.Error(plain) != plain || (Scrubber{}).Error(e) != error(e) {
		t.Error("an error without a secret was changed")
	}
}
