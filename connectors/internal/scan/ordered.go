package scan

import (
	"context"
	"sync"
)

// Ordered lets one goroutine produce jobs, workers turn each into a result, and hands the results to consume in the
// order of the jobs, on the caller's goroutine. At most 2×workers+1 jobs are under way. It returns the first error of
// consume, then of produce, then of ctx, after every goroutine has ended. Results that consume never saw go to drop.
type Ordered[J, R any] struct {
	Workers   int
	Produce   func(ctx context.Context, put func(J) error) error
	NewWorker func() (do func(J) R, end func()) // called once per worker
	Consume   func(R) error
	Drop      func(R)
}

type task[J, R any] struct {
	job    J
	result R
	done   chan struct{}
}

// Run does it.
func (o Ordered[J, R]) Run(parent context.Context) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	workers := max(1, o.Workers)
	work := make(chan *task[J, R])
	queue := make(chan *task[J, R], 2*workers)
	var produceErr error
	var wg sync.WaitGroup

	wg.Go(func() {
		defer close(queue)
		defer close(work)
		produceErr = o.Produce(ctx, func(j J) error {
			t := &task[J, R]{job: j, done: make(chan struct{})}
			select {
			case queue <- t: // bounds what is under way
			case <-ctx.Done():
				return ctx.Err()
			}
			work <- t // workers never leave before work is closed
			return nil
		})
	})
	for range workers {
		wg.Go(func() {
			do, end := o.NewWorker()
			defer end()
			for t := range work {
				if ctx.Err() == nil {
					t.result = do(t.job)
				}
				close(t.done)
			}
		})
	}
	err := o.consume(ctx, queue)
	cancel()
	for t := range queue {
		<-t.done
		o.Drop(t.result)
	}
	wg.Wait()
	if err == nil {
		err = produceErr
	}
	if parent.Err() != nil && (err == nil || err == context.Canceled) {
		err = parent.Err()
	}
	return err
}

func (o Ordered[J, R]) consume(ctx context.Context, queue <-chan *task[J, R]) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case t, ok := <-queue:
			if !ok {
				return nil
			}
			<-t.done // a worker's job is short
			if ctx.Err() != nil {
				o.Drop(t.result)
				return ctx.Err()
			}
			if err := o.Consume(t.result); err != nil {
				return err
			}
		}
	}
}
