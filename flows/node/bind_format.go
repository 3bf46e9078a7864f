package node

import (
	"fmt"
	"strings"
	"time"

	"spark/flows"
	"spark/flows/expr"
)

// formatParts are what a format of a date or a time consists of, the longer of two that begin alike first, as Go writes them.
// Those with a percent sign are the ones of format_date.
var formatParts = []struct {
	written, layout string
	clock           bool // of the time of day
}{
	{"yyyy", "2006", false}, {"yy", "06", false}, {"MM", "01", false}, {"dd", "02", false}, {"HH", "15", true}, {"mm", "04", true}, {"ss", "05", true}, {"SSS", "000", true},
	{"%Y", "2006", false}, {"%y", "06", false}, {"%m", "01", false}, {"%d", "02", false}, {"%H", "15", true}, {"%M", "04", true}, {"%S", "05", true},
}

const formatHelp = "write for example ${run.started_at:yyyy-MM-dd} or ${run.started_at:yyyyMMdd-HHmmss}: yyyy yy MM dd HH mm ss SSS, with other characters between"

// layouts are how the values of a kind are written.
var layouts = map[flows.Kind]string{flows.Date: "2006-01-02", flows.Time: "15:04:05", flows.Timestamp: "2006-01-02 15:04:05", flows.TimestampTZ: "2006-01-02 15:04:05Z"}

// formatTime writes a date or a time in a format, or says why it cannot. A timestamptz is written in UTC.
func formatTime(p expr.Param, format string) (text, message string) {
	layout, known := layouts[p.Type.Kind]
	if !known {
		return "", fmt.Sprintf("%s is of type %s and has no format", called(p), p.Type)
	}
	value, ok := p.Value.(string)
	if !ok {
		return "", called(p) + " is null and cannot be a part of a text"
	}
	at, err := time.Parse(layout, value)
	if err != nil {
		return "", fmt.Sprintf("%s cannot be written in a format", called(p))
	}
	if format == "" {
		return "", "the format behind the colon is empty"
	}
	var out strings.Builder
	for rest := format; rest != ""; {
		n, part, problem := formatPart(rest, p.Type.Kind)
		if problem != "" {
			return "", fmt.Sprintf("the format %q %s", format, problem)
		}
		switch {
		case part == "000":
			fmt.Fprintf(&out, "%03d", at.Nanosecond()/1_000_000)
		case part != "":
			out.WriteString(at.Format(part))
		default:
			out.WriteString(rest[:n])
		}
		rest = rest[n:]
	}
	return out.String(), ""
}

// formatPart is what a format begins with: n bytes, with the layout that they stand for, "" where they are themselves.
func formatPart(rest string, kind flows.Kind) (n int, layout, problem string) {
	for _, part := range formatParts {
		if !strings.HasPrefix(rest, part.written) {
			continue
		}
		if part.clock && kind == flows.Date || !part.clock && kind == flows.Time {
			return 0, "", fmt.Sprintf("has %s, and a %s has not", part.written, kind)
		}
		return len(part.written), part.layout, ""
	}
	if c := rest[0]; c == '%' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
		return 0, "", fmt.Sprintf("has a %q that is no part of a date or a time", c)
	}
	return 1, "", ""
}
