package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"spark/flows"
	"spark/internal/testserver"
)

// moody is an API that takes records, and is not always in the mood: it answers 429 with Retry-After and 500 at times, and
// cuts connections before and after it has taken a record. It knows a request again by its key.
type moody struct {
	mu      sync.Mutex
	taken   map[int]int // by id: how often
	keys    map[string]bool
	asked   int
	moods   [5]int // how often it was in each
	calm    bool
	seconds map[int64]int // requests by second
}

func newMoody(t *testing.T, calm bool) (*moody, string) {
	t.Helper()
	m := &moody{taken: map[int]int{}, keys: map[string]bool{}, seconds: map[int64]int{}, calm: calm}
	s := httptest.NewServer(m)
	t.Cleanup(s.Close)
	return m, s.URL
}

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	m.seconds[time.Now().Unix()]++
	mood := 0
	if n := m.asked; !m.calm {
		switch {
		case n%500 == 7:
			mood = 1
		case n%300 == 11:
			mood = 2
		case n%400 == 23:
			mood = 3
		case n%400 == 37:
			mood = 4
		}
	}
	m.moods[mood]++
	switch mood {
	case 1:
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case 2:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case 3:
		panic(http.ErrAbortHandler)
	}
	var record struct {
		ID int `json:"order_id"`
	}
	key := r.Header.Get("Idempotency-Key")
	if err != nil || json.Unmarshal(body, &record) != nil || key == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !m.keys[key] {
		m.keys[key] = true
		m.taken[record.ID]++
	}
	if mood == 4 { // it has taken the record, and nobody hears of it
		panic(http.ErrAbortHandler)
	}
	fmt.Fprint(w, `{"ok": true}`)
}

func (m *moody) count() (asked, taken int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked, len(m.taken)
}

// once: every record is there, and none twice.
func (m *moody) once(t *testing.T, n int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	twice := 0
	for _, k := range m.taken {
		if k != 1 {
			twice++
		}
	}
	if len(m.taken) != n || twice > 0 {
		t.Errorf("the server has %d of %d records, %d of them twice", len(m.taken), n, twice)
	}
	t.Logf("%d requests, moods %v", m.asked, m.moods)
}

// calls is how many records scenario 8 sends: all of them outside of short tests.
func sendRecords() int {
	if testing.Short() || os.Getenv("SPARK_SOAK") == "" {
		return 20_000
	}
	return 100_000
}

func ordersOf(n int) box {
	return step("in", "sample.data", fmt.Sprintf(`{"dataset":"orders","records":%d}`, n))
}

// connections writes the connection "shop" for spark run.
func (p *place) shop(address string, more string) {
	p.write("connections.json", fmt.Sprintf(`{"shop":{"type":"http","settings":{"baseUrl":%q%s}}}`, address, more))
	p.env = append(p.env, "SPARK_ALLOW_NETWORK=loopback")
}

// TestOutboundCalls is scenario 8: one call for each record, at a server in bad moods, which has each record once.
func TestOutboundCalls(t *testing.T) {
	t.Parallel()
	n := sendRecords()
	m, address := newMoody(t, false)
	p := setup(t)
	p.shop(address, "")
	p.write("flow.json", chain(ordersOf(n), step("call", "http.request", `{"connection":"shop","method":"POST","url":"/orders","send":"record","parallel":16,"attempts":8}`), output("out.csv")))
	o := p.run("run", "--connections", "connections.json", "flow.json")
	if o.code != exitOK {
		t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	m.once(t, n)
	if lines := strings.Count(p.read("out.csv"), "\n"); lines != n+1 {
		t.Errorf("out.csv has %d lines", lines)
	}
	p.clean()
}

// TestOutboundRate: no second has more requests than the rate, but for where two seconds meet.
func TestOutboundRate(t *testing.T) {
	t.Parallel()
	m, address := newMoody(t, true)
	p := setup(t)
	p.shop(address, `,"rate":200`)
	p.write("flow.json", chain(ordersOf(500), step("call", "http.request", `{"connection":"shop","method":"POST","url":"/orders","send":"record","parallel":16}`), output("out.csv")))
	if o := p.run("run", "--connections", "connections.json", "flow.json"); o.code != exitOK {
		t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	m.once(t, 500)
	for second, k := range m.seconds {
		if k > 210 {
			t.Errorf("%d requests in the second %d", k, second)
		}
	}
}

// TestRateOfAConnection: all nodes of a run that use a connection share its rate, also while they call at the same time.
func TestRateOfAConnection(t *testing.T) {
	t.Parallel()
	const pages, rate = 40, 20
	var asked atomic.Int64
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		fmt.Fprintf(w, `{"items": [{"id": %s}], "more": %t}`, r.URL.Query().Get("page"), r.URL.Query().Get("page") != strconv.Itoa(pages))
	}))
	t.Cleanup(api.Close)
	p := setup(t)
	p.shop(api.URL, fmt.Sprintf(`,"rate":%d`, rate))
	read := func(id string) box {
		return step(id, "rest.input", `{"connection":"shop","url":"/items","recordPath":"items","paging":"page","morePath":"more","fields":[{"name":"id","type":"int64"}]}`)
	}
	p.write("flow.json", graph(nil, []box{read("one"), read("two"), step("all", "union", `{}`), output("out.csv")}, "one.out>all.in", "two.out>all.in", "all.out>out.in"))
	began := time.Now()
	if o := p.run("run", "--connections", "connections.json", "flow.json"); o.code != exitOK {
		t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	took := time.Since(began)
	if n := asked.Load(); n != 2*pages || took < (2*pages-1)*time.Second/rate {
		t.Errorf("%d requests took %s", n, took)
	}
	t.Logf("%d requests took %s", asked.Load(), took)
}

// TestOutputKilled: the executor is killed while it sends, and the run goes on behind what it has sent.
func TestOutputKilled(t *testing.T) {
	t.Parallel()
	const n = 6000
	m, address := newMoody(t, false)
	p := setup(t)
	p.env = append(p.env, "SPARK_ALLOW_NETWORK=loopback")
	s := p.serve()
	s.ask(http.MethodPost, "/api/v1/connections", map[string]any{"name": "shop", "type": "http", "settings": map[string]any{"baseUrl": address}}, nil)
	r := s.begin(chain(ordersOf(n), step("send", "rest.output", `{"connection":"shop","url":"/orders","parallel":4}`)))
	struck := 0
	for struck < 3 {
		goal := n * (struck + 1) / 5
		s.until("records are sent", r.ID, 30*time.Second, func(r flows.Run) bool {
			if over(r) {
				t.Fatalf("the run ended as %+v", r)
			}
			_, taken := m.count()
			return taken >= goal
		})
		kill(t, syscall.SIGKILL, s.executors()...)
		struck++
	}
	r = s.until("the run ends", r.ID, 60*time.Second, over)
	if r.State != flows.RunSucceeded || r.Written != n {
		t.Fatalf("the run ended as %+v", r)
	}
	m.once(t, n)
	if asked, _ := m.count(); asked > n+n/3 {
		t.Errorf("%d requests were made for %d records: it did not go on behind what it had sent", asked, n)
	}
}

// outbound is scenario 8: a server, a table of records that change, and an API in bad moods that gets each change by one call.
type outbound struct {
	*serving
	m    *moody
	conn *pgx.Conn
	flow string
}

// outboundRate is the rate limit of the connection, a second.
const outboundRate = 3000

func newOutbound(t *testing.T, n int) *outbound {
	t.Helper()
	address := testserver.PostgreSQL(t)
	m, api := newMoody(t, false)
	p := setup(t)
	p.env = append(p.env, "SPARK_ALLOW_NETWORK=loopback")
	o := &outbound{serving: p.serve(), m: m, conn: quiet(t, address)}
	must(t, execute(t, o.conn, fmt.Sprintf(`CREATE TABLE orders (order_id bigint PRIMARY KEY, status text, changed timestamptz NOT NULL);
		INSERT INTO orders SELECT g, 'new', now() - interval '1 hour' + g * interval '1 millisecond' FROM generate_series(1, %d) g`, n)))
	o.warehouse(address)
	o.ask(http.MethodPost, "/api/v1/connections", map[string]any{"name": "shop", "type": "http", "settings": map[string]any{"baseUrl": api, "rate": outboundRate}}, nil)
	doc := chain(step("in", "database.input", `{"connection":"warehouse","table":"orders","mode":"incremental","cursor":"changed","cursorKey":["order_id"],"lag":""}`),
		step("call", "http.request", `{"connection":"shop","method":"POST","url":"/orders","send":"record","key":"[order_id]-[changed]","parallel":16,"attempts":8}`),
		step("out", "database.output", `{"connection":"warehouse","table":"answers","mode":"upsert","key":["order_id"]}`))
	var flow struct{ ID string }
	o.ask(http.MethodPost, "/api/v1/flows", map[string]any{"document": json.RawMessage(doc)}, &flow)
	o.flow = flow.ID
	return o
}

func (o *outbound) start() (r flows.Run) {
	o.t.Helper()
	o.ask(http.MethodPost, "/api/v1/runs", map[string]any{"flow": o.flow}, &r)
	return r
}

// cursor is how far the flow has read.
func (o *outbound) cursor() string {
	o.t.Helper()
	var page struct{ Items []flows.FlowCursor }
	o.ask(http.MethodGet, "/api/v1/flows/"+o.flow+"/cursors", nil, &page)
	for _, c := range page.Items {
		return c.Cursor.Value
	}
	return ""
}

// TestOutboundSync: changed rows of a table go out by one call each, at a server in bad moods; the executor is killed in the middle. In
// the end the server has each change once, the cursor has reached the last one, and no second had more requests than allowed.
func TestOutboundSync(t *testing.T) {
	t.Parallel()
	n := sendRecords()
	o := newOutbound(t, n)
	r := o.start()
	o.until("a third is sent", r.ID, 120*time.Second, func(r flows.Run) bool {
		if over(r) {
			t.Fatalf("the run ended as %+v", r)
		}
		_, taken := o.m.count()
		return taken >= n/3
	})
	kill(t, syscall.SIGKILL, o.executors()...)
	if r = o.until("the run ends", r.ID, 30*time.Second, over); r.State != flows.RunFailed || r.Error.Code != "executor.died" {
		t.Fatalf("the killed run ended as %+v", r)
	}
	if c := o.cursor(); c != "" {
		t.Errorf("the cursor stands at %s after a run that has committed nothing", c)
	}
	began, before := time.Now(), o.m.requests()
	if r = o.until("the run ends", o.start().ID, 170*time.Second, over); r.State != flows.RunSucceeded || r.Written != int64(n) || r.Rejected != 0 {
		t.Fatalf("the run ended as %+v", r)
	}
	took := time.Since(began)
	o.m.once(t, n)
	t.Logf("%d records by %d requests in %s, %.0f a second", n, o.m.requests()-before, took.Round(time.Millisecond), float64(o.m.requests()-before)/took.Seconds())
	o.same(t)

	must(t, execute(t, o.conn, "UPDATE orders SET status = 'changed', changed = now() WHERE order_id % 40 = 0"))
	if r = o.until("the run ends", o.start().ID, 60*time.Second, over); r.State != flows.RunSucceeded || r.Written != int64(n/40) {
		t.Fatalf("the run of the changes ended as %+v", r)
	}
	o.same(t)
	o.m.changed(t, n, 40)
	before = o.m.requests()
	if r = o.until("the run ends", o.start().ID, 30*time.Second, over); r.State != flows.RunSucceeded || r.Written != 0 || o.m.requests() != before {
		t.Errorf("a run without changes has made %d requests and ended as %+v", o.m.requests()-before, r)
	}
	if most := o.m.busiest(); most > outboundRate*11/10 {
		t.Errorf("%d requests in one second", most)
	} else {
		t.Logf("at most %d requests in one second of %d allowed", most, outboundRate)
	}
}

// same: the cursor has reached the latest change, and the answers are those of all rows.
func (o *outbound) same(t *testing.T) {
	t.Helper()
	var behind bool
	must(t, o.conn.QueryRow(t.Context(), "SELECT max(changed) > $1::timestamptz FROM orders", o.cursor()).Scan(&behind))
	if behind {
		t.Errorf("the cursor stands at %s, below the latest change", o.cursor())
	}
	var different int
	must(t, o.conn.QueryRow(t.Context(), "SELECT count(*) FROM orders o LEFT JOIN answers a USING (order_id) WHERE a.http_status IS DISTINCT FROM 200 OR a.status <> o.status").Scan(&different))
	if different > 0 {
		t.Errorf("%d rows have another answer", different)
	}
}

// changed: every record is there once, and those whose number can be divided by step twice, as they have changed once.
func (m *moody) changed(t *testing.T, n, step int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	wrong := 0
	for id := 1; id <= n; id++ {
		want := 1
		if id%step == 0 {
			want = 2
		}
		if m.taken[id] != want {
			wrong++
		}
	}
	if wrong > 0 || len(m.keys) != n+n/step {
		t.Errorf("%d records are not there as often as they have changed; %d keys", wrong, len(m.keys))
	}
}

func (m *moody) requests() int {
	asked, _ := m.count()
	return asked
}

// busiest is the most requests of one second.
func (m *moody) busiest() (most int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.seconds {
		most = max(most, k)
	}
	return most
}
