package queue_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"spark/flows"
	"spark/internal/testserver"
	"spark/store"
	"spark/store/queue"
)

func TestMain(m *testing.M) {
	if os.Getenv("SPARK_TEST_WORKER") != "" {
		workForEver()
	}
	testserver.Main(m)
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	suite(t, func(t *testing.T) store.Config { return store.Config{Folder: filepath.Join(t.TempDir(), "data")} })
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	suite(t, func(t *testing.T) store.Config { return store.Config{DatabaseURL: testserver.PostgreSQL(t)} })
}

// suite is the conformance suite of the queue. fresh returns a new, empty database.
func suite(t *testing.T, fresh func(t *testing.T) store.Config) {
	for name, test := range map[string]func(*testing.T, *bundle){
		"rolled back leaves nothing":                testRollback,
		"committed is worked once":                  testCommit,
		"nobody sees a job before the commit":       testInvisible,
		"one job per run and attempt":               testUnique,
		"one job of many concurrent inserts":        testUniqueConcurrent,
		"jobs without run are refused":              testInvalid,
		"an error ends the job":                     testError,
		"a job that has to wait makes room":         testLater,
		"a panic ends the job":                      testPanic,
		"fifty concurrent inserts":                  testConcurrent,
		"stop drains":                               testStopDrains,
		"stop gives back what does not end":         testStopGivesBack,
		"stop is bounded":                           testStopBounded,
		"the end of the start's context is no stop": testStartContext,
		"long work keeps its lease":                 testLongWork,
		"a killed worker's job is delivered again":  testKill,
		"alone takes back at once":                  testAlone,
		"a slow worker loses its job":               testSlow,
		"a silent database ends the lease":          testSilent,
		"opened by many at once":                    testConcurrentOpen,
		"a newer database is refused":               testNewer,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, fresh(t)))
		})
	}
}

// bundle is an open queue and a table that stands for the runs.
type bundle struct {
	*queue.Queue
	cfg   store.Config
	store *store.Store
}

var scope = flows.Scope{Project: "p1", Actor: "ann"}

func setup(t *testing.T, cfg store.Config) *bundle {
	t.Helper()
	b := &bundle{cfg: cfg}
	b.store = openStore(t, cfg)
	b.Queue = b.open(t, queue.Options{})
	if _, err := b.store.SQL().ExecContext(t.Context(), "CREATE TABLE test_runs (id TEXT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	return b
}

func openStore(t *testing.T, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// open returns another queue on the same database, as another process would have it.
func (b *bundle) open(t *testing.T, opts queue.Options) *queue.Queue {
	t.Helper()
	opts.Log = slog.New(slog.DiscardHandler)
	if opts.Workers == 0 {
		opts.Workers = 4
	}
	q, err := queue.Open(t.Context(), b.store, opts)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// start saves a run and its job as the run service does, and returns the id of the job.
func (b *bundle) start(t *testing.T, run string) int64 {
	t.Helper()
	id, err := b.insert(t.Context(), run, nil)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (b *bundle) insert(ctx context.Context, run string, end error) (id int64, err error) {
	err = b.store.Transaction(ctx, scope, func(db *gorm.DB, tx *sql.Tx) (err error) {
		if err := db.Exec("INSERT INTO test_runs (id) VALUES (?)", run).Error; err != nil {
			return err
		}
		if id, err = b.Insert(ctx, tx, job(run, 1)); err != nil {
			return err
		}
		return end
	})
	return id, err
}

func job(run string, attempt int) queue.Job {
	return queue.Job{Run: run, Project: "p1", Attempt: attempt}
}

// work starts a worker that ends with the test.
func work(t *testing.T, q *queue.Queue, do func(context.Context, queue.Job) error) (stop func(context.Context) error) {
	t.Helper()
	stop, err := q.Work(t.Context(), do)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		cancel() // nothing to wait for
		_ = stop(ctx)
	})
	return stop
}

// states counts the jobs in the database by what River says of them.
func (b *bundle) states(t *testing.T) map[string]int {
	t.Helper()
	rows, err := b.store.SQL().QueryContext(t.Context(), "SELECT state, count(*) FROM river_job GROUP BY state")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[string]int{}
	for rows.Next() {
		var state string
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			t.Fatal(err)
		}
		got[state] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return got
}

func (b *bundle) count(t *testing.T, query string) (n int) {
	t.Helper()
	if err := b.store.SQL().QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// wantStates waits until the jobs have these states.
func (b *bundle) wantStates(t *testing.T, want map[string]int) {
	t.Helper()
	var got map[string]int
	eventually(t, func() bool {
		got = b.states(t)
		return fmt.Sprint(got) == fmt.Sprint(want)
	}, func() string { return fmt.Sprintf("jobs are %v, want %v", got, want) })
}

func eventually(t *testing.T, ok func() bool, otherwise func() string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise())
		}
	}
}

// soon returns the next value, or fails after a while.
func soon[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not happen", what)
		panic("unreachable")
	}
}

// recorder is a worker that notes its jobs.
type recorder struct {
	mu   sync.Mutex
	jobs []queue.Job
}

func (r *recorder) do(_ context.Context, j queue.Job) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.jobs = append(r.jobs, j)
	return nil
}

func (r *recorder) all() []queue.Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]queue.Job(nil), r.jobs...)
}

var errBroken = errors.New("broken on purpose")

// TestNothingIsLeftBehind is not parallel, so that only its own goroutines can be found.
func TestNothingIsLeftBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	b := &bundle{}
	s, err := store.Open(t.Context(), store.Config{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	b.store = s
	b.Queue = b.open(t, queue.Options{Lease: 100 * time.Millisecond})
	done := make(chan queue.Job, 1)
	stop, err := b.Work(t.Context(), func(_ context.Context, j queue.Job) error { done <- j; return nil })
	if err != nil {
		t.Fatal(err)
	}
	err = s.Transaction(t.Context(), scope, func(_ *gorm.DB, tx *sql.Tx) error {
		_, err := b.Insert(t.Context(), tx, job("r", 1))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	soon(t, done, "the job")
	for range 2 { // stopping twice is allowed
		if err := stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	goleak.VerifyNone(t, before)
}

// TestSQLiteStaysDurable holds every connection of the pool while the queue works on it.
func TestSQLiteStaysDurable(t *testing.T) {
	t.Parallel()
	b := setup(t, store.Config{Folder: t.TempDir()})
	var r recorder
	work(t, b.Queue, r.do)
	b.start(t, "r")
	b.wantStates(t, map[string]int{"completed": 1})
	for i := range 6 { // all held at once, so each is another connection
		conn, err := b.store.SQL().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for name, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1"} {
			var got string
			if err := conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil || got != want {
				t.Errorf("connection %d: %s = %q, want %q (%v)", i, name, got, want, err)
			}
		}
	}
}
