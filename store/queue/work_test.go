package queue_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"spark/store"
	"spark/store/queue"
)

func testError(t *testing.T, b *bundle) {
	var r recorder
	work(t, b.Queue, func(ctx context.Context, j queue.Job) error {
		return errors.Join(r.do(ctx, j), errBroken)
	})
	id := b.start(t, "r")
	b.wantStates(t, map[string]int{"discarded": 1})
	if again := b.again(t, "r", 1); again != id {
		t.Errorf("the attempt that failed was inserted again as job %d", again)
	}
	b.start(t, "later") // once this is worked, the first had every chance to come again
	b.wantStates(t, map[string]int{"discarded": 2})
	if got := r.all(); len(got) != 2 {
		t.Errorf("worked %v, want each once", got)
	}
}

func testPanic(t *testing.T, b *bundle) {
	work(t, b.Queue, func(context.Context, queue.Job) error { panic(errBroken) })
	b.start(t, "r")
	b.wantStates(t, map[string]int{"discarded": 1})
}

func testStopDrains(t *testing.T, b *bundle) {
	began, finish := make(chan queue.Job, 10), make(chan struct{})
	stop := work(t, b.Queue, func(ctx context.Context, j queue.Job) error {
		began <- j
		<-finish
		return ctx.Err()
	})
	b.start(t, "one")
	soon(t, began, "the job")
	stopped := make(chan error, 1)
	go func() { stopped <- stop(t.Context()) }()
	b.start(t, "two")
	select {
	case err := <-stopped:
		t.Fatalf("stop returned %v before the job", err)
	case <-time.After(300 * time.Millisecond): // three times the interval of looking for jobs
	}
	close(finish)
	if err := soon(t, stopped, "stop"); err != nil {
		t.Error(err)
	}
	if len(began) > 0 {
		t.Errorf("%v was taken after stop", <-began)
	}
	b.wantStates(t, map[string]int{"completed": 1, "available": 1})
}

func testStopGivesBack(t *testing.T, b *bundle) {
	began, cause := make(chan queue.Job, 1), make(chan error, 1)
	stop := work(t, b.Queue, func(ctx context.Context, j queue.Job) error {
		began <- j
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return ctx.Err()
	})
	b.start(t, "r")
	soon(t, began, "the job")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := stop(ctx); err != nil {
		t.Error(err)
	}
	if err := <-cause; err != queue.ErrStopped {
		t.Errorf("the context ended with %v", err)
	}
	b.wantStates(t, map[string]int{"available": 1})
	var r recorder
	work(t, b.open(t, queue.Options{}), r.do)
	b.wantStates(t, map[string]int{"completed": 1})
	if got := r.all(); len(got) != 1 || got[0].Run != "r" || got[0].Attempt != 1 || got[0].Delivery != 2 {
		t.Errorf("worked %+v, want the same attempt in its second delivery", got)
	}
}

func testStopBounded(t *testing.T, b *bundle) {
	began, finish := make(chan queue.Job, 1), make(chan struct{})
	stop := work(t, b.Queue, func(_ context.Context, j queue.Job) error {
		began <- j
		<-finish // whatever the context says
		return nil
	})
	b.start(t, "r")
	soon(t, began, "the job")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := stop(ctx); err == nil {
		t.Error("stop reports success with a job running")
	}
	close(finish)
	if err := stop(t.Context()); err != nil {
		t.Error(err)
	}
	b.wantStates(t, map[string]int{"completed": 1})
}

func testStartContext(t *testing.T, b *bundle) {
	ctx, cancel := context.WithCancel(t.Context())
	began, finish := make(chan queue.Job, 1), make(chan struct{})
	stop, err := b.Work(ctx, func(ctx context.Context, j queue.Job) error {
		began <- j
		<-finish
		return ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	b.start(t, "r")
	soon(t, began, "the job")
	cancel()
	close(finish)
	if err := stop(t.Context()); err != nil {
		t.Error(err)
	}
	b.wantStates(t, map[string]int{"completed": 1})
}

func testLongWork(t *testing.T, b *bundle) {
	q := b.open(t, queue.Options{Lease: 3 * time.Second})
	other := b.open(t, queue.Options{Lease: 3 * time.Second})
	began, finish := make(chan queue.Job, 10), make(chan struct{})
	do := func(ctx context.Context, j queue.Job) error {
		began <- j
		<-finish
		return ctx.Err()
	}
	work(t, q, do)
	work(t, other, do)
	b.start(t, "r")
	soon(t, began, "the job")
	var at string
	for changes := 0; changes < 9; { // three leases
		eventually(t, func() bool {
			var now string
			if err := b.store.SQL().QueryRowContext(t.Context(), "SELECT CAST(attempted_at AS TEXT) FROM river_job WHERE state = 'running'").Scan(&now); err != nil {
				t.Fatal(err)
			}
			changed := now != at
			at = now
			return changed
		}, func() string { return "the lease is not renewed" })
		changes++
	}
	close(finish)
	b.wantStates(t, map[string]int{"completed": 1})
	if len(began) > 0 {
		t.Errorf("%+v was delivered while it was worked", <-began)
	}
}

// workForEver is the process that is killed.
func workForEver() {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{DatabaseURL: os.Getenv("SPARK_TEST_URL"), Folder: os.Getenv("SPARK_TEST_FOLDER")})
	if err != nil {
		panic(err)
	}
	lease, err := time.ParseDuration(os.Getenv("SPARK_TEST_WORKER"))
	if err != nil {
		panic(err)
	}
	q, err := queue.Open(ctx, s, queue.Options{Lease: lease, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		panic(err)
	}
	if _, err := q.Work(ctx, func(_ context.Context, j queue.Job) error {
		fmt.Println(j.Run)
		select {}
	}); err != nil {
		panic(err)
	}
	select {}
}

// killed runs a worker process until it has the job, and kills it.
func (b *bundle) killed(t *testing.T, lease time.Duration) {
	t.Helper()
	var log strings.Builder
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SPARK_TEST_WORKER="+lease.String(), "SPARK_TEST_URL="+b.cfg.DatabaseURL, "SPARK_TEST_FOLDER="+b.cfg.Folder)
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make(chan string, 1)
	go func() {
		s, _ := bufio.NewReader(out).ReadString('\n')
		line <- s
	}()
	var got string
	select {
	case got = <-line:
	case <-time.After(20 * time.Second):
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if got != "r\n" {
		t.Fatalf("the worker process got %q: %s", got, log.String())
	}
	b.wantStates(t, map[string]int{"running": 1})
}

func testKill(t *testing.T, b *bundle) {
	const lease = time.Second
	b.start(t, "r")
	b.killed(t, lease)
	dead := time.Now()
	var r recorder
	q := b.open(t, queue.Options{Lease: lease})
	work(t, q, r.do)
	b.wantStates(t, map[string]int{"completed": 1, "discarded": 1})
	t.Logf("delivered %v after the kill with a lease of %v", time.Since(dead).Round(time.Millisecond), lease)
	if got := r.all(); len(got) != 1 || got[0] != (queue.Job{Run: "r", Project: "p1", Attempt: 1, Delivery: 2}) {
		t.Errorf("worked %+v, want the same attempt in its second delivery", got)
	}
	// The job that went on holds the run's place.
	if n := b.count(t, "SELECT count(*) FROM river_job WHERE unique_key IS NOT NULL AND state = 'completed'"); n != 1 {
		t.Errorf("%d ended jobs keep the attempt from a second one", n)
	}
}

func testAlone(t *testing.T, b *bundle) {
	b.start(t, "r")
	b.killed(t, time.Hour)
	var r recorder
	work(t, b.open(t, queue.Options{Lease: time.Hour, Alone: true}), r.do)
	b.wantStates(t, map[string]int{"completed": 1, "discarded": 1})
	if got := r.all(); len(got) != 1 || got[0].Delivery != 2 {
		t.Errorf("worked %+v", got)
	}
}

// testSlow makes a second worker take the job of one that lives but was silent for what the second one calls a lease.
func testSlow(t *testing.T, b *bundle) {
	began, cause := make(chan queue.Job, 10), make(chan error, 10)
	slow := work(t, b.open(t, queue.Options{Lease: 4 * time.Second, Workers: 1}), func(ctx context.Context, j queue.Job) error {
		began <- j
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return ctx.Err()
	})
	b.start(t, "r")
	soon(t, began, "the first delivery")
	second, finish := make(chan queue.Job, 10), make(chan struct{})
	work(t, b.open(t, queue.Options{Lease: time.Second}), func(ctx context.Context, j queue.Job) error {
		second <- j
		<-finish
		return ctx.Err()
	})
	if j := soon(t, second, "the second delivery"); j.Delivery != 2 {
		t.Errorf("the second delivery is %+v", j)
	}
	if err := soon(t, cause, "the end of the first"); err != queue.ErrLost {
		t.Errorf("the slow worker's context ended with %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := slow(ctx); err != nil { // after this it has told River what became of its job
		t.Error(err)
	}
	b.wantStates(t, map[string]int{"running": 1, "discarded": 1})
	close(finish)
	b.wantStates(t, map[string]int{"completed": 1, "discarded": 1})
}

// testSilent keeps the database from answering: the worker must give its job up by its own clock.
func testSilent(t *testing.T, b *bundle) {
	cause := make(chan error, 1)
	work(t, b.open(t, queue.Options{Lease: 300 * time.Millisecond}), func(ctx context.Context, j queue.Job) error {
		if j.Delivery > 1 {
			return nil
		}
		tx, err := b.store.SQL().BeginTx(context.WithoutCancel(ctx), nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // only the lock was wanted
		if _, err := tx.ExecContext(context.WithoutCancel(ctx), "UPDATE river_job SET priority = priority"); err != nil {
			return err
		}
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return ctx.Err()
	})
	b.start(t, "r")
	if err := soon(t, cause, "the end of the lease"); err != queue.ErrLost {
		t.Errorf("the context ended with %v", err)
	}
	eventually(t, func() bool { return b.states(t)["completed"] == 1 }, func() string { return fmt.Sprint(b.states(t)) })
}

// testLater: with one worker, a job that has to wait lets the one behind it pass and comes again.
func testLater(t *testing.T, b *bundle) {
	var r recorder
	passed := make(chan struct{})
	q := b.open(t, queue.Options{Workers: 1})
	work(t, q, func(ctx context.Context, j queue.Job) error {
		if j.Run == "behind" {
			close(passed)
			return nil
		}
		select {
		case <-passed:
			return r.do(ctx, j)
		default:
			return queue.ErrLater
		}
	})
	b.start(t, "waits")
	b.start(t, "behind")
	b.wantStates(t, map[string]int{"completed": 2})
	if got := r.all(); len(got) != 1 || got[0].Run != "waits" || got[0].Attempt != 1 || got[0].Delivery < 2 {
		t.Errorf("worked %+v, want the same attempt in a later delivery", got)
	}
}
