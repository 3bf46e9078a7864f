package csv

import (
	"encoding/json"
	"fmt"
	"strings"

	"spark/connectors/internal/scan"
	"spark/connectors/internal/value"
	"spark/flows"
)

// ReadOptions say how a CSV file is written.
type ReadOptions struct {
	Delimiter        string   `json:"delimiter" title:"Delimiter" help:"Character between fields; \\t is a tab." example:","`
	Quote            string   `json:"quote" title:"Quote" help:"Character around values that contain delimiters or line ends. Empty: values are never quoted."`
	Escape           string   `json:"escape" title:"Escape" help:"Character that makes a quote inside quotes part of the value. Empty: the quote is doubled." advanced:"true"`
	Header           bool     `json:"header" title:"Header line" help:"The first line holds the field names. Fields are then found by name, in whatever order."`
	SkipLines        int      `json:"skipLines" title:"Skip lines" help:"Lines before the header that are passed over." minimum:"0" advanced:"true"`
	Comment          string   `json:"comment" title:"Comment" help:"Lines that begin with this character are passed over." advanced:"true"`
	Encoding         string   `json:"encoding" title:"Encoding" enum:"utf-8|utf-16le|utf-16be|windows-1252|iso-8859-1|iso-8859-15"`
	NullValues       []string `json:"nullValues" title:"Null values" help:"Values without quotes that mean nothing is known. In quotes they are values of their own in fields of text and bytes; in others quotes make no difference."`
	DecimalSeparator string   `json:"decimalSeparator" title:"Decimal separator" enum:".|,"`
	GroupSeparator   string   `json:"groupSeparator" title:"Group separator" help:"Between groups of three digits." enum:",|.| |'" advanced:"true"`
	TrueValues       []string `json:"trueValues" title:"True values" help:"Spellings of true; capitals make no difference." advanced:"true"`
	FalseValues      []string `json:"falseValues" title:"False values" help:"Spellings of false; capitals make no difference." advanced:"true"`
	Trim             bool     `json:"trim" title:"Trim" help:"Drop spaces and tabs around values, outside quotes." advanced:"true"`
	RaggedRows       string   `json:"raggedRows" title:"Short records" help:"A record with fewer fields than expected is refused, or its missing fields are null. One with more fields is always refused." enum:"error|fillNull" advanced:"true"`
}

func newReadOptions() *ReadOptions {
	return &ReadOptions{Delimiter: ",", Quote: `"`, Header: true, Encoding: "utf-8", NullValues: []string{""}, DecimalSeparator: ".",
		TrueValues: []string{"true"}, FalseValues: []string{"false"}, RaggedRows: "error"}
}

// WriteOptions say how a CSV file is to be written.
type WriteOptions struct {
	Delimiter string `json:"delimiter" title:"Delimiter" help:"Character between fields; \\t is a tab." example:","`
	Quote     string `json:"quote" title:"Quote" help:"Character around values that need it."`
	Header    bool   `json:"header" title:"Header line" help:"Write the field names first."`
	NullValue string `json:"nullValue" title:"Null value" help:"What is written where nothing is known. Empty texts are quoted, so that both can be told apart."`
}

func newWriteOptions() *WriteOptions { return &WriteOptions{Delimiter: ",", Quote: `"`, Header: true} }

// Check reports what cannot be written.
func (o *WriteOptions) Check() error {
	var ps flows.Problems
	add := problemList(&ps)
	d := character("delimiter", o.Delimiter, true, add)
	q := character("quote", o.Quote, true, add)
	if d != 0 && d == q {
		add("quote", "the delimiter and the quote are the same character", "choose another quote")
	}
	if d != 0 && strings.IndexByte(o.NullValue, d) >= 0 || q != 0 && strings.IndexByte(o.NullValue, q) >= 0 || strings.ContainsAny(o.NullValue, "\r\n\x00") {
		add("nullValue", "the null value contains the delimiter, the quote or a line end", "choose a plain word such as NULL, or leave it empty")
	}
	return ps.Err()
}

// CheckSchema reports types that CSV has no notation for.
func (o *WriteOptions) CheckSchema(schema flows.Schema) error {
	for _, f := range schema {
		if f.Type.Kind == flows.List || f.Type.Kind == flows.Struct {
			return &flows.Error{Code: "csv.type", Path: flows.Path{Column: f.Name}, Message: fmt.Sprintf("CSV cannot hold the %s of the field %q", f.Type, f.Name),
				Suggestion: "turn it into text with JSON Build, take it apart, or write JSON or Parquet"}
		}
	}
	return nil
}

// dialect is the compiled form of ReadOptions. A character that is 0 is not used.
type dialect struct {
	delim, quote, escape, comment byte
	emptyNull                     bool     // an empty value is null
	nulls                         [][]byte // other spellings of null
	digitNull                     bool     // one of them begins like a number
	trim, fill, header            bool
	skip                          int
	encoding                      string
	values                        value.Options
}

// doubled reports whether quotes inside quotes are doubled, so that their parity tells where records end.
func (d *dialect) doubled() bool { return d.quote == 0 || d.escape == d.quote }

// quick reports whether the structure can be found without looking at records one by one.
func (d *dialect) quick() bool { return d.doubled() && d.comment == 0 && !d.trim }

type adder func(field, message, suggestion string)

func problemList(ps *flows.Problems) adder {
	return func(field, message, suggestion string) {
		*ps = append(*ps, &flows.Error{Code: "config.value", Path: flows.Path{Field: "options." + field}, Message: message, Suggestion: suggestion})
	}
}

func decodeOptions(raw json.RawMessage) (*ReadOptions, error) {
	o := newReadOptions()
	if len(raw) == 0 {
		return o, nil
	}
	if err := json.Unmarshal(raw, o); err != nil {
		return nil, &flows.Error{Code: "config.type", Path: flows.Path{Field: "options"}, Message: "the options cannot be read: " + err.Error(), Cause: err}
	}
	return o, nil
}

// compile checks the options.
func (o *ReadOptions) compile() (*dialect, error) {
	var ps flows.Problems
	add := problemList(&ps)
	d := &dialect{trim: o.Trim, header: o.Header, skip: o.SkipLines, encoding: o.Encoding, fill: o.RaggedRows == "fillNull"}
	d.delim = character("delimiter", o.Delimiter, true, add)
	d.quote = character("quote", o.Quote, false, add)
	d.escape = character("escape", o.Escape, false, add)
	d.comment = character("comment", o.Comment, false, add)
	if d.escape != 0 && d.quote == 0 && o.Quote == "" {
		add("escape", "there is an escape and no quote", "set the quote or remove the escape")
	}
	for _, pair := range []struct {
		name string
		a, b byte
	}{{"quote", d.quote, d.delim}, {"escape", d.escape, d.delim}, {"comment", d.comment, d.delim}, {"comment", d.comment, d.quote}} {
		if pair.a != 0 && pair.a == pair.b {
			add(pair.name, fmt.Sprintf("%q has two meanings", string(rune(pair.a))), "choose another character")
		}
	}
	if d.escape == 0 {
		d.escape = d.quote
	}
	if o.SkipLines < 0 {
		add("skipLines", "the number of lines is negative", "use 0 or more")
	}
	o.checkWords(d, add)
	o.checkNumbers(d, add)
	return d, ps.Err()
}

func (o *ReadOptions) checkWords(d *dialect, add adder) {
	oneOf := func(name, v, enum string) {
		if vs := strings.Split(enum, "|"); !contains(vs, v) {
			add(name, fmt.Sprintf("%q is not a value of %s", v, name), flows.DidYouMean(v, vs))
		}
	}
	oneOf("encoding", o.Encoding, scan.Encodings)
	oneOf("raggedRows", o.RaggedRows, "error|fillNull")
	for _, n := range o.NullValues {
		if n == "" {
			d.emptyNull = true
			continue
		}
		d.nulls = append(d.nulls, []byte(n))
		d.digitNull = d.digitNull || n[0]-'0' <= 9
	}
	for _, t := range o.TrueValues {
		for _, f := range o.FalseValues {
			if strings.EqualFold(t, f) {
				add("falseValues", fmt.Sprintf("%q means true and false", f), "remove it from one of the lists")
			}
		}
	}
	d.values.True, d.values.False = o.TrueValues, o.FalseValues
}

func (o *ReadOptions) checkNumbers(d *dialect, add adder) {
	if o.DecimalSeparator != "." && o.DecimalSeparator != "," {
		add("decimalSeparator", fmt.Sprintf("%q is not a decimal separator", o.DecimalSeparator), "use . or ,")
		return
	}
	d.values.Decimal = o.DecimalSeparator[0]
	switch o.GroupSeparator {
	case "":
	case o.DecimalSeparator:
		add("groupSeparator", "the decimal separator and the group separator are the same", "choose another one")
	case ",", ".", " ", "'":
		d.values.Group = o.GroupSeparator[0]
	default:
		add("groupSeparator", fmt.Sprintf("%q is not a group separator", o.GroupSeparator), "use , . ' or a space")
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// character reads an option that is one ASCII character.
func character(name, s string, required bool, add adder) byte {
	if s == `\t` {
		s = "\t"
	}
	switch {
	case s == "" && required:
		add(name, "a character is missing", "write one, such as , or ;")
	case s == "":
	case len(s) != 1 || s[0] >= 0x80:
		add(name, fmt.Sprintf("%q is not one ASCII character", s), `write a single character; \t is a tab`)
	case s[0] == '\n' || s[0] == '\r' || s[0] == 0:
		add(name, "a line end or NUL cannot have this meaning", "choose another character")
	default:
		return s[0]
	}
	return 0
}
