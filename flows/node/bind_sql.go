package node

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"spark/flows"
	"spark/flows/expr"
)

// sqlToken finds what a ${ may stand in that is no value of its own: texts, quoted names, comments, and texts in dollars,
// which are looked for by dollarQuote. Nested comments are closed by endOfComment.
var (
	sqlEscaped  = regexp.MustCompile(`(?is)^E'(?:[^'\\]|\\.|'')*'`)
	sqlText     = regexp.MustCompile(`(?s)^'(?:[^']|'')*'`)
	sqlName     = regexp.MustCompile(`(?s)^"(?:[^"]|"")*"`)
	sqlLine     = regexp.MustCompile(`^--[^\r\n]*`)
	sqlWord     = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_$]*`)
	dollarQuote = regexp.MustCompile(`^\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$`)
)

// sql puts values in the place of ${name} as literals of their type. Only where a value can stand: a text in quotes, a
// name and a part of one are refused, because there a value would become a part of the statement.
func (b *binder) sql(s string, f reflect.StructField, path string) (string, bool) {
	var out strings.Builder
	word := "" // before
	for i := 0; i < len(s); {
		token := sqlTokenAt(s, i)
		if strings.HasPrefix(token, "${") {
			literal, ok := b.sqlValue(s, i, token, word, f, path)
			if !ok {
				return "", false
			}
			out.WriteString(literal)
			i += len(token)
			word = ""
			continue
		}
		if quoted := token[0] == '\'' || token[0] == '"' || len(token) > 2 && token[1] == '\''; quoted && strings.Contains(token, "${") {
			text, ok := b.quotedSQL(token, path)
			if !ok {
				return "", false
			}
			out.WriteString(text)
		} else {
			out.WriteString(token)
		}
		if strings.TrimSpace(token) != "" {
			word = token
		}
		i += len(token)
	}
	return out.String(), true
}

// sqlTokenAt is the token that begins at i. What is no token of its own is one byte.
func sqlTokenAt(s string, i int) string {
	rest := s[i:]
	for _, p := range []*regexp.Regexp{sqlEscaped, sqlText, sqlName, sqlLine, sqlWord} {
		token := p.FindString(rest)
		if p == sqlWord && strings.HasSuffix(token, "$") && strings.HasPrefix(rest[len(token):], "{") {
			token = token[:len(token)-1] // the $ of a parameter
		}
		if token != "" {
			return token
		}
	}
	switch {
	case rest[0] == '\'' || rest[0] == '"': // never closed
		return rest
	case strings.HasPrefix(rest, "/*"):
		return rest[:endOfComment(rest)]
	case strings.HasPrefix(rest, "${"):
		if end := strings.IndexByte(rest, '}'); end >= 0 {
			return rest[:end+1]
		}
		return rest
	}
	if open := dollarQuote.FindString(rest); open != "" {
		if end := strings.Index(rest[len(open):], open); end >= 0 {
			return rest[:len(open)+end+len(open)]
		}
		return rest
	}
	return rest[:1]
}

// endOfComment is where a comment ends, those inside of it included.
func endOfComment(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// quotedSQL is a text or a name in quotes: $${ is ${ there, and a parameter is refused.
func (b *binder) quotedSQL(token, path string) (string, bool) {
	if strings.Contains(strings.ReplaceAll(token, "$${", ""), "${") {
		if token[0] == '"' {
			b.problem(path, "parameter.name", "a parameter is a value here and cannot be a part of a name", "write the name itself")
		} else {
			b.problem(path, "parameter.quoted", "a parameter stands inside of a text in quotes", "leave the quotes away: the value brings its own, as in name = ${name} or name like '%' || ${name} || '%'; $${ is ${ itself")
		}
		return "", false
	}
	return strings.ReplaceAll(token, "$${", "${"), true
}

// relationWords stand before the name of a table.
var relationWords = regexp.MustCompile(`(?i)^(from|join|into|update|table|only)$`)

func (b *binder) sqlValue(s string, i int, token, word string, f reflect.StructField, path string) (string, bool) {
	if !strings.HasSuffix(token, "}") {
		b.problem(path, "parameter.unclosed", "${ is not closed", "write ${name}")
		return "", false
	}
	if part(s, i-1) || part(s, i+len(token)) || relationWords.MatchString(word) {
		b.problem(path, "parameter.name", fmt.Sprintf("%s is a value here and cannot be a name, or a part of one", token), "write the name itself, and use parameters for values")
		return "", false
	}
	name, format, formatted := strings.Cut(token[2:len(token)-1], ":")
	p, ok := b.value(name, f, path)
	if !ok {
		return "", false
	}
	if formatted {
		text, message := formatTime(p, format)
		if message != "" {
			b.problem(path, "parameter.format", message, formatHelp)
			return "", false
		}
		p.Type, p.Value = flows.Of(flows.Text), text
	}
	if list, is := p.Value.([]any); is && !formatted {
		return b.sqlList(s, i, token, p, list, path)
	}
	literal, ok := sqlLiteral(p)
	if !ok {
		b.problem(path, "parameter.type", fmt.Sprintf("the parameter %q is of type %s, or contains the character NUL, and cannot stand in SQL", p.Name, p.Type), "use another parameter")
	}
	return literal, ok
}

// sqlList writes the items of a list, which stands in parentheses of its own, as behind in.
func (b *binder) sqlList(s string, i int, token string, p expr.Param, list []any, path string) (string, bool) {
	before, after := strings.TrimRight(s[:i], " \t\r\n"), strings.TrimLeft(s[i+len(token):], " \t\r\n")
	switch {
	case !strings.HasSuffix(before, "(") || !strings.HasPrefix(after, ")"):
		b.problem(path, "parameter.list", fmt.Sprintf("the parameter %q is a list and stands in parentheses of its own", p.Name), "write for example status in ("+token+")")
		return "", false
	case len(list) == 0:
		b.problem(path, "parameter.list", fmt.Sprintf("the parameter %q is an empty list, which SQL has no form for", p.Name), "give it at least one item")
		return "", false
	}
	literals := make([]string, len(list))
	for k, v := range list {
		var ok bool
		if literals[k], ok = sqlLiteral(expr.Param{Name: p.Name, Type: *p.Type.Elem, Value: v, HasValue: true}); !ok {
			b.problem(path, "parameter.type", fmt.Sprintf("the parameter %q is of type %s, or contains the character NUL, and cannot stand in SQL", p.Name, p.Type), "use another parameter")
			return "", false
		}
	}
	return strings.Join(literals, ", "), true
}

// part reports whether the byte at i would make one word with what stands beside it.
func part(s string, i int) bool {
	return i >= 0 && i < len(s) && (s[i] == '_' || s[i] == '.' || s[i] == '$' || s[i] == '"' || s[i] == '\'' || s[i] >= 0x80 ||
		s[i] >= '0' && s[i] <= '9' || s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z')
}

// sqlTypes are the types in standard SQL of values that are written as texts.
var sqlTypes = map[flows.Kind]string{flows.Date: "date", flows.Time: "time", flows.Timestamp: "timestamp", flows.TimestampTZ: "timestamp with time zone",
	flows.UUID: "uuid", flows.JSON: "json", flows.Double: "double precision"}

// sqlLiteral writes a value as a literal of standard SQL, in which a backslash is no escape.
func sqlLiteral(p expr.Param) (string, bool) {
	if p.Value == nil {
		return "NULL", true
	}
	text, ok := plainText(p)
	if !ok || strings.ContainsRune(text, 0) {
		return "", false
	}
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	switch {
	case p.Type.Kind == flows.Text:
		return quoted, true
	case p.Type.Kind == flows.Boolean:
		return strings.ToUpper(text), true
	case sqlTypes[p.Type.Kind] != "":
		return "CAST(" + quoted + " AS " + sqlTypes[p.Type.Kind] + ")", true
	}
	return "(" + text + ")", p.Type.IsNumeric()
}
