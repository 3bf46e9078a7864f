package flows

import (
	"encoding/json"
	"time"
)

// Connection is the address of an external system with what it takes to get in. Secrets are never part of it: Secrets
// only names the members of the settings that have one.
type Connection struct {
	ID   string `json:"id"`
	Name string `json:"name"` // that nodes use
	// Environment is the one that this is the entry of: a connection has one per environment, of the same type.
	Environment string          `json:"environment,omitempty"`
	Type        string          `json:"type"`
	Settings    json.RawMessage `json:"settings"`
	Secrets     []string        `json:"secrets"`
	Place       string          `json:"place"` // that the secrets are bound to, such as host:port
	Etag        string          `json:"etag"`
	UpdatedAt   time.Time       `json:"updatedAt"`
	UpdatedBy   string          `json:"updatedBy"`
	// Grant is the key of what its access tokens come from; "": it needs none.
	Grant string `json:"-"`
}

// Column is a column of a table.
type Column struct {
	Name     string `json:"name"`
	Type     string `json:"type"`               // as the database writes it
	Field    Type   `json:"field"`              // that it is read as
	Nullable bool   `json:"nullable,omitempty"` // may hold no value
	Key      bool   `json:"key,omitempty"`      // of the primary key
}

// Table is a table or view that a connection reaches.
type Table struct {
	Name    string `json:"name"`              // as nodes name it, quoted where it must be
	View    bool   `json:"view,omitempty"`    // no table of its own
	Records int64  `json:"records,omitempty"` // a guess of the database; 0: unknown
}

// SignIn tells what a person's sign-in to a connection has given, without the tokens.
type SignIn struct {
	At    *time.Time `json:"at,omitempty"` // nil: nobody has signed in
	Scope string     `json:"scope,omitempty"`
	// Renews says that the server has given a refresh token; without one the sign-in ends at Until, where that is known.
	Renews bool       `json:"renews"`
	Until  *time.Time `json:"until,omitempty"`
	// Lost is why the sign-in is not valid any more, as the server calls it, such as invalid_grant; empty where it is not known to be.
	Lost string `json:"lost,omitempty"`
}

// SignInAttempt is a sign-in that has begun, and comes back with its state.
type SignInAttempt struct {
	State      string // a digest
	Connection string
	Browser    string // a digest of what it alone knows
	Grant      string
	Sealed     []byte
	Expires    time.Time
}
