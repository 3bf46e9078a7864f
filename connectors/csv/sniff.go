package csv

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"spark/connectors/internal/infer"
	"spark/connectors/internal/scan"
	"spark/connectors/internal/value"
	"spark/flows"
	"spark/flows/node"
)

// What sniffing looks at.
const (
	sniffRecords = 10_000
	sniffShown   = 20
	sniffDialect = 128 << 10
)

// sniff proposes how to read a CSV file.
func sniff(f node.File, name string) (node.Proposal, error) {
	sample, err := scan.Look(f, name)
	if err != nil {
		return node.Proposal{}, err
	}
	if len(bytes.TrimSpace(sample.Head)) == 0 {
		return node.Proposal{}, &flows.Error{Code: "csv.no_header", Path: flows.Path{File: name}, Message: "the file is empty", Suggestion: "inspect a file with records"}
	}
	o := newReadOptions()
	o.Encoding = sample.Encoding
	p := node.Proposal{Format: "csv", Notes: sample.Notes}
	records := chooseDialect(o, sample, &p)
	if len(records) == 0 {
		return p, &flows.Error{Code: "csv.no_header", Path: flows.Path{File: name}, Message: "no record can be told apart in the file", Suggestion: "is this a CSV file?"}
	}
	first := records[0]
	width := len(first)
	for _, part := range sample.Parts { // what does not begin with a record has another number of fields
		for _, r := range split(o, part, true) {
			if len(r) == width {
				records = append(records, r)
			}
		}
	}
	data := slices.DeleteFunc(records[1:], func(r []string) bool { return len(r) != width })
	opt := chooseNumbers(o, data, width)
	o.Header = isHeader(first, columns(nil, data, width, opt, o), len(data) == 0)
	if !o.Header {
		data = append([][]string{first}, data...)
		p.Notes = append(p.Notes, "The first line looks like a record, so the fields have no names yet.")
	}
	chooseNulls(o, &p, data, width, opt)
	describe(o, &p, first, data, opt)
	p.Options, err = json.Marshal(o)
	return p, err
}

// split reads the records of a sample as texts, up to where its structure breaks. Null is told from "" by nothing here.
func split(o *ReadOptions, b []byte, whole bool) (records [][]string) {
	d, err := o.compile()
	if err != nil {
		return nil
	}
	p := &parser{plan: &plan{source: &source{d: d}}}
	if whole && len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(b[:len(b):len(b)], '\n')
	}
	p.b = b
	for at := 0; at < len(b) && len(records) < sniffRecords; {
		if end := p.blank(at, 2); end > at {
			at = end
			continue
		}
		parts, next, trouble := d.split(b, at, nil)
		if trouble != nil || next < 0 {
			return records
		}
		r := make([]string, len(parts))
		for i, f := range parts {
			v := b[f.s:f.e]
			if f.escaped {
				v = p.unescape(v)
			}
			r[i] = string(v)
		}
		records = append(records, r)
		at = next
	}
	return records
}

// chooseDialect picks the delimiter and the quote with which most of the sample reads as records of one width.
func chooseDialect(o *ReadOptions, sample *scan.Sample, p *node.Proposal) [][]string {
	type choice struct{ delimiter, quote, escape string }
	head, whole := sample.Head, sample.Whole
	if len(head) > sniffDialect {
		head, whole = head[:sniffDialect], false
	}
	var chosen choice
	bestScore := -1.0
	for _, quote := range []choice{{quote: `"`}, {quote: `"`, escape: `\`}, {quote: "'"}, {quote: ""}} {
		for _, delimiter := range []string{",", ";", "\t", "|", ":"} {
			c := choice{delimiter, quote.quote, quote.escape}
			try := *o
			try.Delimiter, try.Quote, try.Escape = c.delimiter, c.quote, c.escape
			if s := score(split(&try, head, whole), head, c.quote); s > bestScore {
				bestScore, chosen = s, c
			}
		}
	}
	o.Delimiter, o.Quote, o.Escape = chosen.delimiter, chosen.quote, chosen.escape
	records := split(o, sample.Head, sample.Whole)
	if o.Delimiter == "\t" {
		o.Delimiter = `\t`
	}
	if chosen.quote != `"` || chosen.escape != "" {
		p.Notes = append(p.Notes, fmt.Sprintf("The values read well only with the quote %q and the escape %q.", chosen.quote, chosen.escape))
	}
	return records
}

// score values the share of the sample that reads as records of the first one's width; more fields win ties, and so do
// earlier choices.
func score(records [][]string, head []byte, quote string) float64 {
	if len(records) == 0 {
		return -1
	}
	width, same, octets := len(records[0]), 0, 0
	for _, r := range records {
		if len(r) == width {
			same++
		}
		for _, v := range r {
			octets += len(v) + 1
		}
	}
	s := float64(same) / float64(len(records))
	if octets < len(head)*2/3 && len(records) < sniffRecords {
		s *= float64(octets) / float64(len(head)) // broke off early
	}
	if quote == "'" && !bytes.Contains(head, []byte("'")) {
		s *= 0.5
	}
	if width == 1 {
		return s * 0.5
	}
	return s + float64(min(width, 50))/1000
}

// columns infers every column of the records.
func columns(names []string, data [][]string, width int, opt value.Options, o *ReadOptions) []*infer.Column {
	cols := make([]*infer.Column, width)
	for i := range cols {
		name := fmt.Sprintf("column_%d", i+1)
		if i < len(names) {
			name = names[i]
		}
		cols[i] = infer.New(name, opt)
	}
	for _, r := range data {
		for i, v := range r {
			if slices.Contains(o.NullValues, v) {
				cols[i].AddNull()
			} else {
				cols[i].Add([]byte(v))
			}
		}
	}
	return cols
}

// chooseNumbers picks how numbers are written: as most columns become numbers.
func chooseNumbers(o *ReadOptions, data [][]string, width int) value.Options {
	best, most := value.Options{Decimal: '.'}, -1
	for _, opt := range []value.Options{{Decimal: '.'}, {Decimal: ','}, {Decimal: ',', Group: '.'}, {Decimal: '.', Group: ','},
		{Decimal: ',', Group: ' '}, {Decimal: '.', Group: '\''}} {
		n := 0
		for _, c := range columns(nil, data[:min(len(data), 1000)], width, opt, o) {
			if c.Numeric() {
				n++
			}
		}
		if n > most {
			best, most = opt, n
		}
	}
	o.DecimalSeparator = string(rune(best.Decimal))
	if best.Group != 0 {
		o.GroupSeparator = string(rune(best.Group))
	}
	return best
}

// isHeader decides whether the first line holds names: distinct texts above columns that hold something else.
func isHeader(first []string, cols []*infer.Column, alone bool) bool {
	seen := map[string]bool{}
	typed := false
	for i, v := range first {
		c := infer.New("", value.Options{})
		c.Add([]byte(v))
		if v != "" && c.Typed() {
			return false // a number or date is no name
		}
		if cols[i].Values > 0 && cols[i].Typed() {
			typed = true
		}
		seen[strings.TrimSpace(v)] = true
	}
	return alone || typed || len(seen) == len(first)
}

// commonNulls are words that stand for nothing in files of all kinds.
var commonNulls = []string{"NULL", "null", "Null", `\N`, "N/A", "n/a", "NA", "#N/A", "None", "nan", "NaN", "-", "?"}

// chooseNulls adds words to the null values that keep a column from being more than text.
func chooseNulls(o *ReadOptions, p *node.Proposal, data [][]string, width int, opt value.Options) {
	plain := columns(nil, data, width, opt, o)
	try := *o
	try.NullValues = append(slices.Clone(o.NullValues), commonNulls...)
	without := columns(nil, data, width, opt, &try)
	used := map[string]bool{}
	for i := range plain {
		if plain[i].Typed() || !without[i].Typed() {
			continue
		}
		for _, r := range data {
			if slices.Contains(commonNulls, r[i]) {
				used[r[i]] = true
			}
		}
	}
	for _, w := range commonNulls {
		if used[w] {
			o.NullValues = append(o.NullValues, w)
			p.Notes = append(p.Notes, fmt.Sprintf("%q is taken for null, because it stands among values of other types.", w))
		}
	}
}

// describe fills in the fields and the sample.
func describe(o *ReadOptions, p *node.Proposal, first []string, data [][]string, opt value.Options) {
	header := first
	if !o.Header {
		header = nil
	}
	names, unclear := fieldNames(header, len(first), p)
	if unclear { // a name that is missing or occurs twice cannot be found: read by position
		o.Header, o.SkipLines = false, 1
		p.Notes = append(p.Notes, "Because of that the fields are read by position and the header line is skipped.")
	}
	p.Fields = []node.FileField{}
	for i, c := range columns(names, data, len(first), opt, o) {
		f, notes := c.Field()
		if header != nil && !unclear && header[i] != f.Name {
			f.Source = header[i]
		}
		p.Fields = append(p.Fields, f)
		p.Notes = append(p.Notes, notes...)
	}
	p.Sampled = int64(len(data))
	p.Sample = data[:min(len(data), sniffShown)]
}

// fieldNames makes every name usable and different.
func fieldNames(header []string, width int, p *node.Proposal) (names []string, unclear bool) {
	taken := map[string]bool{}
	for i := range width {
		name := fmt.Sprintf("column_%d", i+1)
		if header != nil {
			switch h := strings.TrimSpace(header[i]); {
			case h == "":
				unclear = true
				p.Notes = append(p.Notes, fmt.Sprintf("Column %d has no name in the header; it is called %s.", i+1, name))
			case taken[h]:
				unclear = true
				name = h
				for n := 2; taken[name]; n++ {
					name = fmt.Sprintf("%s_%d", h, n)
				}
				p.Notes = append(p.Notes, fmt.Sprintf("The name %q occurs more than once in the header; column %d is called %s.", h, i+1, name))
			default:
				name = h
			}
		}
		for taken[name] {
			name += "_"
		}
		taken[name] = true
		names = append(names, name)
	}
	return names, unclear
}
