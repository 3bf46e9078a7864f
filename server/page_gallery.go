package server

import (
	"net/http"
	"time"

	"spark/flows"
	"spark/web"
)

func (s *Server) galleryPage(c *call) error {
	now := s.Now()
	v := web.Gallery{Frame: s.frame(c, "Components", ""), Options: stateWords, Lists: []web.Flows{{Next: "/gallery"}, {Search: "nothing like this"}}}
	for i, r := range galleryRuns(now) {
		run := web.ViewRun(r, now)
		v.Runs, v.Badges = append(v.Runs, run), append(v.Badges, run.State)
		d := flows.Draft{FlowID: r.FlowID, Name: r.FlowName, UpdatedAt: r.CreatedAt, UpdatedBy: r.CreatedBy, Published: i}
		v.Lists[0].Items = append(v.Lists[0].Items, web.ViewFlow(d, &r, now))
	}
	v.Lists[0].Items = append(v.Lists[0].Items, web.ViewFlow(flows.Draft{FlowID: "0198f0a0-0000-7000-8000-000000000003", UpdatedAt: now}, nil, now)) // no name, never run
	return show(c, http.StatusOK, web.GalleryPage(v))
}

// galleryRuns are runs in every state, with small and large numbers, and with texts that must stay texts.
func galleryRuns(now time.Time) []flows.Run {
	base := flows.Run{ID: "0198f0a0-0000-7000-8000-000000000002", FlowID: "0198f0a0-0000-7000-8000-000000000001", FlowName: "Revenue by country", Revision: 3,
		Trigger: flows.TriggerManual, Attempt: 1, CreatedAt: now.Add(-5 * time.Minute), CreatedBy: "owner"}
	with := func(state flows.RunState, change func(*flows.Run)) flows.Run {
		r := base
		r.State = state
		if state != flows.RunQueued {
			r.StartedAt = now.Add(-5 * time.Minute)
		}
		if state.Ended() {
			r.EndedAt = now.Add(-4*time.Minute - 18*time.Second)
		}
		change(&r)
		return r
	}
	return []flows.Run{
		with(flows.RunQueued, func(*flows.Run) {}),
		with(flows.RunRunning, func(r *flows.Run) { r.Read, r.Written, r.StartedAt = 1_234_567, 998, now.Add(-42*time.Second) }),
		with(flows.RunSucceeded, func(r *flows.Run) { r.Read, r.Written = 2_000_000, 1_998_765 }),
		with(flows.RunSucceeded, func(r *flows.Run) { r.Read, r.Written, r.Rejected = 84_000, 83_988, 12 }),
		with(flows.RunFailed, func(r *flows.Run) {
			r.FlowName = "<script>alert(1)</script> with a name that is longer than any column of the table can ever be wide enough for"
			r.Read = 7
			r.Error = &flows.Error{Code: "csv.type", Path: flows.Path{Node: "read", File: "orders.csv", Line: 8}, Message: `"<b>x</b>" is not a decimal(10,2)`, Suggestion: "correct the file, or let the node reject such records"}
		}),
		with(flows.RunCancelled, func(r *flows.Run) { r.Until = "amount" }),
	}
}
