package expr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"spark/flows"
)

// The limits of an expression: enough for any hand-written one, small enough that no input exhausts memory or stack.
const (
	MaxLength = 64 << 10 // bytes of source
	MaxDepth  = 200      // nesting of the tree
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokWord
	tokQuoted // "name" or [name]
	tokParam  // $name
	tokNumber
	tokText
	tokSymbol
)

// token is one word of the source. at and n count characters; text is decoded for tokQuoted, tokParam and tokText.
type token struct {
	kind  tokenKind
	text  string
	lower string // of tokWord
	at, n int
}

func (t token) is(symbol string) bool { return t.kind == tokSymbol && t.text == symbol }

func (t token) keyword(word string) bool { return t.kind == tokWord && t.lower == word }

// describe names a token in a message.
func (t token) describe() string {
	switch t.kind {
	case tokEnd:
		return "the end of the expression"
	case tokText:
		return "text '" + clip(t.text) + "'"
	case tokParam:
		return "$" + clip(t.text)
	default:
		return fmt.Sprintf("%q", clip(t.text))
	}
}

// clip shortens what is quoted from the source in a message.
func clip(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

type lexer struct {
	src    []rune
	i      int
	tokens []token
}

func syntaxError(at, n int, message, suggestion string) *flows.Error {
	return problem("expr.syntax", at, n, nil, message, suggestion)
}

// problem makes an error that points at characters at … at+n of the expression.
func problem(code string, at, n int, params flows.Params, message, suggestion string) *flows.Error {
	return &flows.Error{Code: code, Params: params, Path: flows.Path{Offset: at, Length: n},
		Message: message, Suggestion: suggestion}
}

func lex(src string) ([]token, error) {
	if len(src) > MaxLength {
		return nil, problem("expr.too_long", 1, 0, flows.Params{"bytes": len(src), "limit": MaxLength},
			fmt.Sprintf("the expression has %d bytes, at most %d are allowed", len(src), MaxLength),
			"split it into several fields")
	}
	if !utf8.ValidString(src) {
		return nil, syntaxError(1, 0, "the expression is not valid UTF-8", "")
	}
	lx := &lexer{src: []rune(src)}
	for {
		t, err := lx.next()
		if err != nil {
			return nil, err
		}
		lx.tokens = append(lx.tokens, t)
		if t.kind == tokEnd {
			return lx.tokens, nil
		}
	}
}

func (lx *lexer) peek(ahead int) rune {
	if lx.i+ahead < len(lx.src) {
		return lx.src[lx.i+ahead]
	}
	return 0
}

func isWordStart(c rune) bool { return c == '_' || unicode.IsLetter(c) }

func isWord(c rune) bool { return isWordStart(c) || unicode.IsDigit(c) || unicode.Is(unicode.Mn, c) }

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

func (lx *lexer) next() (token, error) {
	for lx.i < len(lx.src) && unicode.IsSpace(lx.src[lx.i]) {
		lx.i++
	}
	from := lx.i
	if from >= len(lx.src) {
		return token{kind: tokEnd, at: from + 1}, nil
	}
	switch c := lx.src[from]; {
	case c == '\'':
		return lx.delimited(tokText, '\'', "text")
	case c == '"':
		return lx.delimited(tokQuoted, '"', "field name")
	case c == '[':
		return lx.delimited(tokQuoted, ']', "field name")
	case isDigit(c):
		return lx.number()
	case isWordStart(c):
		w := lx.word()
		return token{kind: tokWord, text: w, lower: strings.ToLower(w), at: from + 1, n: lx.i - from}, nil
	case c == '$':
		lx.i++
		if w := lx.word(); w != "" {
			return token{kind: tokParam, text: w, at: from + 1, n: lx.i - from}, nil
		}
		return token{}, syntaxError(from+1, 1, "a parameter needs a name after $", "write $name")
	}
	return lx.symbol()
}

func (lx *lexer) word() string {
	from := lx.i
	for lx.i < len(lx.src) && isWord(lx.src[lx.i]) {
		lx.i++
	}
	return string(lx.src[from:lx.i])
}

// delimited reads up to an unpaired end rune; a doubled one stands for itself.
func (lx *lexer) delimited(kind tokenKind, end rune, what string) (token, error) {
	from := lx.i
	var b strings.Builder
	for lx.i++; lx.i < len(lx.src); lx.i++ {
		c := lx.src[lx.i]
		if c == 0 {
			return token{}, syntaxError(lx.i+1, 1, "the character NUL is not allowed", "")
		}
		if c == end {
			if lx.peek(1) != end {
				lx.i++
				t := token{kind: kind, text: b.String(), at: from + 1, n: lx.i - from}
				if kind == tokQuoted && t.text == "" {
					return token{}, syntaxError(t.at, t.n, "a field name is empty", "")
				}
				return t, nil
			}
			lx.i++
		}
		b.WriteRune(c)
	}
	return token{}, syntaxError(from+1, len(lx.src)-from, fmt.Sprintf("this %s is not closed", what),
		fmt.Sprintf("add %c at its end; inside, write it twice", end))
}

func (lx *lexer) number() (token, error) {
	from := lx.i
	digits := func() {
		for lx.i < len(lx.src) && isDigit(lx.src[lx.i]) {
			lx.i++
		}
	}
	digits()
	if lx.peek(0) == '.' && isDigit(lx.peek(1)) {
		lx.i++
		digits()
	}
	if c := lx.peek(0); c == 'e' || c == 'E' {
		sign := 0
		if s := lx.peek(1); s == '+' || s == '-' {
			sign = 1
		}
		if isDigit(lx.peek(1 + sign)) {
			lx.i += 1 + sign
			digits()
		}
	}
	if c := lx.peek(0); isWord(c) || c == '.' {
		lx.i++
		lx.word()
		return token{}, syntaxError(from+1, lx.i-from, fmt.Sprintf("%q is not a number", clip(string(lx.src[from:lx.i]))),
			"write numbers as 12, 1.50 or 1e3")
	}
	return token{kind: tokNumber, text: string(lx.src[from:lx.i]), at: from + 1, n: lx.i - from}, nil
}

func (lx *lexer) symbol() (token, error) {
	from := lx.i
	two := string(lx.src[from:min(from+2, len(lx.src))])
	switch two {
	case "||", "<>", "!=", "<=", ">=":
		lx.i += 2
		return token{kind: tokSymbol, text: two, at: from + 1, n: 2}, nil
	case "--", "/*":
		return token{}, syntaxError(from+1, 2, "comments are not part of an expression",
			"remove it; write a - -b with a space for a double minus")
	case "==":
		return token{}, syntaxError(from+1, 2, "== is not an operator", "compare with a single =")
	case "&&":
		return token{}, syntaxError(from+1, 2, "&& is not an operator", "write and")
	}
	c := lx.src[from]
	if strings.ContainsRune("+-*/%=<>(),", c) {
		lx.i++
		return token{kind: tokSymbol, text: string(c), at: from + 1, n: 1}, nil
	}
	suggestion := ""
	switch c {
	case ';':
		suggestion = "an expression is one value, not a statement"
	case '.':
		suggestion = "numbers start with a digit; read a part of a struct with get_field(value, 'name')"
	case '!':
		suggestion = "write not"
	case '{', '}':
		suggestion = "parameters are written $name"
	}
	return token{}, syntaxError(from+1, 1, fmt.Sprintf("unexpected character %q", c), suggestion)
}
