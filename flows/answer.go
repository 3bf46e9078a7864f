package flows

import "time"

// Answer is what an API has answered when somebody has fetched a sample: previews read it instead of calling the API. What
// may be a secret in it is hidden.
type Answer struct {
	Node        string         `json:"node"`
	Environment string         `json:"environment,omitempty"` // of the project, where it was fetched
	Request     string         `json:"request"`               // such as GET https://api.example.com/products?page=1
	Status      int            `json:"status"`
	StatusText  string         `json:"statusText"`
	Headers     []AnswerHeader `json:"headers"`
	Body        string         `json:"body"`
	Bytes       int64          `json:"bytes"`         // of the whole body
	Cut         bool           `json:"cut,omitempty"` // Body has its first records only
	Took        time.Duration  `json:"took"`          // nanoseconds
	At          time.Time      `json:"at"`
	By          string         `json:"by"`
	// Calls are those that a node makes for records, instead of a body.
	Calls []CallAnswer `json:"calls,omitempty"`
}

// CallAnswer is what a call for a record has returned.
type CallAnswer struct {
	Key     string `json:"key"`    // of what was sent
	Number  int    `json:"number"` // among those that were allowed, from 1
	Request string `json:"request"`
	Status  int    `json:"status,omitempty"`
	Body    string `json:"body,omitempty"`
	Code    string `json:"code,omitempty"` // of Error
	Error   string `json:"error,omitempty"`
	TookMS  int64  `json:"tookMs"`
}

// AnswerHeader is a header of an answer.
type AnswerHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// MaxAnswer bounds the body of an answer that is kept.
const MaxAnswer = 1 << 20
