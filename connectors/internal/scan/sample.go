package scan

import (
	"bytes"
	"context"
	"errors"
	"io"
	"unicode/utf8"
)

// How much of a file is looked at to propose how it is read.
const (
	sampleHead = 1 << 20
	samplePart = 128 << 10
)

// RawAt is a file that can be read anywhere.
type RawAt interface {
	io.ReaderAt
	Size() int64
}

// Sample is what a file shows of itself.
type Sample struct {
	Encoding string
	Whole    bool     // Head is all there is
	Head     []byte   // UTF-8, from the start
	Parts    [][]byte // whole lines from the middle and the end
	Notes    []string
}

// Look takes a sample of a file.
func Look(f RawAt, name string) (*Sample, error) {
	s := &Sample{}
	raw := make([]byte, 64<<10)
	n, err := f.ReadAt(raw, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	raw = raw[:n]
	for _, s.Encoding = range s.candidates(raw, Compressed(name)) {
		if err = s.head(f, name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	switch s.Encoding {
	case "windows-1252", "iso-8859-1":
		s.Notes = append(s.Notes, "The file is not UTF-8. The encoding "+s.Encoding+" is a guess: check letters such as é and ü.")
	}
	if !Compressed(name) && !s.Whole && s.Encoding != "utf-16le" && s.Encoding != "utf-16be" {
		s.part(f, name, f.Size()/2)
		s.part(f, name, f.Size()-samplePart)
	}
	return s, nil
}

// candidates are the encodings to try, in order.
func (s *Sample) candidates(raw []byte, compressed bool) []string {
	if m := MarkedAs(raw); m != "" && !compressed {
		return []string{m}
	}
	even, odd := 0, 0
	for i, c := range raw {
		if c == 0 && i%2 == 0 {
			even++
		} else if c == 0 {
			odd++
		}
	}
	switch {
	case compressed: // its content is looked at by trying
	case odd > len(raw)/4:
		return []string{"utf-16le"}
	case even > len(raw)/4:
		return []string{"utf-16be"}
	}
	return []string{"utf-8", "utf-16le", "utf-16be", "windows-1252", "iso-8859-1"}
}

func (s *Sample) head(f RawAt, name string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := Open(ctx, section{io.NewSectionReader(f, 0, f.Size())}, name, s.Encoding, nil)
	if err != nil {
		return err
	}
	defer stream.Close()
	s.Head = make([]byte, sampleHead)
	n, err := io.ReadFull(stream, s.Head)
	s.Whole = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) // of the text, not of gzip: Open explains that
	s.Head = s.Head[:n]
	if err != nil && !s.Whole {
		return err
	}
	for range 3 { // the sample may end within a character
		if r, size := utf8.DecodeLastRune(s.Head); !s.Whole && r == utf8.RuneError && size == 1 {
			s.Head = s.Head[:len(s.Head)-1]
		}
	}
	if !utf8.Valid(s.Head) {
		return badEncoding(s.Encoding, "some octets are no characters", 0)
	}
	return nil
}

// part samples whole lines from an offset on.
func (s *Sample) part(f RawAt, name string, at int64) {
	if at < sampleHead {
		return
	}
	buf := make([]byte, samplePart)
	n, err := f.ReadAt(buf, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	buf = buf[:n]
	from, to := bytes.IndexByte(buf, '\n')+1, bytes.LastIndexByte(buf, '\n')+1
	if from >= to {
		return
	}
	text, err := decoded(bytes.NewReader(buf[from:to]), s.Encoding)
	if err != nil {
		return
	}
	if b, err := io.ReadAll(text); err == nil && utf8.Valid(b) {
		s.Parts = append(s.Parts, b)
	}
}

type section struct{ *io.SectionReader }

func (section) Close() error { return nil }
