package csv

import (
	"encoding/binary"
	"math/bits"
)

// The index of a region of text holds the positions of the delimiters and line ends that separate values. It is made
// 64 octets at a time: eight words are compared with the character in question, and the high bits of the equal octets
// are gathered into one mask.

const (
	ones = 0x0101010101010101
	low7 = 0x7f7f7f7f7f7f7f7f
	high = 0x8080808080808080
	// gather moves the lowest bit of each octet into the highest octet.
	gather = 0x0102040810204080
)

// indexer finds the structure of regions of one block.
type indexer struct {
	pos   []uint32 // pos[0] is the position before the region
	n     int
	delim uint64
	quote uint64
	hasCR bool
}

func newIndexer(d *dialect) indexer {
	return indexer{pos: make([]uint32, 1<<12), delim: ones * uint64(d.delim), quote: ones * uint64(d.quote)}
}

const newline = ones * '\n'

// plain indexes b[from:to], where nothing is quoted. b must go on for scan.Slack octets.
func (x *indexer) plain(b []byte, from, to int) {
	x.start(from, to)
	n := x.n
	for at := from; at < to; at += 64 {
		chunk := (*[64]byte)(b[at : at+64])
		var mask uint64
		for i := 0; i < 64; i += 8 {
			w := binary.LittleEndian.Uint64(chunk[i:])
			a, c := w^x.delim, w^newline
			ne := ((a&low7 + low7) | a) & ((c&low7 + low7) | c) // high bit clear where equal
			mask |= ((^ne & high) >> 7 * gather) >> 56 << i
		}
		if left := to - at; left < 64 {
			mask &= 1<<left - 1
		}
		n = x.put(n, at, mask)
	}
	x.n = n
}

func (x *indexer) start(from, to int) {
	if need := to - from + 80; need > len(x.pos) {
		x.pos = make([]uint32, need)
	}
	x.pos[0] = uint32(from) - 1 // wraps around at 0 and back when 1 is added
	x.n = 1
}

// put appends the positions of the set bits. It writes eight at a time without asking how many there are.
func (x *indexer) put(n, at int, mask uint64) int {
	count := bits.OnesCount64(mask)
	for i := n; i < n+count; i += 8 {
		p := (*[8]uint32)(x.pos[i : i+8])
		for k := range p {
			p[k] = uint32(at + bits.TrailingZeros64(mask))
			mask &= mask - 1
		}
	}
	return n + count
}

// equal is the mask of the octets of chunk that are the character repeated in c.
func equal(chunk *[64]byte, c uint64) (mask uint64) {
	for i := 0; i < 64; i += 8 {
		a := binary.LittleEndian.Uint64(chunk[i:]) ^ c
		mask |= (^((a&low7 + low7) | a) & high >> 7 * gather) >> 56 << i
	}
	return mask
}

// quoted indexes b[from:to], where values may be quoted and quotes inside them are doubled. It reports false when
// quotes stand where they must not, or may do so: then the region has to be read record by record.
func (x *indexer) quoted(b []byte, from, to int) bool {
	x.start(from, to)
	n := x.n
	var inside uint64                     // all ones while a quote is open
	before, after := uint64(1), uint64(0) // carries: a quote may open here; a quote was closed just before
	bad := uint64(0)
	for at := from; at < to; at += 64 {
		chunk := (*[64]byte)(b[at : at+64])
		valid := ^uint64(0)
		if left := to - at; left < 64 {
			valid = 1<<left - 1
		}
		q := equal(chunk, x.quote) & valid
		sep := (equal(chunk, x.delim) | equal(chunk, newline)) & valid
		in := prefixXor(q) ^ inside
		inside = uint64(int64(in) >> 63)
		sep &^= in
		opens, closes := q&in, q&^in
		ends := sep | opens // what may follow a closing quote
		if x.hasCR {
			ends |= equal(chunk, ones*'\r')
		}
		bad |= opens &^ ((sep|closes)<<1 | before)
		bad |= (closes<<1 | after) &^ ends & valid
		before, after = (sep|closes)>>63, closes>>63
		n = x.put(n, at, sep)
	}
	x.n = n
	return bad == 0
}

// prefixXor sets each bit to the parity of the bits up to it.
func prefixXor(m uint64) uint64 {
	m ^= m << 1
	m ^= m << 2
	m ^= m << 4
	m ^= m << 8
	m ^= m << 16
	m ^= m << 32
	return m
}
