package queue_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"gorm.io/gorm"

	"spark/flows"
	"spark/store"
	"spark/store/queue"
)

func testRollback(t *testing.T, b *bundle) {
	var r recorder
	work(t, b.Queue, r.do)
	if _, err := b.insert(t.Context(), "gone", errBroken); !errors.Is(err, errBroken) {
		t.Fatalf("insert = %v, want the error of the transaction", err)
	}
	// The run that fails is the second of its id: the job before it in the transaction must go too.
	b.start(t, "kept")
	err := b.store.Transaction(t.Context(), scope, func(db *gorm.DB, tx *sql.Tx) error {
		if _, err := b.Insert(t.Context(), tx, job("kept", 2)); err != nil {
			return err
		}
		return db.Exec("INSERT INTO test_runs (id) VALUES ('kept')").Error
	})
	if err == nil {
		t.Fatal("the same run was saved twice")
	}
	b.wantStates(t, map[string]int{"completed": 1})
	if n := b.count(t, "SELECT count(*) FROM test_runs"); n != 1 {
		t.Errorf("%d runs, want 1", n)
	}
	if got := r.all(); len(got) != 1 || got[0].Run != "kept" {
		t.Errorf("worked %v", got)
	}
}

func testCommit(t *testing.T, b *bundle) {
	var r recorder
	visible := make(chan int, 10)
	work(t, b.Queue, func(ctx context.Context, j queue.Job) error {
		var n int
		err := b.store.SQL().QueryRowContext(ctx, "SELECT count(*) FROM test_runs WHERE id = $1", j.Run).Scan(&n)
		visible <- n
		return errors.Join(err, r.do(ctx, j))
	})
	id := b.start(t, "läuft ✓")
	if n := soon(t, visible, "the job"); n != 1 {
		t.Errorf("the worker sees %d rows of its run", n)
	}
	b.wantStates(t, map[string]int{"completed": 1})
	want := []queue.Job{{Run: "läuft ✓", Project: "p1", Attempt: 1, Delivery: 1}}
	if got := r.all(); !slices.Equal(got, want) {
		t.Errorf("worked %+v, want %+v", got, want)
	}
	if n := b.count(t, fmt.Sprintf("SELECT count(*) FROM river_job WHERE id = %d", id)); n != 1 {
		t.Errorf("the id that Insert returned is of %d jobs", n)
	}
}

func testInvisible(t *testing.T, b *bundle) {
	var r recorder
	work(t, b.Queue, r.do)
	err := b.store.Transaction(t.Context(), scope, func(_ *gorm.DB, tx *sql.Tx) error {
		if _, err := b.Insert(t.Context(), tx, job("r", 1)); err != nil {
			return err
		}
		if n := b.count(t, "SELECT count(*) FROM river_job"); n != 0 { // through another connection
			t.Errorf("%d jobs are visible before the commit", n)
		}
		if got := r.all(); len(got) != 0 {
			t.Errorf("worked %v before the commit", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.wantStates(t, map[string]int{"completed": 1})
}

func testUnique(t *testing.T, b *bundle) {
	var r recorder
	again := func(attempt int) int64 { return b.again(t, "r", attempt) }
	first := b.start(t, "r")
	if id := again(1); id != first {
		t.Errorf("the second insert returned job %d, want %d", id, first)
	}
	b.wantStates(t, map[string]int{"available": 1})
	work(t, b.Queue, r.do)
	b.wantStates(t, map[string]int{"completed": 1})
	if id := again(1); id != first {
		t.Errorf("an insert after the end returned job %d, want %d", id, first)
	}
	if id := again(2); id == first {
		t.Error("another attempt has the same job")
	}
	b.wantStates(t, map[string]int{"completed": 2})
	if got := r.all(); len(got) != 2 || got[0].Attempt != 1 || got[1].Attempt != 2 {
		t.Errorf("worked %+v", got)
	}
}

// again inserts a job without a new run.
func (b *bundle) again(t *testing.T, run string, attempt int) (id int64) {
	t.Helper()
	err := b.store.Transaction(t.Context(), scope, func(_ *gorm.DB, tx *sql.Tx) (err error) {
		id, err = b.Insert(t.Context(), tx, job(run, attempt))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func testUniqueConcurrent(t *testing.T, b *bundle) {
	ids := make([]int64, 20)
	together(t, len(ids), func(i int) error {
		return b.store.Transaction(t.Context(), scope, func(_ *gorm.DB, tx *sql.Tx) (err error) {
			ids[i], err = b.Insert(t.Context(), tx, job("r", 1))
			return err
		})
	})
	b.wantStates(t, map[string]int{"available": 1})
	if distinct := slices.Compact(slices.Sorted(slices.Values(ids))); len(distinct) != 1 {
		t.Errorf("the inserts returned the jobs %v", distinct)
	}
}

func testInvalid(t *testing.T, b *bundle) {
	for _, j := range []queue.Job{{}, {Run: "r", Project: "p"}, {Run: "r", Attempt: 1}, {Project: "p", Attempt: 1}} {
		err := b.store.Transaction(t.Context(), scope, func(_ *gorm.DB, tx *sql.Tx) error {
			_, err := b.Insert(t.Context(), tx, j)
			return err
		})
		if err == nil {
			t.Errorf("%+v was inserted", j)
		}
	}
	b.wantStates(t, map[string]int{})
}

func testConcurrent(t *testing.T, b *bundle) {
	var r recorder
	work(t, b.Queue, r.do)
	work(t, b.open(t, queue.Options{}), r.do)
	const n = 50
	together(t, n, func(i int) error {
		var end error
		if i%5 == 4 {
			end = errBroken
		}
		if _, err := b.insert(t.Context(), fmt.Sprint("r", i), end); !errors.Is(err, end) {
			return err
		}
		return nil
	})
	b.wantStates(t, map[string]int{"completed": n * 4 / 5})
	if runs := b.count(t, "SELECT count(*) FROM test_runs"); runs != n*4/5 {
		t.Errorf("%d runs, want %d", runs, n*4/5)
	}
	seen := map[string]int{}
	for _, j := range r.all() {
		seen[j.Run]++
		if seen[j.Run] > 1 || j.Delivery != 1 {
			t.Errorf("%+v was worked %d times", j, seen[j.Run])
		}
	}
	if len(seen) != n*4/5 {
		t.Errorf("%d runs were worked, want %d", len(seen), n*4/5)
	}
}

func testConcurrentOpen(t *testing.T, b *bundle) {
	for _, table := range []string{"river_job", "river_leader", "river_migration", "river_queue", "river_notification"} {
		if _, err := b.store.SQL().ExecContext(t.Context(), "DROP TABLE IF EXISTS "+table+b.cascade()); err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range b.otherObjects() {
		if _, err := b.store.SQL().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	together(t, 6, func(int) error {
		s, err := store.Open(t.Context(), b.cfg)
		if err != nil {
			return err
		}
		_, err = queue.Open(t.Context(), s, queue.Options{})
		return errors.Join(err, s.Close())
	})
	var r recorder
	work(t, b.Queue, r.do)
	b.start(t, "r")
	b.wantStates(t, map[string]int{"completed": 1})
}

func (b *bundle) cascade() string {
	if b.store.SQLite() {
		return ""
	}
	return " CASCADE"
}

// otherObjects drops what River has in PostgreSQL besides tables.
func (b *bundle) otherObjects() []string {
	if b.store.SQLite() {
		return nil
	}
	return []string{"DROP FUNCTION IF EXISTS river_job_state_in_bitmask", "DROP TYPE IF EXISTS river_job_state CASCADE"}
}

func testNewer(t *testing.T, b *bundle) {
	if _, err := b.store.SQL().ExecContext(t.Context(), "INSERT INTO river_migration (line, version) VALUES ('main', 9999)"); err != nil {
		t.Fatal(err)
	}
	_, err := queue.Open(t.Context(), b.store, queue.Options{})
	if e, ok := errors.AsType[*flows.Error](err); !ok || e.Code != "store.newer" || e.Suggestion == "" {
		t.Errorf("open = %v, want store.newer with a suggestion", err)
	}
}

// together calls f n times at once.
func together(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			if err := f(i); err != nil {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	close(begin)
	wg.Wait()
}
