package flows

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
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
}

// Error turns a refused record into the error that fails a run.
func (r Reject) Error() *Error {
	return &Error{Code: r.Code, Message: r.Reason,
		Path: Path{Node: r.Node, File: r.File, Line: r.Line, Record: r.Record, Column: r.Field}}
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
	return append(b, '}', '\n')
}

// appendText appends s as a JSON string.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	plain := 0 // s[plain:i] is as it is in JSON
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
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
