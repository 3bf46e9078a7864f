package executor

import (
	"slices"

	"spark/flows"
	"spark/flows/node"
)

// What a guest says may quote a secret that it was given, above all what a database says. All of it passes the host, which
// hides the secrets of the call before anybody sees it.

// secretsIn are the secret values that a call hands to the guest.
func secretsIn(body any) []string {
	switch b := body.(type) {
	case RunSpec:
		return slices.Concat(b.Secrets, ofConnections(b.Connections))
	case PreviewSpec:
		return slices.Concat(b.Secrets, ofConnections(b.Connections))
	case FetchSpec:
		return slices.Concat(b.Secrets, ofConnections(b.Connections))
	}
	return ofConnections(connectionsIn(body))
}

// connectionsIn are those that a call hands to the guest.
func connectionsIn(body any) node.ConnectionSet {
	switch b := body.(type) {
	case RunSpec:
		return b.Connections
	case PreviewSpec:
		return b.Connections
	case FetchSpec:
		return b.Connections
	case node.OperationsQuestion:
		return b.Connections
	case DatasetSpec:
		return b.Connections
	case WindowSpec:
		return b.Connections
	case testBody:
		return node.ConnectionSet{b.Name: b.Connection}
	}
	return nil
}

func ofConnections(set node.ConnectionSet) []string {
	var values []string
	for name := range set {
		c, err := set.Connection(name)
		if err != nil {
			continue // nobody can connect with it
		}
		for _, s := range node.Secrets(c.Settings) {
			values = append(values, s.Reveal())
		}
	}
	return values
}

// scrubResult hides secrets in the sentences of an answer.
func scrubResult(s flows.Scrubber, result any) {
	switch r := result.(type) {
	case *runResult:
		r.Nodes, r.Problems = s.Nodes(r.Nodes), s.Problems(r.Problems)
		if r.Error != nil {
			r.Error = flows.AsError(s.Error(r.Error))
		}
	case *flows.Preview:
		for i := range r.Calls {
			a := &r.Calls[i]
			a.Request, a.Body, a.Error = s.Text(a.Request), s.Text(a.Body), s.Text(a.Error)
		}
		r.Problems, r.Rejects = s.Problems(r.Problems), s.Rejects(r.Rejects)
	case *flows.PinnedRecords:
		r.Refused = s.Rejects(r.Refused)
	case *flows.ReplayReport:
		r.Problems, r.Rejects = s.Problems(r.Problems), s.Rejects(r.Rejects)
	case *node.Fetched:
		a := &r.Answer
		a.Request, a.Body = s.Text(a.Request), s.Text(a.Body)
		for i := range a.Headers {
			a.Headers[i].Value = s.Text(a.Headers[i].Value)
		}
		for _, row := range r.Proposal.Sample {
			for i := range row {
				row[i] = s.Text(row[i])
			}
		}
	case *node.ConnectionReport:
		r.Place, r.User, r.Version, r.Answer = s.Text(r.Place), s.Text(r.User), s.Text(r.Version), s.Text(r.Answer)
	}
}
