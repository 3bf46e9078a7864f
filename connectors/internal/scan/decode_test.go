package scan

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"spark/flows"
)

// octets is a file in memory.
type octets struct{ io.Reader }

func (octets) Close() error { return nil }

type sized struct {
	octets
	size int64
}

func (s sized) Size() int64 { return s.size }

func decodeAll(b []byte, encoding string, small bool) (string, error) {
	var r io.Reader = bytes.NewReader(b)
	if small { // wherever the reads end
		r = iotest.OneByteReader(r)
	}
	s, err := Open(context.Background(), sized{octets{r}, int64(len(b))}, "in.csv", encoding, nil)
	if err != nil {
		return "", err
	}
	defer s.Close()
	text, err := io.ReadAll(s)
	return string(text), err
}

// FuzzDecode: every encoding gives what the standard library and x/text give, wherever the reads end, or an error with a
// code and the file. UTF-8 is handed on as it is, for readers to check.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "a", "id,name\n1,caf\xe9\n", "\xef\xbb\xbfid", "\xff\xfei\x00d\x00", "\xfe\xff\x00i\x00d", "\xff\xfe\x00\xd8", "\xff\xfe=\xd8\x00\xde", "i\x00d\x00", "PK\x03\x04", "\x81", "%PDF-1.7"} {
		for i := range strings.Split(Encodings, "|") {
			f.Add([]byte(s), uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		names := strings.Split(Encodings, "|")
		encoding := names[int(which)%len(names)]
		got, err := decodeAll(b, encoding, false)
		again, err2 := decodeAll(b, encoding, true)
		if got != again || (err == nil) != (err2 == nil) {
			t.Fatalf("%s, one octet after the other: %q %v, else %q %v", encoding, again, err2, got, err)
		}
		if err != nil {
			if e, ok := errors.AsType[*flows.Error](err); !ok || e.Code != "file.encoding" && e.Code != "file.kind" || e.Path.File != "in.csv" || e.Suggestion == "" {
				t.Fatalf("%s: %#v", encoding, err)
			}
			return
		}
		if want, ok := reference(b, encoding); !ok || got != want {
			t.Fatalf("%s of %q: %q and should be %q (%t)", encoding, b, got, want, ok)
		}
	})
}

// reference decodes by other means; false where it must not be possible.
func reference(b []byte, encoding string) (string, bool) {
	switch encoding {
	case "utf-8":
		return strings.TrimPrefix(string(b), "\uFEFF"), true
	case "utf-16le", "utf-16be":
		units := make([]uint16, 0, len(b)/2)
		for i := 0; i+1 < len(b); i += 2 {
			u := uint16(b[i]) | uint16(b[i+1])<<8
			if encoding == "utf-16be" {
				u = u<<8 | u>>8
			}
			units = append(units, u)
		}
		runes := utf16.Decode(units)
		back := utf16.Encode(runes)
		for i, u := range units { // half a pair became U+FFFD
			if len(back) != len(units) || back[i] != u {
				return "", false
			}
		}
		return strings.TrimPrefix(string(runes), "\uFEFF"), len(b)%2 == 0
	}
	m := map[string]*charmap.Charmap{"windows-1252": charmap.Windows1252, "iso-8859-1": charmap.ISO8859_1, "iso-8859-15": charmap.ISO8859_15}[encoding]
	text, err := m.NewDecoder().Bytes(b)
	return string(text), err == nil && !bytes.ContainsRune(text, utf8.RuneError)
}
