package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
)

type fakePurger chan time.Time

func (f fakePurger) Purge(_ context.Context, before time.Time) (int64, error) {
	f <- before
	return 7, nil
}

// TestKeepFor: what is older than it is to be kept goes as soon as the server has started; the log says how much.
func TestKeepFor(t *testing.T) {
	t.Parallel()
	asked := make(fakePurger)
	now := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	var log bytes.Buffer
	stop := keepFor(30*24*time.Hour, asked, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	if before := <-asked; !before.Equal(time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("what is before %v is removed", before)
	}
	stop()
	if text := log.String(); !strings.Contains(text, "rejects=7") && text != "" { // it may have been stopped before it could say so
		t.Errorf("the log says %q", text)
	}
	keepFor(0, nil, nil, nil)() // kept for ever
}
