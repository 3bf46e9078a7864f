package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"spark/flows"
)

// picky is an API that refuses some records, takes each of the others once by its key, and can be mended.
type picky struct {
	mu      sync.Mutex
	taken   map[int]int
	keys    map[string]bool
	refused int
	mended  bool
	slow    time.Duration
}

func newPicky(t *testing.T) (*picky, string) {
	p := &picky{taken: map[int]int{}, keys: map[string]bool{}}
	api := httptest.NewServer(p)
	t.Cleanup(api.Close)
	return p, api.URL
}

func (p *picky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var record struct {
		ID int `json:"order_id"`
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil || json.Unmarshal(body, &record) != nil || record.ID%100 == 7 && !p.mended {
		p.refused++
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprintf(w, "order %d is not wanted", record.ID)
		return
	}
	if key := r.Header.Get("Idempotency-Key"); !p.keys[key] {
		p.keys[key] = true
		p.taken[record.ID]++
	}
}

// once: each record is there once, but for those that are refused.
func (p *picky) once(t *testing.T, n, missing int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, k := range p.taken {
		if k != 1 {
			t.Errorf("order %d was taken %d times", id, k)
		}
	}
	if len(p.taken) != n-missing {
		t.Errorf("%d of %d records were taken, %d are missing", len(p.taken), n, missing)
	}
}

func (p *picky) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.taken)
}

const leavesOut = `{"connection":"shop","url":"/orders","parallel":4,"onClient":"reject"}`

// TestOutputRejectsLocally: the records that a server refuses are in the file of rejects of spark run, and the run has succeeded with them.
func TestOutputRejectsLocally(t *testing.T) {
	t.Parallel()
	api, address := newPicky(t)
	p := setup(t)
	p.shop(address, "")
	p.write("flow.json", chain(ordersOf(1000), step("send", "rest.output", leavesOut)))
	o := p.run("run", "--connections", "connections.json", "--rejects", "rejects.jsonl", "flow.json")
	if o.code != exitOK {
		t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	api.once(t, 1000, 10)
	lines := strings.Split(strings.TrimSpace(p.read("rejects.jsonl")), "\n")
	if len(lines) != 10 || !strings.Contains(lines[0], "is not wanted") || !strings.Contains(lines[0], `\"order_id\":\"`) {
		t.Errorf("%d rejects, the first is %s", len(lines), lines[0])
	}
	p.clean()
}

// TestOutputRejects: in the middle of the sending the executor is killed, and the run goes on; what the server refuses is in the inbox
// once, the books are right, and once the server is mended a replay sends exactly these.
func TestOutputRejects(t *testing.T) {
	t.Parallel()
	const n, bad = 6000, 60
	api, address := newPicky(t)
	p := setup(t)
	p.env = append(p.env, "SPARK_ALLOW_NETWORK=loopback")
	s := p.serve()
	s.ask(http.MethodPost, "/api/v1/connections", map[string]any{"name": "shop", "type": "http", "settings": map[string]any{"baseUrl": address}}, nil)
	r := s.begin(chain(ordersOf(n), step("send", "rest.output", leavesOut)))
	s.until("records are sent", r.ID, 30*time.Second, func(r flows.Run) bool {
		if over(r) {
			t.Fatalf("the run ended as %+v", r)
		}
		return api.count() > n/3
	})
	kill(t, syscall.SIGKILL, s.executors()...)
	if r = s.until("the run ends", r.ID, 60*time.Second, over); r.State != flows.RunSucceeded || r.Written != n-bad || r.Rejected != bad {
		t.Fatalf("the run ended as %+v", r)
	}
	api.once(t, n, bad)
	var inbox struct{ Items []flows.StoredReject }
	s.ask(http.MethodGet, "/api/v1/rejects?limit=200&state=open", nil, &inbox)
	if len(inbox.Items) != bad || inbox.Items[0].Node != "send" || !strings.Contains(inbox.Items[0].Reason, "is not wanted") {
		t.Fatalf("%d rejects are open: %+v", len(inbox.Items), inbox.Items[:min(1, len(inbox.Items))])
	}
	api.mu.Lock()
	api.mended = true
	api.mu.Unlock()
	var replay flows.Run
	s.ask(http.MethodPost, "/api/v1/rejects/replay", map[string]any{"flow": r.FlowID, "draft": true}, &replay)
	if replay = s.until("the replay ends", replay.ID, 60*time.Second, over); replay.State != flows.RunSucceeded || replay.Written != bad {
		t.Fatalf("the replay ended as %+v", replay)
	}
	api.once(t, n, 0)
}
