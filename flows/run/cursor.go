package run

import (
	"context"
	"encoding/json"
	"fmt"

	"spark/flows"
	"spark/flows/node"
)

// Cursors keep how far the incremental sources of flows were read.
type Cursors interface {
	// List returns those of a flow in an environment in order of their nodes.
	List(ctx context.Context, scope flows.Scope, flow, environment string) ([]flows.FlowCursor, error)
	// Reach stores those that a run has reached, unless a person has set them since the run began: their generation is
	// higher, then.
	Reach(ctx context.Context, scope flows.Scope, flow, environment, run string, reached map[string]flows.Cursor) error
	// Set stores one that a person has set, with the next generation. An empty value: everything is read again.
	Set(ctx context.Context, scope flows.Scope, flow, environment, node string, c flows.Cursor) (flows.FlowCursor, error)
}

// whole reports whether the run is one of the whole flow. Others, replays and runs on the sample too, leave the cursors where they are.
func (w *work) whole() bool { return w.run.Until == "" && w.run.Trigger == flows.TriggerManual }

// flowKey names the flow to its targets; empty where the run keeps no offsets.
func (w *work) flowKey(ctx context.Context) (string, error) {
	if !w.whole() || w.Cursors == nil {
		return "", nil
	}
	e := w.run.Environment
	if e != "" && w.Environments != nil {
		var err error
		if e, err = w.Environments.Key(ctx, w.scope, e); err != nil {
			return "", err
		}
	}
	if e != "" && e != flows.FirstEnvironment { // whose targets may be in one database
		return w.run.FlowID + "@" + e, nil
	}
	return w.run.FlowID, nil
}

// offsets are where the sources of the flow go on.
func (w *work) offsets(ctx context.Context) (map[string]node.Offset, error) {
	if w.Cursors == nil {
		return nil, nil
	}
	list, err := w.Cursors.List(ctx, w.scope, w.run.FlowID, w.run.Environment)
	if err != nil {
		return nil, err
	}
	return offsetsOf(list)
}

// offsetsOf are cursors as sources take them, by node.
func offsetsOf(list []flows.FlowCursor) (out map[string]node.Offset, err error) {
	out = map[string]node.Offset{}
	for _, c := range list {
		if out[c.Node], err = json.Marshal(c.Cursor); err != nil {
			return nil, fmt.Errorf("cursor of %s: %w", c.Node, err)
		}
	}
	return out, nil
}

// reach stores how far a committed run has read.
func (w *work) reach(ctx context.Context, offsets map[string]node.Offset) error {
	if w.Cursors == nil || !w.whole() || len(offsets) == 0 {
		return nil
	}
	reached := map[string]flows.Cursor{}
	for id, o := range offsets {
		var c flows.Cursor
		if err := json.Unmarshal(o, &c); err != nil {
			return fmt.Errorf("cursor of %s: %w", id, err)
		}
		reached[id] = c
	}
	if err := w.Cursors.Reach(ctx, w.scope, w.run.FlowID, w.run.Environment, w.run.ID, reached); err != nil {
		return fmt.Errorf("cursors of run %s: %w", w.run.ID, err)
	}
	return nil
}
