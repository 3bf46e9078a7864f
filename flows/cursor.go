package flows

import "time"

// Cursor is how far an incremental source has been read: its records up to and with Value were part of a committed run.
type Cursor struct {
	Column string `json:"column"`
	Type   string `json:"type,omitempty"`  // of the column, in the database's own words
	Value  string `json:"value,omitempty"` // as the database writes it; empty: nothing was read
	// Generation grows whenever a person sets the cursor: what a target holds of an older one counts no more.
	Generation int64 `json:"generation,omitempty"`
}

// FlowCursor is the cursor of a source of a flow.
type FlowCursor struct {
	Node string `json:"node"`
	Cursor
	Run       string    `json:"run,omitempty"` // that reached it; empty: a person set it
	UpdatedAt time.Time `json:"updatedAt"`
	UpdatedBy string    `json:"updatedBy"`
}

// CursorWindow is what the next run of an incremental source would read.
type CursorWindow struct {
	From    string `json:"from,omitempty"` // exclusive; empty: no lower bound
	To      string `json:"to,omitempty"`   // inclusive; empty: there is no record
	Records int64  `json:"records"`
	// Nulls are records without a cursor, which are never read.
	Nulls int64 `json:"nulls,omitempty"`
}
