package flows

import "encoding/json"

// Operation is what an API can be asked for, as its OpenAPI document says.
type Operation struct {
	Method     string `json:"method"`
	Path       string `json:"path"` // with {name} where parameters stand
	Summary    string `json:"summary,omitempty"`
	Tag        string `json:"tag,omitempty"`
	Deprecated bool   `json:"deprecated,omitempty"`
}

// Operations are what an OpenAPI document describes.
type Operations struct {
	Title string      `json:"title"`
	Items []Operation `json:"items"`
	// Text is the document where it was fetched, so that the next question need not fetch it again.
	Text string `json:"text,omitempty"`
	// Chosen is the operation that was asked for.
	Chosen *ChosenOperation `json:"chosen,omitempty"`
}

// ChosenOperation is an operation as the settings of a node.
type ChosenOperation struct {
	// Settings by name; null where a setting is as it is at first.
	Settings json.RawMessage `json:"settings"`
	// Parameters of the flow that the settings refer to.
	Parameters []ProposedParameter `json:"parameters"`
	// Notes say what was not taken over, and what has to be looked at.
	Notes []string `json:"notes"`
}

// ProposedParameter is a text parameter that a flow gets.
type ProposedParameter struct {
	Name    string `json:"name"`
	Default string `json:"default,omitempty"`
	Help    string `json:"help,omitempty"`
}
