package flows

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"
)

// Reject is a refused record.
type Reject struct {
	Node     string `json:"node"`
	Code     string `json:"code"`               // such as csv.type
	Reason   string `json:"reason"`             // the sentence
	Field    string `json:"field,omitempty"`    // field that was refused
	File     string `json:"file,omitempty"`     //
	Line     int64  `json:"line,omitempty"`     // first line of the record, 1-based
	Record   int64  `json:"record,omitempty"`   // 1-based, header not counted
	Raw      string `json:"raw"`                // the record: as in the file, or a JSON object of its fields as text
	RawBytes []byte `json:"rawBytes,omitempty"` // instead of Raw where the record is not UTF-8
	Header   string `json:"header,omitempty"`   // the line of names above a record of a CSV file: what Raw means
}

// Error turns a refused record into the error that fails a run.
func (r Reject) Error() *Error {
	return &Error{Code: r.Code, Message: r.Reason,
		Path: Path{Node: r.Node, File: r.File, Line: r.Line, Record: r.Record, Column: r.Field}}
}

// RejectState is what has become of a stored reject: a closed set.
type RejectState string

// The states of a stored reject.
const (
	RejectHeld      RejectState = "held"      // its run has not committed: nothing of it was delivered, running again refuses it again
	RejectOpen      RejectState = "open"      // in the inbox
	RejectReplaying RejectState = "replaying" // a replay has it
	RejectReplayed  RejectState = "replayed"  // a replay has committed it
	RejectDiscarded RejectState = "discarded" // somebody decided that it is not needed
)

// StoredReject is a reject of a run, and what has become of it.
type StoredReject struct {
	Reject
	ID         string      `json:"id"`
	Run        string      `json:"run"`
	FlowID     string      `json:"flow"`
	FlowName   string      `json:"flowName"`
	Revision   int         `json:"revision"`
	At         time.Time   `json:"at"`
	State      RejectState `json:"state"`
	ReplayRun  string      `json:"replayRun,omitempty"`  // that has it, or has committed it
	ResolvedAt time.Time   `json:"resolvedAt,omitzero"`  // when it was replayed or discarded
	ResolvedBy string      `json:"resolvedBy,omitempty"` //
	Comment    string      `json:"comment,omitempty"`    // of who discarded it
	Earlier    string      `json:"earlier,omitempty"`    // the reject that was replayed and refused again
}

// RejectGroup counts the open rejects that have flow, node, code and field in common.
type RejectGroup struct {
	FlowID   string    `json:"flow"`
	FlowName string    `json:"flowName"`
	Node     string    `json:"node"`
	Code     string    `json:"code"`
	Field    string    `json:"field,omitempty"`
	Reason   string    `json:"reason"` // of the last one
	Count    int64     `json:"count"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
}

// InboxFilter selects stored rejects. Empty members select all; State is RejectOpen where it is empty.
type InboxFilter struct {
	FlowID, Node, Code string
	Field              *string // nil: any; "": none
	Run                string
	State              RejectState
	Text               string // part of the record or the reason, whatever its case
	Cursor             string
	Limit              int
}

// Selection names stored rejects: those with these ids or, without any, those of Filter, up to MaxSelected.
type Selection struct {
	IDs    []string
	Filter InboxFilter
}

// MaxSelected is how many rejects can be replayed or discarded at once.
const MaxSelected = 10_000

// Replay says which records go through a flow again, and where they enter it.
type Replay struct {
	Node      string            `json:"node"`      // that refused them
	Documents []json.RawMessage `json:"documents"` // revisions that refused them
	Rejects   []Reject          `json:"rejects"`
	Dry       bool              `json:"dry,omitempty"` // only finds out what would be refused again
}

// ReplayReport is the outcome of a dry run.
type ReplayReport struct {
	Records  int64    `json:"records"`
	Passed   int64    `json:"passed"`
	Failed   int64    `json:"failed"`
	Rejects  []Reject `json:"rejects"`  // the first that are refused again
	Written  int64    `json:"written"`  // records that outputs would take
	Revision int      `json:"revision"` // that they would go through
	// After is the node behind which the records enter the flow: what mends them has to stand behind it. "" where the node
	// that refused them is a source, and reads them again.
	After    string   `json:"after,omitempty"`
	Problems Problems `json:"problems,omitempty"`
}

// AppendReject appends a reject as a line of JSON. It writes what encoding/json would, without escapes for HTML, in a
// tenth of the time: a run may refuse millions.
func AppendReject(b []byte, r *Reject) []byte {
	b = appendText(append(b, `{"node":`...), r.Node)
	b = appendText(append(b, `,"code":`...), r.Code)
	b = appendText(append(b, `,"reason":`...), r.Reason)
	if r.Field != "" {
		b = appendText(append(b, `,"field":`...), r.Field)
	}
	if r.File != "" {
		b = appendText(append(b, `,"file":`...), r.File)
	}
	if r.Line != 0 {
		b = strconv.AppendInt(append(b, `,"line":`...), r.Line, 10)
	}
	if r.Record != 0 {
		b = strconv.AppendInt(append(b, `,"record":`...), r.Record, 10)
	}
	b = appendText(append(b, `,"raw":`...), r.Raw)
	if len(r.RawBytes) > 0 {
		b = append(base64.StdEncoding.AppendEncode(append(b, `,"rawBytes":"`...), r.RawBytes), '"')
	}
	if r.Header != "" {
		b = appendText(append(b, `,"header":`...), r.Header)
	}
	return append(b, '}', '\n')
}

// appendText appends s as a JSON string.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	plain := 0 // s[plain:i] is as it is in JSON
	for i := 0; i < len(s); {
		if i += plainText(s[i:]); i == len(s) {
			break
		}
		c := s[i]
		r, n := utf8.DecodeRuneInString(s[i:])
		switch escaped := shortEscapes[c]; {
		case escaped != "":
			b = append(append(b, s[plain:i]...), escaped...)
		case c < ' ' || r == '\u2028' || r == '\u2029': // JSON in JavaScript knows the last two as ends of lines
			b = fmt.Appendf(append(b, s[plain:i]...), `\u%04x`, r)
		case r == utf8.RuneError && n == 1:
			b = append(append(b, s[plain:i]...), `\ufffd`...)
		default:
			i += n
			continue
		}
		i += n
		plain = i
	}
	return append(append(b, s[plain:]...), '"')
}

// plainText is how many octets of s, from its start, are ASCII that stands in JSON as it is.
func plainText(s string) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 { // eight at a time
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		quote, back := w^ones*'"', w^ones*'\\'
		// An octet below n sets its highest bit in w-ones*n, as long as it is ASCII and none before it borrows.
		if (w|(w-ones*' ')|(quote-ones)|(back-ones))&high != 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

var shortEscapes = [256]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

// ParseRejects reads what AppendReject wrote.
func ParseRejects(lines []byte) ([]Reject, error) {
	var list []Reject
	for dec := json.NewDecoder(bytes.NewReader(lines)); ; {
		var r Reject
		if err := dec.Decode(&r); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("rejects: %w", err)
		}
		list = append(list, r)
	}
}
