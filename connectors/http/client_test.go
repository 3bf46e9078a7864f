package http

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

func TestTriesAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statuses   []int
		retryAfter string
		asked      int64
		code       string        // "": there is an answer in the end
		least      time.Duration // waited before the last attempt
		most       time.Duration
	}{
		"busy, then not":            {statuses: []int{429, 503, 200}, asked: 3, least: 500 * time.Millisecond, most: time.Second},
		"as the server asks":        {statuses: []int{429, 200}, retryAfter: "7", asked: 2, least: 7 * time.Second, most: 7 * time.Second},
		"longer than anybody waits": {statuses: []int{429, 200}, retryAfter: "3600", asked: 1, code: "http.too_many"},
		"always":                    {statuses: []int{500, 502, 504, 408}, asked: 4, code: "http.server", least: time.Second, most: 2 * time.Second},
		"what nothing mends":        {statuses: []int{404, 200}, asked: 1, code: "http.not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			api := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.WriteHeader(c.statuses[min(int(asked.Add(1)), len(c.statuses))-1])
			})
			client, waits := caller(t, connect(t, api.URL, nil))
			q := get()
			q.attempts = len(c.statuses)
			_, err := client.do(t.Context(), q)
			if c.code == "" && err != nil || c.code != "" && coded(err).Code != c.code && !(c.code == "http.server" && coded(err).Code == "http.refused") {
				t.Errorf("%v, want %q", err, c.code)
			}
			if asked.Load() != c.asked || len(*waits) != int(c.asked)-1 {
				t.Fatalf("asked %d times and waited %v", asked.Load(), *waits)
			}
			if n := len(*waits); n > 0 && ((*waits)[n-1] < c.least || (*waits)[n-1] > c.most) {
				t.Errorf("waited %v, want %v to %v before the last", *waits, c.least, c.most)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{"0": 0, "120": 2 * time.Minute, "Sun, 01 Mar 2026 10:00:30 GMT": 30 * time.Second, "Sun, 01 Mar 2026 09:00:00 GMT": 0} {
		if got, ok := retryAfter(text, now); !ok || got != want {
			t.Errorf("%q: %v %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "soon", "-1"} {
		if got, ok := retryAfter(text, now); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	api := serve(t, func(http.ResponseWriter, *http.Request) {})
	client, _ := caller(t, connect(t, api.URL, map[string]any{"rate": 50}))
	began := time.Now()
	for range 6 {
		if _, err := client.do(t.Context(), get()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 100*time.Millisecond { // five gaps of 20 ms
		t.Errorf("six requests at 50 a second took %v", took)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	api := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	client, _ := caller(t, connect(t, api.URL, nil))
	client.timeout = 50 * time.Millisecond
	_, err := client.do(t.Context(), get())
	if e := coded(err); e.Code != "http.timeout" || e.Params["attempts"] != 3 {
		t.Errorf("%v", err)
	}
}
