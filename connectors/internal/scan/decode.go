package scan

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"spark/flows"
)

// Encodings are the names of the text encodings that files may have.
const Encodings = "utf-8|utf-16le|utf-16be|windows-1252|iso-8859-1|iso-8859-15"

var (
	markUTF8 = []byte{0xEF, 0xBB, 0xBF}
	markLE   = []byte{0xFF, 0xFE}
	markBE   = []byte{0xFE, 0xFF}
)

// MarkedAs returns the encoding that a byte order mark at the start of a file stands for, or "".
func MarkedAs(b []byte) string {
	switch {
	case bytes.HasPrefix(b, markUTF8):
		return "utf-8"
	case bytes.HasPrefix(b, markLE):
		return "utf-16le"
	case bytes.HasPrefix(b, markBE):
		return "utf-16be"
	}
	return ""
}

// decoded reads text in an encoding as UTF-8 without its byte order mark.
func decoded(r io.Reader, encoding string) (io.Reader, error) {
	head := make([]byte, 16)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	head = head[:n]
	if err == io.ErrUnexpectedEOF && n == 0 {
		return nil, err
	}
	if err := noText(head); err != nil {
		return nil, err
	}
	rest := io.MultiReader(bytes.NewReader(head), r)
	marked := MarkedAs(head)
	if marked != "" && marked != encoding {
		return nil, &flows.Error{Code: "file.encoding", Params: flows.Params{"set": encoding, "found": marked},
			Message:    fmt.Sprintf("the file begins with the byte order mark of %s and the encoding is set to %s", marked, encoding),
			Suggestion: "set the encoding to " + marked}
	}
	if encoding == "utf-8" && marked == "" && n >= 4 && (head[0] == 0) != (head[1] == 0) && (head[2] == 0) == (head[0] == 0) && (head[3] == 0) == (head[1] == 0) {
		likely := "utf-16le"
		if head[0] == 0 {
			likely = "utf-16be"
		}
		return nil, &flows.Error{Code: "file.encoding", Params: flows.Params{"set": encoding, "found": likely},
			Message: fmt.Sprintf("every other octet at the start of the file is zero: it looks like %s and the encoding is set to utf-8", likely), Suggestion: "set the encoding to " + likely}
	}
	switch encoding {
	case "utf-8":
		if marked != "" {
			rest = io.MultiReader(bytes.NewReader(head[3:]), r)
		}
		return rest, nil
	case "utf-16le", "utf-16be":
		if marked != "" {
			rest = io.MultiReader(bytes.NewReader(head[2:]), r)
		}
		return &utf16Reader{r: bufio.NewReaderSize(rest, 64<<10), big: encoding == "utf-16be"}, nil
	case "windows-1252":
		return newTableReader(rest, encoding, charmap.Windows1252), nil
	case "iso-8859-1":
		return newTableReader(rest, encoding, charmap.ISO8859_1), nil
	case "iso-8859-15":
		return newTableReader(rest, encoding, charmap.ISO8859_15), nil
	}
	return nil, &flows.Error{Code: "file.encoding", Message: fmt.Sprintf("there is no encoding %q", encoding), Suggestion: "use one of " + Encodings}
}

// tableReader decodes encodings of one octet per character. Octets without a character are errors.
type tableReader struct {
	r     io.Reader
	name  string
	table [256][]byte
	in    []byte
	out   []byte
	at    int
	line  int64
	err   error
}

func newTableReader(r io.Reader, name string, cm *charmap.Charmap) io.Reader {
	t := &tableReader{r: r, name: name, in: make([]byte, 64<<10), line: 1}
	for i := range t.table {
		if c := cm.DecodeByte(byte(i)); c != utf8.RuneError {
			t.table[i] = utf8.AppendRune(nil, c)
		}
	}
	return t
}

func (t *tableReader) Read(p []byte) (int, error) {
	for t.at == len(t.out) {
		if t.err != nil {
			return 0, t.err
		}
		var n int
		n, t.err = t.r.Read(t.in)
		t.out, t.at = t.out[:0], 0
		for _, c := range t.in[:n] {
			u := t.table[c]
			if u == nil {
				t.err = badEncoding(t.name, fmt.Sprintf("the octet 0x%02X stands for no character", c), t.line)
				break
			}
			if c == '\n' {
				t.line++
			}
			t.out = append(t.out, u...)
		}
	}
	n := copy(p, t.out[t.at:])
	t.at += n
	return n, nil
}

func badEncoding(name, why string, line int64) *flows.Error {
	return &flows.Error{Code: "file.encoding", Params: flows.Params{"set": name}, Path: flows.Path{Line: line},
		Message: fmt.Sprintf("the file is not valid %s: %s", name, why), Suggestion: "set the encoding that the file was written with"}
}

type utf16Reader struct {
	r    *bufio.Reader
	big  bool
	out  []byte
	at   int
	line int64
	err  error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for u.at == len(u.out) {
		if u.err != nil {
			return 0, u.err
		}
		u.fill()
	}
	n := copy(p, u.out[u.at:])
	u.at += n
	return n, nil
}

func (u *utf16Reader) fill() {
	u.out, u.at = u.out[:0], 0
	for len(u.out) < 32<<10 {
		c, err := u.unit()
		if err == nil && utf16.IsSurrogate(c) {
			var d rune
			if d, err = u.unit(); err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			if err == nil {
				if c = utf16.DecodeRune(c, d); c == utf8.RuneError {
					err = u.bad("half of a surrogate pair stands alone")
				}
			}
		}
		if err == io.ErrUnexpectedEOF {
			err = u.bad("it ends in the middle of a character")
		}
		if err != nil {
			u.err = err
			return
		}
		if c == '\n' {
			u.line++
		}
		u.out = utf8.AppendRune(u.out, c)
	}
}

func (u *utf16Reader) bad(why string) error {
	name := "utf-16le"
	if u.big {
		name = "utf-16be"
	}
	return badEncoding(name, why, u.line+1)
}

func (u *utf16Reader) unit() (rune, error) {
	a, err := u.r.ReadByte()
	if err != nil {
		return 0, err
	}
	b, err := u.r.ReadByte()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if u.big {
		a, b = b, a
	}
	return rune(a) | rune(b)<<8, err
}
