package queue_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"spark/store"
	"spark/store/queue"
)

// TestFirstStartIsQuiet: whoever starts Spark sees nothing of how the queue comes up, unless they look for it.
func TestFirstStartIsQuiet(t *testing.T) {
	t.Parallel()
	start := func(level slog.Level) string {
		var said bytes.Buffer
		log := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: level}))
		s, err := store.Open(t.Context(), store.Config{Folder: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		q, err := queue.Open(t.Context(), s, queue.Options{Workers: 1, Alone: true, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		stop, err := q.Work(t.Context(), func(context.Context, queue.Job) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		return said.String()
	}
	if said := start(slog.LevelInfo); said != "" {
		t.Errorf("a user sees\n%s", said)
	}
	if said := start(slog.LevelDebug); !strings.Contains(said, "migration") || strings.Contains(said, "level=INFO") {
		t.Errorf("who looks for it sees\n%s", said)
	}
}
