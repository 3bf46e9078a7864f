package csv

import (
	"encoding/binary"
	"math/bits"

	"spark/connectors/internal/batch"
	"spark/connectors/internal/value"
	"spark/flows"
)

// lowest is the number of the lowest octet whose high bit is set in m, 8 when there is none.
func lowest(m uint64) int { return bits.TrailingZeros64(m) >> 3 }

// The patterns that dates and times are compared with: digits become 0 to 9, separators 0.
const (
	datePattern  = '0' | '0'<<8 | '0'<<16 | '0'<<24 | '-'<<32 | '0'<<40 | '0'<<48 | '-'<<56 // 0000-00-
	clockPattern = '0' | '0'<<8 | ':'<<16 | '0'<<24 | '0'<<32 | ':'<<40 | '0'<<48 | '0'<<56 // 00:00:00
	// Adding these carries into the high bit of an octet that is no digit, or not the separator.
	dateCheck  = 0x7f76767f76767676
	clockCheck = 0x76767f76767f7676
)

// quickDate reads YYYY-MM-DD at b[s:] for years from 1900 to 2099, as days since 1970-01-01.
func quickDate(b []byte, s int) (int64, bool) {
	w := binary.LittleEndian.Uint64(b[s:]) ^ datePattern
	d1, d2 := b[s+8]-'0', b[s+9]-'0'
	if ((w&low7+dateCheck)|w)&high != 0 || d1 > 9 || d2 > 9 {
		return 0, false
	}
	w = w*10 + w>>8 // tens and units of the two halves of the year and of the month
	year := int(w&0xff)*100 + int(w>>16&0xff)
	month := int(w >> 40 & 0xff)
	day := int(d1)*10 + int(d2)
	at := (year-1900)*16 + month
	if uint(year-1900) >= 200 || uint(month-1) >= 12 || uint(day-1) >= 28 && (day == 0 || day > value.DaysIn(year, month)) {
		return 0, false
	}
	return int64(value.MonthStart[at]) + int64(day), true
}

// quickClock reads HH:MM:SS at b[s:], in seconds.
func quickClock(b []byte, s int) (int64, bool) {
	w := binary.LittleEndian.Uint64(b[s:]) ^ clockPattern
	if ((w&low7+clockCheck)|w)&high != 0 {
		return 0, false
	}
	w = w*10 + w>>8
	h, m, sec := int64(w&0xff), int64(w>>24&0xff), int64(w>>48&0xff)
	return h*3600 + m*60 + sec, h < 24 && m < 60 && sec < 60
}

func (p *parser) quickDates(r *region, ci int, col *batch.Column, rd *value.Reader) {
	b, row := p.b[:cap(p.b)], col.Len()
	dst := batch.Values[int32](col)[row : row+r.records]
	for k := range dst {
		s, e := p.inner(r, ci, k)
		if e-s == 10 {
			if d, ok := quickDate(b, s); ok {
				dst[k] = int32(d)
				continue
			}
		}
		v, null := p.slowBounds(r, ci, k)
		if null {
			dst[k] = 0
			col.SetNull(row + k)
			continue
		}
		d, f := rd.Date(v)
		if f != nil {
			p.refuseValue(k, ci, f)
		}
		dst[k] = d
	}
}

func (p *parser) quickMoments(r *region, ci int, col *batch.Column, rd *value.Reader) {
	b, row := p.b[:cap(p.b)], col.Len()
	dst := batch.Values[int64](col)[row : row+r.records]
	// A timestamp of 19 characters, or an instant of 20 that ends with Z.
	length, last := 19, byte(0)
	if rd.Type.Kind == flows.TimestampTZ {
		length, last = 20, 'Z'
	}
	for k := range dst {
		s, e := p.inner(r, ci, k)
		if e-s == length && (last == 0 || b[e-1] == last) && (b[s+10] == ' ' || b[s+10] == 'T') {
			d, ok1 := quickDate(b, s)
			c, ok2 := quickClock(b, s+11)
			if ok1 && ok2 {
				dst[k] = (d*86_400 + c) * 1_000_000
				continue
			}
		}
		v, null := p.slowBounds(r, ci, k)
		if null {
			dst[k] = 0
			col.SetNull(row + k)
			continue
		}
		m, f := rd.Moment(v)
		if f != nil {
			p.refuseValue(k, ci, f)
		}
		dst[k] = m
	}
}
