package node

import (
	"context"

	"spark/flows"
)

// CallingSource is a source that calls a system which may count, charge for or log each call. Previews never let it call:
// they give it the answer that was kept when somebody has fetched a sample, as Reading.Answer.
type CallingSource interface {
	Source
	// Calls tells that it is one.
	Calls()
}

// Fetcher is the config of a node that fetches a sample from the system that it calls.
type Fetcher interface {
	Config
	// Fetch makes one call and tells what came, whatever it was; the error says why nothing did.
	Fetch(ctx context.Context, connections Connections) (Fetched, error)
}

// Fetched is an answer, and how it is proposed to be read.
type Fetched struct {
	Answer flows.Answer `json:"answer"`
	// RecordPath is where the records are, as proposed where the node does not say it.
	RecordPath string `json:"recordPath,omitempty"`
	// Proposal is for the records; without fields where the answer has none.
	Proposal Proposal `json:"proposal"`
}

// RecordCaller is a config of a node that calls for each record. Previews do not, unless somebody allows a few calls: then
// what they have returned is kept, and previews use it.
type RecordCaller interface {
	Config
	CallsForRecords() bool
	// Repeatable reports whether calls may be made again without harm: they only read, or the server knows each by its key.
	Repeatable() bool
}

// AllowedCalls is how many calls somebody allows at once.
const AllowedCalls = 5
