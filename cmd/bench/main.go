// Bench measures Spark and prints one line per figure. It fails when a figure cannot be measured, and not when one
// misses its goal: a slow machine is no error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"spark/internal/testserver"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case len(os.Args) > 1 && os.Args[1] == "limit":
		err = limit(os.Args[2:])
	case len(os.Args) == 3 && os.Args[1] == "send":
		err = sendAll(ctx, os.Args[2])
	default:
		err = bench(ctx, os.Args[1:], figures(), os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, args []string, all []Figure, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "measure only figures whose names begin with one of these, separated by commas")
	out := flags.String("out", "bench.json", "file for the results")
	spark := flags.String("spark", "bin/spark", "the program that is measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(all, *only)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "spark-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b := &Bench{Spark: *spark, Folder: folder, Log: stderr, self: self}
	results, err := measure(ctx, b, chosen, stdout)
	return errors.Join(err, testserver.Stop(), writeJSON(*out, results))
}

// measure runs the figures in their order. One that fails does not keep the others from being measured.
func measure(ctx context.Context, b *Bench, chosen []Figure, stdout io.Writer) ([]Result, error) {
	results := []Result{}
	var errs []error
	width := nameWidth(chosen)
	fmt.Fprintln(stdout, heading(width))
	for _, f := range chosen {
		value, ratio, err := f.Run(ctx, b)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.Name, err))
			fmt.Fprintf(stdout, "%-*s  FAILED\n", width, f.Name)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		r := Result{Name: f.Name, Value: value, Unit: f.Unit, Ratio: ratio, Goal: f.Goal, Better: f.Better}
		results = append(results, r)
		line := r.line(width)
		if f.missed(value, ratio) {
			line += "  MISSED"
		}
		fmt.Fprintln(stdout, line)
	}
	return results, errors.Join(errs...)
}

// choose selects by the beginnings of names. A beginning that no figure has is an error: it is a misspelling.
func choose(all []Figure, only string) ([]Figure, error) {
	seen := map[string]bool{}
	for _, f := range all {
		if seen[f.Name] || f.Name == "" || strings.ContainsAny(f.Name, ", ") || f.Better != Lower && f.Better != Higher {
			return nil, fmt.Errorf("the figure %q has no name of its own or does not say what is better", f.Name)
		}
		seen[f.Name] = true
	}
	if only == "" {
		return all, nil
	}
	beginnings := strings.Split(only, ",")
	used := make([]bool, len(beginnings))
	var chosen []Figure
	for _, f := range all {
		match := false
		for i, p := range beginnings {
			if p != "" && strings.HasPrefix(f.Name, p) {
				used[i], match = true, true
			}
		}
		if match {
			chosen = append(chosen, f)
		}
	}
	for i, p := range beginnings {
		if !used[i] {
			return nil, fmt.Errorf("no figure begins with %q", p)
		}
	}
	return chosen, nil
}
