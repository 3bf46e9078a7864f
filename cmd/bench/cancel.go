package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

const cancels = 50

// cancel is the time from Ctrl-C to the exit of the process, the 95th percentile over 50 random moments of W2.
func cancel(ctx context.Context, b *Bench) (float64, *float64, error) {
	dir, err := b.data(ctx, full)
	if err != nil {
		return 0, nil, err
	}
	var times []float64
	for len(times) < cancels {
		after := time.Duration(20+rand.IntN(2000)) * time.Millisecond
		took, running, err := cancelAfter(ctx, b, dir, after)
		if err != nil {
			return 0, nil, err
		}
		if running { // a run that had ended already tells nothing
			times = append(times, took)
		}
	}
	slices.Sort(times)
	fmt.Fprintf(b.Log, "cancel: median %.0f ms, largest %.0f ms\n", times[cancels/2], times[cancels-1])
	return times[cancels*95/100], nil, nil
}

func cancelAfter(ctx context.Context, b *Bench, dir string, after time.Duration) (ms float64, running bool, err error) {
	cmd := exec.CommandContext(ctx, b.Spark, "run", filepath.Join(dir, "w2.json"), "--folder", dir)
	if err := cmd.Start(); err != nil {
		return 0, false, err
	}
	time.Sleep(after)
	at := time.Now()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		return 0, false, cmd.Wait()
	}
	err = cmd.Wait()
	took := time.Since(at)
	ee, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return 0, false, nil
	case !ok:
		return 0, false, err
	case ee.ExitCode() == -1: // before the handler was set up the signal itself ends the process
		return 0, false, nil
	case ee.ExitCode() != 130:
		return 0, false, fmt.Errorf("a cancelled run exited with %d", ee.ExitCode())
	}
	return 1000 * took.Seconds(), true, nil
}
