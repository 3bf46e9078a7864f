package csv

import (
	"bytes"
	"unicode/utf8"

	"spark/connectors/internal/batch"
	"spark/connectors/internal/reading"
	"spark/connectors/internal/scan"
	"spark/connectors/internal/value"
	"spark/flows/node"
)

// regionSize is how much text is indexed and converted at a time: text, index and values stay in the processor's cache.
const regionSize = 64 << 10

// longRecord is a length from which on records are not indexed.
const longRecord = 16 * regionSize

// parser turns blocks into columns. Well-formed regions take the quick way: an index of all values, then column by
// column. Everything else is read record by record; both ways mean the same.
type parser struct {
	*plan
	readers []*value.Reader
	index   indexer
	spare   []*batch.Column // per declared field: where values go that nobody wants
	free    func([]byte)

	// of the block
	b         []byte
	block     *scan.Block
	file      *reading.File
	layout    *layout
	columns   []*batch.Column // by outs
	rows      int
	records   int64
	lines     int64
	rejects   []node.Reject
	err       error
	odd       bool // some octet needs a look at every value: NUL or not UTF-8
	hasQuotes bool

	// of the region
	bads  []bad
	drop  []int32
	parts []part
	text  []byte // a value without its quotes
	raws  []byte // the refused records, one after the other
	ends  []int  // of each in raws

	rowsBefore int   // of the last block, to guess the room for this one
	textBefore []int // by outs
	sizeBefore int
}

// bad is a value of a region that was refused.
type bad struct {
	record int32
	column int32
	fault  *value.Fault
}

func (p *plan) newParser(free func([]byte)) *parser {
	w := &parser{plan: p, index: newIndexer(p.d), free: free, textBefore: make([]int, len(p.Outs))}
	for i, f := range p.fields {
		w.readers = append(w.readers, f.reader.Clone())
		w.spare = append(w.spare, nil)
		if p.ByField[i] < 0 {
			w.spare[i] = batch.NewColumn(node.ArrowType(f.Type))
		}
	}
	return w
}

// close frees what the parser kept.
func (p *parser) close() {
	for _, c := range p.spare {
		if c != nil {
			c.Release()
		}
	}
}

// parse is the worker's job.
func (p *parser) parse(j reading.Job) *reading.Result {
	p.begin(j)
	at := 0
	if p.d.quick() && !p.odd && !p.slowly {
		at = p.quickRegions()
	}
	if at < len(p.b) && p.err == nil {
		p.slowRegion(at, len(p.b))
	}
	if p.err == nil {
		p.err = p.tail()
	}
	res := &reading.Result{File: p.file, Columns: p.columns, Rows: p.rows, Records: p.records, Lines: p.lines, Rejects: p.rejects, Err: p.err}
	if p.rows > 0 {
		p.rowsBefore, p.sizeBefore = p.rows, len(p.b)
		for i, c := range p.columns {
			p.textBefore[i] = c.TextLen()
		}
	}
	p.columns, p.rejects, p.err = nil, nil, nil
	p.free(j.Block.Data)
	return res
}

func (p *parser) begin(j reading.Job) {
	p.block, p.file, p.b = &j.Block, j.File, j.Block.Data
	if n := len(p.b); j.Block.Last && n > 0 && p.b[n-1] != '\n' {
		p.b = append(p.b, '\n') // in the slack: the last record ends like the others
	}
	p.layout = j.File.Meta.(*layout)
	p.rows, p.records, p.lines = 0, 0, 0
	p.odd = bytes.IndexByte(p.b, 0) >= 0 || !utf8.Valid(p.b)
	p.hasQuotes = p.d.quote != 0 && bytes.IndexByte(p.b, p.d.quote) >= 0
	p.index.hasCR = bytes.IndexByte(p.b, '\r') >= 0
	p.allocate()
}

// allocate makes columns with the room that the block will need if it is like the one before it.
func (p *parser) allocate() {
	rows := 0
	if p.sizeBefore > 0 {
		rows = int(float64(p.rowsBefore)/float64(p.sizeBefore)*float64(len(p.b))*1.02) + 64
	} else if len(p.b) > 0 {
		rows = bytes.Count(p.b, []byte{'\n'}) + 1
	}
	p.columns = p.NewColumns(rows)
	for i, o := range p.Outs {
		if o.Type.ID() != textID && o.Type.ID() != bytesID || o.What != reading.OutField {
			continue
		}
		guess := 64
		if p.sizeBefore > 0 {
			guess = int(float64(p.textBefore[i])/float64(p.sizeBefore)*float64(len(p.b))*1.02) + regionSize
		}
		p.columns[i].ReserveText(guess)
	}
}

// quickRegions reads regions as long as they are plain and returns where it stopped.
func (p *parser) quickRegions() int {
	at, size := 0, regionSize
	for at < len(p.b) {
		to := min(at+size, len(p.b))
		ok := true
		if p.hasQuotes {
			ok = p.index.quoted(p.b[:cap(p.b)], at, to)
		} else {
			p.index.plain(p.b[:cap(p.b)], at, to)
		}
		end := p.lastRecordEnd()
		if end <= at && to < len(p.b) && size < longRecord {
			size *= 4 // a record longer than the region
			continue
		}
		if end <= at {
			return at // what is left has no end, or is not worth an index
		}
		if !ok || !p.quickRegion(at, end) {
			if p.slowRegion(at, end); p.err != nil {
				return end
			}
		}
		at, size = end, regionSize
	}
	return at
}

// lastRecordEnd cuts the index after the last line end in it.
func (p *parser) lastRecordEnd() int {
	x := &p.index
	for x.n > 1 && p.b[x.pos[x.n-1]] != '\n' {
		x.n--
	}
	if x.n <= 1 {
		return -1
	}
	return int(x.pos[x.n-1]) + 1
}

// tail says what a file ends with when it is not a whole record.
func (p *parser) tail() error {
	return p.Tail(p.block, "csv.record_too_long", p.lines+1, p.records+1)
}
