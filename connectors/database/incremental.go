package database

import (
	"fmt"
	"regexp"
	"time"

	"spark/flows"
	"spark/flows/node"
)

var (
	numberPattern   = regexp.MustCompile(`^\d{1,18}(\.\d{1,18})?$`)
	durationPattern = regexp.MustCompile(`^\d{1,9}(\.\d{1,6})? *(second|minute|hour|day|week)s?$`)
)

// incremental checks the settings of an incremental reading; nil: something is wrong.
func (in *Input) incremental(c *node.Context, schema flows.Schema) *node.Incremental {
	if in.Cursor == "" {
		c.Problem("cursor", "config.required", `"Cursor" is missing`, "name the column that grows")
		return nil
	}
	f, ok := c.Field("cursor", in.Cursor, schema)
	if !ok {
		return nil
	}
	byTime := f.Type.Kind == flows.Date || f.Type.Kind == flows.Timestamp || f.Type.Kind == flows.TimestampTZ
	if !byTime && !f.Type.IsInteger() && f.Type.Kind != flows.Decimal {
		c.Problem("cursor", "database.cursor_type", fmt.Sprintf("the field %q is %s, by which nothing can be read on", in.Cursor, f.Type), "choose one that grows: a number, a date or a time")
		return nil
	}
	for i, k := range in.CursorKey {
		if _, found := c.Field(fmt.Sprintf("cursorKey[%d]", i), k, schema); !found {
			return nil
		}
	}
	if !in.distances(c, byTime) {
		return nil
	}
	if !byTime && in.Overlap == "" {
		c.Warn("overlap", "database.cursor_overlap", "numbers are given out before their records are committed: one that is committed late is passed over",
			"set an overlap of more numbers than are in use at a time, and let the output upsert; or choose a time as the cursor")
	}
	return &node.Incremental{Cursor: in.Cursor, Key: in.CursorKey, Start: in.Start, Overlap: in.Overlap, Lag: in.Lag, Zone: in.Zone}
}

// distances checks overlap, lag and zone.
func (in *Input) distances(c *node.Context, byTime bool) bool {
	ok := true
	say := func(field, value, suggestion string) {
		ok = false
		c.Problem(field, "database.cursor_distance", fmt.Sprintf("%q is no distance for a cursor of this type", value), suggestion)
	}
	switch {
	case in.Overlap == "":
	case byTime && !durationPattern.MatchString(in.Overlap):
		say("overlap", in.Overlap, "write a time such as 30 seconds, 5 minutes or 2 days")
	case !byTime && !numberPattern.MatchString(in.Overlap):
		say("overlap", in.Overlap, "write a number such as 1000")
	}
	if in.Lag != "" && !durationPattern.MatchString(in.Lag) {
		say("lag", in.Lag, "write a time such as 30 seconds or 5 minutes")
	}
	if in.Zone != "" {
		if _, err := time.LoadLocation(in.Zone); err != nil || in.Zone == "Local" {
			c.Problem("zone", "config.zone", fmt.Sprintf("there is no time zone %q", in.Zone), "write one such as Europe/Berlin or UTC")
			ok = false
		}
	}
	return ok
}
