package flows

import "time"

// Scope says for whom a store method works. Every query is bound to its project; every change names its actor.
type Scope struct {
	Project string // id of the project
	Actor   string // id of the user or service account, or "system"
}

// LocalScope is the scope of the command line and of a fresh installation before sign-in exists.
var LocalScope = Scope{Project: "default", Actor: "owner"}

// Draft is the autosaved state of a flow. Its Etag changes with every save.
type Draft struct {
	FlowID    string
	Name      string
	Document  []byte // canonical JSON
	Etag      string
	UpdatedAt time.Time
	UpdatedBy string
	Published int // published revision, 0 when there is none
}

// Revision is a frozen document. Number counts from 1 per flow; freezing the same hash again returns the old one.
type Revision struct {
	FlowID    string
	Number    int
	Hash      string
	Document  []byte // canonical JSON
	CreatedAt time.Time
	CreatedBy string
}
