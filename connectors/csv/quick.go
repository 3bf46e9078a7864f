package csv

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"spark/connectors/internal/batch"
	"spark/connectors/internal/reading"
	"spark/connectors/internal/value"
	"spark/flows"
)

const (
	textID  = arrow.STRING
	bytesID = arrow.BINARY
)

// region is a run of whole records that all have one value per column, so that value k of column c is between the
// index's positions k*columns+c and the next.
type region struct {
	from, end int
	pos       []uint32
	columns   int
	records   int
	crlf      bool // some lines end with \r\n
	quotes    bool
}

// quickRegion converts the indexed records of b[from:end]. It reports false, having done nothing, when they are not
// all of the expected shape.
func (p *parser) quickRegion(from, end int) bool {
	r := region{from: from, end: end, pos: p.index.pos[:p.index.n], columns: len(p.layout.columns), quotes: p.hasQuotes}
	n := p.index.n - 1
	lines := bytes.Count(p.b[from:end], []byte{'\n'})
	if n%r.columns != 0 {
		return false
	}
	r.records = n / r.columns
	if !p.hasQuotes && lines != r.records {
		return false
	}
	returns := 0
	for k := r.columns; k <= n; k += r.columns {
		at := r.pos[k]
		if p.b[at] != '\n' {
			return false
		}
		if p.index.hasCR && at > r.pos[k-1]+1 && p.b[at-1] == '\r' {
			returns++
		}
	}
	if p.hasQuotes && !p.endsOnly(&r) {
		return false
	}
	if p.index.hasCR {
		if bytes.Count(p.b[from:end], []byte{'\r'}) != returns {
			return false // one of them stands elsewhere
		}
		r.crlf = returns > 0
	}
	p.convert(&r)
	p.lines += int64(lines)
	p.records += int64(r.records)
	return true
}

// endsOnly checks that no position but the last of each record is a line end.
func (p *parser) endsOnly(r *region) bool {
	ends := 0
	for _, at := range r.pos[1:] {
		if p.b[at] == '\n' {
			ends++
		}
	}
	return ends == r.records
}

// convert reads the fields that can be refused first, so that texts are copied of accepted records only.
func (p *parser) convert(r *region) {
	p.bads, p.drop = p.bads[:0], p.drop[:0]
	for ci, fi := range p.layout.columns {
		if fi < 0 || p.fields[fi].Type.Kind == flows.Text {
			continue
		}
		p.convertColumn(r, ci, fi)
	}
	if len(p.bads) > 0 {
		p.refuse(r)
	}
	rows := p.rows + r.records - len(p.drop)
	for ci, fi := range p.layout.columns {
		if fi >= 0 && p.ByField[fi] >= 0 && travelsAsText(p.fields[fi].Type.Kind) {
			p.copyTexts(r, ci, fi)
		}
	}
	for i, o := range p.Outs {
		switch o.What {
		case reading.OutFile:
			path := []byte(p.file.Path)
			for range rows - p.rows {
				p.columns[i].AppendText(path)
			}
		case reading.OutRecord:
			p.numberRecords(p.columns[i], r)
		}
	}
	p.rows = rows
}

// numberRecords writes where the accepted records stand in the block.
func (p *parser) numberRecords(c *batch.Column, r *region) {
	c.Reserve(r.records)
	vs, row, d := batch.Values[int64](c), c.Len(), 0
	for k := range r.records {
		if d < len(p.drop) && int(p.drop[d]) == k {
			d++
			continue
		}
		vs[row] = p.records + int64(k) + 1
		row++
	}
	c.SetLen(row)
}

// quotesCount: in quotes, what means null is a value of its own. Others have no empty value.
func quotesCount(k flows.Kind) bool { return k == flows.Text || k == flows.Bytes }

func travelsAsText(k flows.Kind) bool {
	switch k {
	case flows.Text, flows.Int128, flows.UUID, flows.Interval, flows.JSON, flows.Bytes:
		return true
	}
	return false
}

func (p *parser) convertColumn(r *region, ci, fi int) {
	if travelsAsText(p.fields[fi].Type.Kind) {
		p.checkColumn(r, ci, fi)
		return
	}
	col, rd := p.spare[fi], p.readers[fi]
	if o := p.ByField[fi]; o >= 0 {
		col = p.columns[o]
	} else {
		col.Truncate(0)
	}
	col.Reserve(r.records)
	quick := !p.d.digitNull && rd.Plain() && rd.ISO()
	switch k := p.fields[fi].Type.Kind; {
	case k == flows.Int64 && quick:
		quickInts[int64](p, r, ci, col, rd)
	case k == flows.Int32 && quick:
		quickInts[int32](p, r, ci, col, rd)
	case k == flows.Int16 && quick:
		quickInts[int16](p, r, ci, col, rd)
	case k == flows.Int8 && quick:
		quickInts[int8](p, r, ci, col, rd)
	case k == flows.Decimal && quick && rd.Type.Scale <= 10: // 7 digits and 10 zeros fit into 64 bits
		p.quickDecimals(r, ci, col, rd)
	case (k == flows.Timestamp || k == flows.TimestampTZ) && quick:
		p.quickMoments(r, ci, col, rd)
	case k == flows.Date && quick:
		p.quickDates(r, ci, col, rd)
	default:
		for k := range r.records {
			p.oneValue(r, ci, k, col, rd)
		}
		return
	}
	col.SetLen(col.Len() + r.records)
}

// bounds is where value k of column ci lies, quotes included.
func (p *parser) bounds(r *region, ci, k int) (s, e int) {
	j := k*r.columns + ci
	s, e = int(r.pos[j]+1), int(r.pos[j+1])
	if r.crlf && ci == r.columns-1 && e > s && p.b[e-1] == '\r' {
		e--
	}
	return s, e
}

// inner is bounds without quotes, for values that cannot have quotes inside.
func (p *parser) inner(r *region, ci, k int) (s, e int) {
	s, e = p.bounds(r, ci, k)
	if r.quotes && e-s > 1 && p.b[s] == p.d.quote {
		return s + 1, e - 1
	}
	return s, e
}

// slowBounds is the value for the parsers of all spellings.
func (p *parser) slowBounds(r *region, ci, k int) (v []byte, null bool) {
	v, _, null = p.plainValue(p.bounds(r, ci, k))
	return v, null
}

// oneValue appends value k whatever its kind, and something when it is refused.
func (p *parser) oneValue(r *region, ci, k int, col *batch.Column, rd *value.Reader) {
	s, e := p.bounds(r, ci, k)
	v, _, null := p.plainValue(s, e)
	if null {
		col.AppendNull()
		return
	}
	if f := rd.Append(col, v); f != nil {
		p.refuseValue(k, ci, f)
		col.AppendNull()
	}
}

func (p *parser) refuseValue(k, ci int, f *value.Fault) {
	p.bads = append(p.bads, bad{int32(k), int32(ci), f})
}

// plainValue takes the quotes off a value of a field that is not text, and says whether it means null.
func (p *parser) plainValue(s, e int) (v []byte, quoted, null bool) {
	v = p.b[s:e]
	if p.hasQuotes && len(v) > 1 && v[0] == p.d.quote {
		quoted = true
		if v = v[1 : len(v)-1]; bytes.IndexByte(v, p.d.quote) >= 0 {
			v = p.unescape(v)
		}
	}
	return v, quoted, p.d.isNull(v)
}

func (d *dialect) isNull(v []byte) bool {
	if len(v) == 0 {
		return d.emptyNull
	}
	for _, n := range d.nulls {
		if bytes.Equal(n, v) {
			return true
		}
	}
	return false
}

// unescape undoes the doubling of quotes, or the escapes.
func (p *parser) unescape(v []byte) []byte {
	out := p.text[:0]
	for i := 0; i < len(v); i++ {
		if v[i] == p.d.escape && i+1 < len(v) {
			i++
		}
		out = append(out, v[i])
	}
	p.text = out
	return out
}

// checkColumn reads values that travel as text, to refuse what is none of their type. Texts themselves were checked
// with the block.
func (p *parser) checkColumn(r *region, ci, fi int) {
	rd := p.readers[fi]
	for k := range r.records {
		s, e := p.bounds(r, ci, k)
		v, _, null := p.plainValue(s, e)
		if null {
			continue
		}
		if f := rd.Check(v); f != nil {
			p.refuseValue(k, ci, f)
		}
	}
}

// refuse drops the records with refused values from the columns that were converted, and keeps the first reason of each.
func (p *parser) refuse(r *region) {
	slices.SortFunc(p.bads, func(a, b bad) int {
		if a.record != b.record {
			return int(a.record - b.record)
		}
		return int(a.column - b.column)
	})
	before := len(p.rejects)
	p.raws, p.ends = p.raws[:0], p.ends[:0]
	counted, lines := r.from, p.lines // lines before counted, where texts in quotes may have some
	if room := len(p.bads); cap(p.rejects)-len(p.rejects) < room {
		if left := len(p.b) - r.end; left > 0 { // where many are refused the rest is like this region
			room += int(float64(len(p.bads)) / float64(r.end-r.from) * float64(left) * 1.02)
		}
		p.rejects = slices.Grow(p.rejects, room)
	}
	for _, x := range p.bads {
		if n := len(p.drop); n > 0 && p.drop[n-1] == x.record {
			continue
		}
		p.drop = append(p.drop, x.record)
		j := int(x.record) * r.columns
		s, e := int(r.pos[j]+1), int(r.pos[j+r.columns])
		line := p.lines + int64(x.record) + 1
		if p.hasQuotes {
			lines += int64(bytes.Count(p.b[counted:s], []byte{'\n'}))
			counted, line = s, lines+1
		}
		p.rejects = append(p.rejects, p.refused(line, p.records+int64(x.record)+1, int(x.column), x.fault))
		p.raws = append(p.raws, p.b[s:p.withoutReturn(s, e)]...)
		p.ends = append(p.ends, len(p.raws))
	}
	all, at := string(p.raws), 0 // one for all; that it is UTF-8 was seen of the whole block
	for i, end := range p.ends {
		p.rejects[before+i].Raw = all[at:end]
		at = end
	}
	for fi := range p.fields {
		if o := p.ByField[fi]; o >= 0 && !travelsAsText(p.fields[fi].Type.Kind) {
			p.columns[o].Compact(p.rows, p.drop)
		}
	}
}

// copyTexts appends the texts of the accepted records.
func (p *parser) copyTexts(r *region, ci, fi int) {
	col, rd := p.columns[p.ByField[fi]], p.readers[fi]
	if p.fields[fi].Type.Kind != flows.Text || len(p.d.nulls) > 0 {
		p.copyTextsOneByOne(r, ci, fi, col, rd)
		return
	}
	col.Reserve(r.records)
	col.ReserveText(r.end - r.from)
	b, dst, used := p.b[:cap(p.b)], col.Text(), col.TextLen()
	row, drop := col.Len(), p.drop
	offs := col.Offsets()[1:]
	for k := range r.records {
		if len(drop) > 0 && int(drop[0]) == k {
			drop = drop[1:]
			continue
		}
		s, e := p.bounds(r, ci, k)
		if n := e - s; n == 0 && p.d.emptyNull {
			col.SetNull(row)
		} else if r.quotes && n > 1 && b[s] == p.d.quote {
			used += p.copyQuoted(dst[used:], b[s+1:e-1])
		} else if n <= 16 {
			// Two words, whatever the length: source and target have the room.
			*(*[16]byte)(dst[used : used+16]) = *(*[16]byte)(b[s : s+16])
			used += n
		} else {
			used += copy(dst[used:used+n], b[s:e])
		}
		offs[row] = int32(used)
		row++
	}
	col.SetText(used)
	col.SetLen(row)
}

func (p *parser) copyQuoted(dst, v []byte) int {
	if bytes.IndexByte(v, p.d.quote) >= 0 {
		v = p.unescape(v)
	}
	return copy(dst, v)
}

func (p *parser) copyTextsOneByOne(r *region, ci, fi int, col *batch.Column, rd *value.Reader) {
	kind, d := p.fields[fi].Type.Kind, 0
	for k := range r.records {
		if d < len(p.drop) && int(p.drop[d]) == k {
			d++
			continue
		}
		s, e := p.bounds(r, ci, k)
		v, quoted, null := p.plainValue(s, e)
		switch {
		case null && !(quoted && quotesCount(kind)):
			col.AppendNull()
		case kind == flows.Text:
			col.AppendText(v)
		default:
			t, _ := rd.Text(v) // checked before
			col.AppendText(t)
		}
	}
}

const zeros = ones * '0'

// eight reads up to eight digits that stand in the highest octets of w, the other octets being 0. It reports false
// when one of them is no digit.
func eight(w uint64) (uint64, bool) {
	const ten = ones * 0x76 // carries into the high bit from 10 on
	if ((w&low7+ten)|w)&high != 0 {
		return 0, false
	}
	w = w*10 + w>>8 // pairs
	return ((w&0x000000FF000000FF)*0x000F424000000064 + (w>>16&0x000000FF000000FF)*0x0000271000000001) >> 32, true
}

// digits16 reads 1 to 16 digits of b[s:].
func digits16(b []byte, s, n int) (uint64, bool) {
	if n <= 8 {
		w := binary.LittleEndian.Uint64(b[s:]) ^ zeros
		return eight(w << (uint(8-n) * 8 & 63))
	}
	w := binary.LittleEndian.Uint64(b[s:]) ^ zeros
	hi, ok1 := eight(w << (uint(16-n) * 8 & 63))
	lo, ok2 := eight(binary.LittleEndian.Uint64(b[s+n-8:]) ^ zeros)
	return hi*1e8 + lo, ok1 && ok2
}

func quickInts[T int8 | int16 | int32 | int64](p *parser, r *region, ci int, col *batch.Column, rd *value.Reader) {
	b, row := p.b[:cap(p.b)], col.Len()
	dst := batch.Values[T](col)[row : row+r.records]
	for k := range dst {
		s, e := p.inner(r, ci, k)
		if n := e - s; uint(n-1) < 16 {
			if v, ok := digits16(b, s, n); ok && uint64(T(v)) == v && T(v) >= 0 {
				dst[k] = T(v)
				continue
			}
		}
		v, null := p.slowBounds(r, ci, k)
		if null {
			dst[k] = 0
			col.SetNull(row + k)
			continue
		}
		i, f := rd.Int(v)
		if f != nil {
			p.refuseValue(k, ci, f)
		}
		dst[k] = T(i)
	}
}

var tens = [19]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

func (p *parser) quickDecimals(r *region, ci int, col *batch.Column, rd *value.Reader) {
	b, row := p.b[:cap(p.b)], col.Len()
	dst := batch.Values[decimal128.Num](col)[row : row+r.records]
	t := rd.Type
	scale, point := t.Scale, ones*uint64(rd.Point())
	limit := tens[min(t.Precision, 18)] // of the unscaled value; what is beyond takes the slow way
	for k := range dst {
		s, e := p.inner(r, ci, k)
		if n := e - s; uint(n-2) < 7 { // 2 to 8 characters
			w := binary.LittleEndian.Uint64(b[s:])
			x := w ^ point
			at := lowest(^((x&low7 + low7) | x) & high) // octet of the point; 8 when there is none
			if decimals := n - at - 1; at > 0 && at < n && decimals <= scale {
				below := uint64(1)<<(uint(at)*8) - 1
				w = w&below | w>>8&^below
				if v, ok := eight((w ^ zeros) << (uint(9-n) * 8 & 63)); ok {
					if v *= tens[scale-decimals]; v < limit {
						dst[k] = decimal128.FromU64(v)
						continue
					}
				}
			}
		}
		v, null := p.slowBounds(r, ci, k)
		if null {
			dst[k] = decimal128.Num{}
			col.SetNull(row + k)
			continue
		}
		d, f := rd.DecimalValue(v)
		if f != nil {
			p.refuseValue(k, ci, f)
		}
		dst[k] = d
	}
}
