package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
)

// What may be better.
const (
	Lower  = "lower"
	Higher = "higher"
)

// Figure is one measured number.
type Figure struct {
	Name    string
	Unit    string
	Goal    *float64
	OfRatio bool   // the goal is one for the ratio and not for the value
	Better  string // Lower or Higher
	Run     func(ctx context.Context, b *Bench) (value float64, ratio *float64, err error)
}

func (f Figure) missed(value float64, ratio *float64) bool {
	if f.Goal == nil {
		return false
	}
	if f.OfRatio {
		if ratio == nil {
			return true // a goal that cannot be compared is not reached
		}
		value = *ratio
	}
	if f.Better == Lower {
		return !(value <= *f.Goal)
	}
	return !(value >= *f.Goal)
}

// Result is what was measured: the columns of a line and the keys of the file.
type Result struct {
	Name   string   `json:"name"`
	Value  float64  `json:"value"`
	Unit   string   `json:"unit"`
	Ratio  *float64 `json:"ratio"`
	Goal   *float64 `json:"goal"`
	Better string   `json:"better"`
}

func nameWidth(fs []Figure) int {
	w := len("name")
	for _, f := range fs {
		w = max(w, len(f.Name))
	}
	return w
}

const columns = "%-*s  %12s  %-10s  %8s  %10s  %s"

func heading(width int) string {
	return fmt.Sprintf(columns, width, "name", "value", "unit", "ratio", "goal", "better")
}

func (r Result) line(width int) string {
	unit := r.Unit
	if unit == "" {
		unit = "-"
	}
	return fmt.Sprintf(columns, width, r.Name, number(&r.Value), unit, number(r.Ratio), number(r.Goal), r.Better)
}

// number writes four significant digits, and all digits before the point.
func number(v *float64) string {
	if v == nil {
		return "-"
	}
	if math.Abs(*v) >= 1000 {
		return strconv.FormatFloat(*v, 'f', 0, 64)
	}
	return strconv.FormatFloat(*v, 'g', 4, 64)
}

func writeJSON(file string, results []Result) error {
	b, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
