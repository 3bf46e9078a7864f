package flows

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
