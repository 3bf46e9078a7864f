package http

import (
	"context"
	"net/http"
	"slices"

	"spark/flows"
	"spark/flows/node"
)

// A record that a server refuses, while it is sent, can leave by no port: everything that could read it is over. It goes into the
// rejects inbox. Where nobody knows whether a server has taken a record, it is not refused: the run fails, and is executed again.

// Refuses reports whether records may be left out.
func (t *target) Refuses() bool { return t.node.OnClient == onReject || t.node.OnServer == onReject }

// columns are how many texts a record has.
func (s *sink) columns() int {
	if s.Refuses() {
		return len(s.parts.args) + 1
	}
	return len(s.parts.args)
}

// busyStatuses ask for patience: they say nothing about the records.
var busyStatuses = []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}

// leavesOut reports whether records that were answered with a status go into the inbox.
func (t *target) leavesOut(status int) bool {
	switch {
	case slices.Contains(busyStatuses, status):
		return false
	case status >= 500:
		return t.node.OnServer == onReject
	case status >= 400:
		return t.node.OnClient == onReject
	}
	return false
}

// send makes a request, and reports whether its records were refused and are in the inbox.
func (s *sink) send(ctx context.Context, j sending) (refused bool, err error) {
	_, err = s.client.do(ctx, j.request)
	e := flows.AsError(err)
	if e == nil || ctx.Err() != nil || !s.Refuses() {
		return false, err
	}
	status, _ := e.Params["status"].(int)
	if !s.leavesOut(status) {
		return false, err
	}
	for _, raw := range j.raws {
		if err := s.writing.Refuse(node.Reject{Code: e.Code, Reason: e.Message, Raw: raw}); err != nil {
			return false, err
		}
		s.over.Add(1)
	}
	return true, nil
}
