package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"spark/flows"
	"spark/internal/testserver"
	"spark/server/api"
)

// replayed is a server with a connection to a database, and a flow whose refused records are replayed.
type replayed struct {
	*serving
	conn *pgx.Conn
	flow api.Flow
}

func newReplayed(t *testing.T) *replayed {
	t.Helper()
	p := setup(t)
	address := testserver.PostgreSQL(t)
	conn, err := pgx.Connect(t.Context(), address)
	must(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	x := &replayed{serving: p.serve(), conn: conn}
	u, err := url.Parse(address)
	must(t, err)
	password, _ := u.User.Password()
	port, err := strconv.Atoi(u.Port())
	must(t, err)
	x.ask(http.MethodPost, "/api/v1/connections", map[string]any{"name": "warehouse", "type": "postgres", "settings": map[string]any{"host": u.Hostname(), "port": port,
		"database": strings.Trim(u.Path, "/"), "user": u.User.Username(), "password": password, "tls": "disable"}}, nil)
	return x
}

// orders writes a file in which every record whose number divides by 10 has a comma in its amount.
func (x *replayed) orders(n int) {
	var b strings.Builder
	b.WriteString("id,amount,note\n")
	for i := 1; i <= n; i++ {
		amount := fmt.Sprintf("%d.50", i)
		if i%10 == 0 {
			amount = fmt.Sprintf(`"%d,50"`, i)
		}
		fmt.Fprintf(&b, "%d,%s,\"é \"\"%d\"\"\"\n", i, amount, i)
	}
	x.write("spark/files/orders.csv", b.String())
}

var (
	readOrders = input("orders.csv", "id:int64", "amount:text", "note:text")
	toDecimal  = step("convert", "convert", `{"fields":[{"name":"amount","type":"decimal(10,2)"}]}`).policy("reject")
	mend       = step("mend", "formula", `{"fields":[{"name":"amount","expression":"replace(amount, ',', '.')"}]}`)
)

func into(mode string) box {
	key := ""
	if mode == "upsert" {
		key = `,"key":["id"]`
	}
	return step("out", "database.output", `{"connection":"warehouse","table":"orders","mode":"`+mode+`"`+key+`}`)
}

// draw creates the flow.
func (x *replayed) draw(doc string) {
	x.t.Helper()
	x.ask(http.MethodPost, "/api/v1/flows", map[string]any{"document": json.RawMessage(doc)}, &x.flow)
}

// redraw saves another draft of it.
func (x *replayed) redraw(doc string) {
	x.t.Helper()
	var now api.Flow
	x.ask(http.MethodGet, "/api/v1/flows/"+x.flow.ID, nil, &now)
	b, err := json.Marshal(map[string]any{"document": json.RawMessage(doc)})
	must(x.t, err)
	req, err := http.NewRequestWithContext(x.t.Context(), http.MethodPut, x.Base+"/api/v1/flows/"+x.flow.ID+"/draft", bytes.NewReader(b))
	must(x.t, err)
	req.Header.Set("Authorization", "Bearer "+x.Key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("If-Match", strconv.Quote(now.Etag))
	answer, err := http.DefaultClient.Do(req)
	must(x.t, err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		x.t.Fatalf("save the draft: %s", answer.Status)
	}
}

// began starts a run.
func (x *replayed) began(t *testing.T) (r flows.Run) {
	t.Helper()
	x.ask(http.MethodPost, "/api/v1/runs", map[string]any{"flow": x.flow.ID}, &r)
	return r
}

func (x *replayed) run(t *testing.T) flows.Run {
	t.Helper()
	r := x.began(t)
	r = x.until("the run is over", r.ID, runTime, over)
	if r.State != flows.RunSucceeded {
		t.Fatalf("%+v %v", r, r.Error)
	}
	return r
}

func (x *replayed) open() (n api.RejectCount) {
	x.t.Helper()
	x.ask(http.MethodGet, "/api/v1/rejects/count", nil, &n)
	return n
}

func (x *replayed) dry() (r flows.ReplayReport) {
	x.t.Helper()
	x.ask(http.MethodPost, "/api/v1/rejects/replay/dry", map[string]any{"flow": x.flow.ID}, &r)
	return r
}

func (x *replayed) replay() (r flows.Run) {
	x.t.Helper()
	return x.replayOf(map[string]any{"flow": x.flow.ID})
}

func (x *replayed) replayOf(chosen map[string]any) (r flows.Run) {
	x.t.Helper()
	var err error
	until(x.t, "the replay begins", runTime, func() bool {
		err = x.Call(x.t.Context(), http.MethodPost, "/api/v1/rejects/replay", chosen, &r)
		return err == nil || !strings.Contains(err.Error(), "executor.died") // the process that answers questions may have been killed, too
	})
	must(x.t, err)
	return r
}

// table is the number of records, of different ids, and the sum of the amounts.
func (x *replayed) table() (records, ids int, sum string) {
	x.t.Helper()
	must(x.t, x.conn.QueryRow(x.t.Context(), "SELECT count(*), count(DISTINCT id), coalesce(sum(amount), 0)::text FROM orders").Scan(&records, &ids, &sum))
	return records, ids, sum
}

func TestReplay(t *testing.T) {
	t.Parallel()
	x := newReplayed(t)
	x.orders(30)
	x.draw(chain(readOrders, toDecimal, into("upsert")))
	r := x.run(t)
	if r.Rejected != 3 || x.open().Count != 3 {
		t.Fatalf("%d rejects of the run, %d open", r.Rejected, x.open().Count)
	}
	if d := x.dry(); d.Passed != 0 || d.Failed != 3 || len(d.Rejects) != 3 || d.Rejects[0].Record != 10 || d.Rejects[0].File != "orders.csv" || len(d.Problems) > 0 {
		t.Errorf("dry run of the same flow: %+v", d)
	}
	again := x.until("the replay is over", x.replay().ID, runTime, over)
	if again.State != flows.RunSucceeded || again.Trigger != flows.TriggerReplay || again.Rejected != 3 || again.Written != 0 || x.open().Count != 3 {
		t.Errorf("replayed in vain: %+v %v, %d open", again, again.Error, x.open().Count)
	}
	var list api.Page[flows.StoredReject]
	x.ask(http.MethodGet, "/api/v1/rejects", nil, &list)
	for _, s := range list.Items {
		if s.Earlier == "" || s.Run != again.ID || s.Record%10 != 0 {
			t.Errorf("refused again: %+v", s)
		}
	}
	x.redraw(chain(readOrders, mend, toDecimal, into("upsert")))
	if d := x.dry(); d.Passed != 3 || d.Failed != 0 || d.Written != 3 || len(d.Problems) > 0 || d.After != "in" {
		t.Errorf("dry run: %+v", d)
	}
	again = x.until("the replay is over", x.replay().ID, runTime, over)
	if again.State != flows.RunSucceeded || again.Written != 3 || again.Rejected != 0 || x.open().Count != 0 {
		t.Errorf("replayed: %+v %v, %d open", again, again.Error, x.open().Count)
	}
	if records, ids, sum := x.table(); records != 30 || ids != 30 || sum != "480.00" {
		t.Errorf("%d records, %d ids, %s", records, ids, sum)
	}
	if r := x.run(t); r.Rejected != 0 || r.Nodes[len(r.Nodes)-1].Changes.Unchanged != 30 {
		t.Errorf("run again: %+v", r.Nodes)
	}
	x.fails(http.MethodPost, "/api/v1/rejects/replay", map[string]any{"flow": x.flow.ID}, http.StatusUnprocessableEntity, "no reject is chosen")
}

// TestReplayOfFile: lines that a file input refused are read again by the same input, whatever it makes of them now.
func TestReplayOfFile(t *testing.T) {
	t.Parallel()
	x := newReplayed(t)
	x.write("spark/files/orders.csv", "note;id;amount\nall of it;1;1.5\n\"a \"\"b\"\"\";2;x\n")
	x.write("spark/files/orders2.csv", "id;amount;note\n3;n/a;c\n")
	in := func(options string) box {
		return input("orders*.csv", "id:int64", "amount:decimal(10,2)", "note:text").policy("reject").with("fileNameField", "file").options(options)
	}
	x.draw(chain(in(`{"delimiter":";","encoding":"windows-1252"}`), into("upsert")))
	x.run(t)
	if d := x.dry(); d.Failed != 2 || d.Rejects[0].Line == 0 || d.Rejects[0].File == d.Rejects[1].File {
		t.Errorf("dry run of the same flow: %+v", d)
	}
	x.redraw(chain(in(`{"delimiter":";","encoding":"windows-1252","nullValues":["","x","n/a"]}`), into("upsert")))
	if d := x.dry(); d.Passed != 2 || d.Failed != 0 || len(d.Problems) > 0 {
		t.Fatalf("dry run: %+v", d)
	}
	r := x.until("the replay is over", x.replay().ID, runTime, over)
	var got string
	must(t, x.conn.QueryRow(t.Context(), "SELECT string_agg(concat_ws('|', id, amount, note, file), E'\n' ORDER BY id) FROM orders").Scan(&got))
	if want := "1|1.50|all of it|orders.csv\n2|a \"b\"|orders.csv\n3|c|orders2.csv"; got != want || r.State != flows.RunSucceeded || x.open().Count != 0 {
		t.Errorf("%s\n%+v %v", got, r, r.Error)
	}
}

// TestReplayBesideOthers: what replayed records are joined with is read as always, what else would come into a union is
// left out, and so is every branch that they do not belong to.
func TestReplayBesideOthers(t *testing.T) {
	t.Parallel()
	x := newReplayed(t)
	x.orders(30)
	x.write("spark/files/names.csv", "id,name\n10,Ann\n20,Ben\n20,Bea\n5,Eve\n")
	x.write("spark/files/others.csv", "id,amount,note,name\n99,1.00,other,Zoe\n")
	names := input("names.csv", "id:int64", "name:text").named("names")
	others := input("others.csv", "id:int64", "amount:decimal(10,2)", "note:text", "name:text").named("others")
	find := step("find", "lookup", `{"keys":[{"in":"id","reference":"id"}],"noMatch":"null","many":"all"}`)
	all := step("all", "union", `{}`)
	draw := func(boxes []box, more ...string) string {
		edges := []string{"convert.out>find.in", "names.out>find.reference", "find.out>all.in", "others.out>all.in", "all.out>out.in", "in.out>copy.in", "convert.rejects>bad.in"}
		return graph(nil, append(boxes, readOrders, toDecimal, names, others, find, all, step("out", "database.output", `{"connection":"warehouse","table":"orders","mode":"append"}`),
			output("copy.csv").named("copy"), output("bad.csv").named("bad")), append(edges, more...)...)
	}
	x.draw(draw(nil, "in.out>convert.in"))
	x.run(t)
	copied, bad := x.read("spark/files/copy.csv"), x.read("spark/files/bad.csv")
	x.redraw(draw([]box{mend}, "in.out>mend.in", "mend.out>convert.in"))
	if d := x.dry(); d.Passed != 3 || d.Written != 4 || len(d.Problems) > 0 {
		t.Fatalf("dry run: %+v", d)
	}
	r := x.until("the replay is over", x.replay().ID, runTime, over)
	var got string
	must(t, x.conn.QueryRow(t.Context(), "SELECT string_agg(concat_ws('|', id, amount, name), E'\\n' ORDER BY id, name) FROM orders WHERE id % 10 = 0 OR id = 99").Scan(&got))
	if want := "10|10.50|Ann\n20|20.50|Bea\n20|20.50|Ben\n30|30.50\n99|1.00|Zoe"; got != want || r.State != flows.RunSucceeded || r.Written != 4 {
		t.Errorf("%s\n%+v %v", got, r, r.Error)
	}
	if x.read("spark/files/copy.csv") != copied || x.read("spark/files/bad.csv") != bad {
		t.Error("the replay wrote files of branches that it has no part in")
	}
	if records, _, _ := x.table(); records != 27+1+4 {
		t.Errorf("%d records", records)
	}
}

// TestHarmfulReplays: where a replay would spoil what is there, it is refused with the reason, and nothing happens.
func TestHarmfulReplays(t *testing.T) {
	t.Parallel()
	x := newReplayed(t)
	x.orders(20)
	x.draw(chain(readOrders, toDecimal, into("upsert")))
	x.run(t)
	for want, doc := range map[string]string{
		"truncate would put the replayed records in place of all others": chain(readOrders, mend, toDecimal, into("truncate")),
		"in place of all others":           chain(readOrders, mend, toDecimal, output("out.csv")),
		"depends on records that are not":  chain(readOrders, mend, toDecimal, step("sum", "aggregate", `{"groupBy":["id"],"aggregates":[{"name":"amount","expression":"sum(amount)"}]}`), into("upsert")),
		"which refused the records":        chain(readOrders, mend, toDecimal.named("other"), into("upsert")),
		"no way leads":                     graph(nil, []box{readOrders, readOrders.named("in2"), toDecimal, into("upsert")}, "in2.out>convert.in", "convert.out>out.in"),
		`of the records is text`:           chain(input("orders.csv", "id:int64", "amount:decimal(10,2)", "note:text").policy("reject"), toDecimal, into("upsert")),
		"no output would take the records": chain(readOrders, mend, toDecimal),
	} {
		x.redraw(doc)
		d := x.dry()
		if len(d.Problems) == 0 || !strings.Contains(d.Problems.Error(), want) || d.Problems[0].Suggestion == "" {
			t.Errorf("%q is not said: %v", want, d.Problems)
			continue
		}
		x.fails(http.MethodPost, "/api/v1/rejects/replay", map[string]any{"flow": x.flow.ID}, http.StatusUnprocessableEntity, want)
	}
	if n := x.open().Count; n != 2 {
		t.Errorf("%d are open", n)
	}
}

// TestKilledReplays: a server or an executor that is killed at a random moment of a replay loses no record and writes
// none twice: once the server has been started again, each is in the table, or open.
func TestKilledReplays(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"append", "upsert"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			x := newReplayed(t)
			x.orders(3000)
			x.draw(chain(readOrders, toDecimal, into(mode)))
			x.run(t)
			x.redraw(chain(readOrders, mend, toDecimal, into(mode)))
			for i := range kills() {
				x.killedOnce(i)
			}
			if x.open().Count > 0 {
				x.until("the last replay is over", x.replay().ID, runTime, over)
			}
			if records, ids, sum := x.table(); records != 3000 || ids != 3000 || sum != "4503000.00" || x.open().Count != 0 {
				t.Errorf("%d records, %d ids, %s, %d open", records, ids, sum, x.open().Count)
			}
		})
	}
}

// committed asks the database whether it has committed a run, as often as it answers within a second.
func (x *replayed) committed(run string) (yes bool) {
	for began := time.Now(); !yes && time.Since(began) < time.Second; {
		must(x.t, x.conn.QueryRow(x.t.Context(), "SELECT EXISTS (SELECT FROM spark_commit WHERE run = $1)", run).Scan(&yes))
	}
	return yes
}

// killedOnce replays ten records, kills somebody, starts the server again where it was killed, and checks that every
// record is in one place.
func (x *replayed) killedOnce(i int) {
	x.t.Helper()
	var list api.Page[flows.StoredReject]
	x.ask(http.MethodGet, "/api/v1/rejects?limit=10", nil, &list)
	if len(list.Items) == 0 {
		return
	}
	var ids []string
	for _, r := range list.Items {
		ids = append(ids, r.ID)
	}
	r := x.replayOf(map[string]any{"ids": ids})
	if i%4 < 2 { // the moment when the table has the records, and the server does not know it yet
		until(x.t, "the table has the records", runTime, func() bool { return x.committed(r.ID) })
	} else {
		time.Sleep(time.Duration(rand.Int64N(int64(500 * time.Millisecond)))) // a replay takes some 300 ms
	}
	if i%2 == 0 {
		x.Kill()
		until(x.t, "its executors end", 10*time.Second, func() bool { return len(x.executors()) == 0 })
		x.serving = x.serve()
	} else {
		for _, pid := range x.executors() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	}
	r = x.until("the replay is over", r.ID, runTime, over)
	var states [2]api.Page[flows.StoredReject]
	x.ask(http.MethodGet, "/api/v1/rejects?state=open&limit=1", nil, &states[0])
	x.ask(http.MethodGet, "/api/v1/rejects?state=replaying&limit=1", nil, &states[1])
	records, different, _ := x.table()
	open := x.open().Count
	if len(states[1].Items) > 0 || records != different || records+int(open) != 3000 {
		x.t.Fatalf("kill %d: %d records of %d ids and %d open rejects after a replay that %s (%v)", i, records, different, open, r.State, r.Error)
	}
}

// TestKilledRuns: a server or an executor that is killed at a random moment of a run, or at the moment when the table has
// committed and the server does not know it yet, leaves a run whose state is true: the records of every run that succeeded
// are in the table once, and none of another.
func TestKilledRuns(t *testing.T) {
	t.Parallel()
	x := newReplayed(t)
	x.write("spark/files/orders.csv", "id,amount,note\n1,1.00,a\n2,2.00,b\n")
	x.draw(chain(readOrders, toDecimal, into("append")))
	x.run(t)
	succeeded := 1
	for i := range kills() {
		r := x.began(t)
		if i%4 < 2 {
			until(x.t, "the table has the records", runTime, func() bool { return x.committed(r.ID) })
		} else {
			time.Sleep(time.Duration(rand.Int64N(int64(500 * time.Millisecond))))
		}
		if i%2 == 0 {
			x.Kill()
			until(x.t, "its executors end", 10*time.Second, func() bool { return len(x.executors()) == 0 })
			x.serving = x.serve()
		} else {
			for _, pid := range x.executors() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		r = x.until("the run is over", r.ID, runTime, over)
		if r.State == flows.RunSucceeded {
			succeeded++
		} else if i%4 < 2 || r.Error.Code == "commit.unknown" {
			t.Fatalf("kill %d: %s %v", i, r.State, r.Error)
		}
		if records, _, _ := x.table(); records != 2*succeeded {
			t.Fatalf("kill %d: %d records of %d runs that succeeded; the last one %s %v", i, records, succeeded, r.State, r.Error)
		}
	}
}

// TestReplayKeepsValues: a record that comes back from the inbox has the values that it had, whatever their types.
func TestReplayKeepsValues(t *testing.T) {
	t.Parallel()
	x := newReplayed(t)
	values := []string{
		`"y":"AP8iXCc=","t":"","d":0.0000000001,"f":0.1,"b":true,"dt":"0001-01-01","ti":"23:59:59.999999","ts":"2026-03-29T02:30:00.000001","tz":"2026-03-29T02:30:00+02:00","u":"00000000-0000-0000-0000-00000000000a","iv":"P1Y2M3DT4H5M6.7S","l":["a","b,c","",null,"null","it's \"x\"","[1, 2]"],"s":{"a":"x, y","n":[1,2,null]},"j":{"k":[1,"é"]}`,
		`"t":"null","d":-9999999999999999999999999999.9999999999,"f":1e-300,"b":false,"dt":"9999-12-31","ti":"00:00:00","ts":"1900-01-01T00:00:00","tz":"1969-12-31T23:59:59.5Z","u":"ffffffff-ffff-ffff-ffff-ffffffffffff","iv":"PT0S","l":[],"s":{"a":null,"n":[]},"j":"text"`,
		`"t":"línea\n\"2\"\t{'a': 1}\\","d":12345678901234567890.5,"f":123456789.123456789,"b":null,"dt":null,"ti":null,"ts":null,"tz":null,"u":null,"iv":null,"l":null,"s":null,"j":null`,
		`"t":"  spaces  ","d":1,"f":-0.0,"b":true,"dt":"2000-02-29","ti":"12:00:00","ts":"2000-02-29T12:00:00","tz":"2000-02-29T12:00:00Z","u":"12345678-9abc-def0-1234-56789abcdef0","iv":"P-1D","l":["{a}","\\","\n","'"],"s":{"a":"{'a': NULL}","n":null},"j":[]`,
	}
	var b strings.Builder
	for i, v := range values {
		fmt.Fprintf(&b, "{\"id\":%d,\"n\":0,%s}\n{\"id\":%d,\"n\":1,%s}\n", 2*i, v, 2*i+1, v)
	}
	x.write("spark/files/values.jsonl", b.String())
	in := input("values.jsonl", "id:int64", "n:int64", "t:text", "d:decimal(38,10)", "f:double", "b:boolean", "dt:date", "ti:time", "ts:timestamp", "tz:timestamptz", "u:uuid", "iv:interval", "l:list<text>", "s:struct<a: text, n: list<int64>>", "j:json", "y:bytes")
	calc := func(expression string) box {
		return step("calc", "formula", `{"fields":[{"name":"x","expression":"`+expression+`"}]}`).policy("reject")
	}
	x.draw(chain(in, calc("1 % n"), into("append")))
	if r := x.run(t); r.Rejected != int64(len(values)) {
		t.Fatalf("%d rejects", r.Rejected)
	}
	x.redraw(chain(in, calc("1 % 1"), into("append")))
	if d := x.dry(); d.Failed != 0 || len(d.Problems) > 0 {
		t.Fatalf("dry run: %+v", d)
	}
	if r := x.until("the replay is over", x.replay().ID, runTime, over); r.State != flows.RunSucceeded {
		t.Fatalf("%+v %v", r, r.Error)
	}
	rows, err := x.conn.Query(t.Context(), "SELECT p.id, (to_jsonb(p) - 'id' - 'n')::text, (to_jsonb(q) - 'id' - 'n')::text FROM orders p JOIN orders q ON q.id = p.id + 1 AND p.n = 0 ORDER BY p.id")
	must(t, err)
	defer rows.Close()
	pairs := 0
	for rows.Next() {
		var id int
		var back, was string
		must(t, rows.Scan(&id, &back, &was))
		if pairs++; back != was {
			t.Errorf("record %d came back as\n%s\nand was\n%s", id, back, was)
		}
	}
	if must(t, rows.Err()); pairs != len(values) {
		t.Errorf("%d records came back", pairs)
	}
}
