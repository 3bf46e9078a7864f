package main

import (
	"context"
	"log/slog"
	"time"
)

// purgeInterval is how often rejects are looked for that are too old.
const purgeInterval = time.Hour

// purger removes what has been kept long enough.
type purger interface {
	Purge(ctx context.Context, before time.Time) (int64, error)
}

// keepFor removes rejects that are older than keep, at once and then every hour, until stop is called.
func keepFor(keep time.Duration, rejects purger, now func() time.Time, log *slog.Logger) (stop func()) {
	if keep <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(purgeInterval)
		defer t.Stop()
		for {
			n, err := rejects.Purge(ctx, now().Add(-keep))
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				log.Warn("old rejects could not be removed", "error", err)
			case n > 0:
				log.Info("old rejects were removed", "rejects", n, "older_than", keep)
			}
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	}()
	return func() { cancel(); <-ended }
}
