package json

// elements finds where the elements of an array end: behind the comma that follows them. What it says about malformed
// text does not matter: the parser meets the malformed place before it.
type elements struct {
	depth  int
	inText bool
	escape bool
}

func (e *elements) Reset() { *e = elements{} }

func (e *elements) Feed(b []byte, from int) int {
	end := -1
	for i := from; i < len(b); i++ {
		c := b[i]
		if e.inText {
			switch {
			case e.escape:
				e.escape = false
			case c == '\\':
				e.escape = true
			case c == '"':
				e.inText = false
			}
			continue
		}
		switch c {
		case '"':
			e.inText = true
		case '{', '[':
			e.depth++
		case '}', ']':
			e.depth--
		case ',':
			if e.depth == 0 {
				end = i + 1
			}
		}
	}
	return end
}

// whole is the boundary of a file that is one record.
type whole struct{}

func (whole) Reset()               {}
func (whole) Feed([]byte, int) int { return -1 }
