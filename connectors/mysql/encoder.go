package mysql

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/flows"
)

// encoder writes records as the lines of LOAD DATA, values between tabulators, or as the rows of VALUES.
type encoder struct {
	columns []*encoding
	ordinal bool // a last column with the number of the record
	rows    bool // VALUES in place of lines
	n       int64
	scratch []byte
}

// batch appends the records of a batch, given as the arrays of the columns, and calls full after each with where it began.
func (e *encoder) batch(buf []byte, arrays []arrow.Array, full func(buf []byte, began int) ([]byte, error)) ([]byte, error) {
	values := make([]appender, len(e.columns))
	for i, c := range e.columns {
		v, err := c.bind(arrays[i])
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	for row := range arrays[0].Len() {
		e.n++
		began := len(buf)
		var err error
		var at int
		if buf, at, err = e.record(buf, arrays, values, row); err != nil {
			return nil, flows.AsError(err).At(flows.Path{Record: e.n, Column: e.columns[at].field.Name})
		}
		if buf, err = full(buf, began); err != nil {
			return nil, err
		}
	}
	return buf, nil
}

// record appends one record; on an error, at is the column.
func (e *encoder) record(buf []byte, arrays []arrow.Array, values []appender, row int) (_ []byte, at int, err error) {
	if e.rows {
		buf = append(buf, '(')
	}
	for i, value := range values {
		if i > 0 {
			buf = e.between(buf)
		}
		if arrays[i].IsNull(row) {
			if e.columns[i].column.notNull {
				return nil, i, nullError(e.columns[i].column)
			}
			if e.rows {
				buf = append(buf, "NULL"...)
			} else {
				buf = append(buf, `\N`...)
			}
			continue
		}
		if buf, err = e.value(buf, e.columns[i], value, row); err != nil {
			return nil, i, err
		}
	}
	if e.ordinal {
		buf = strconv.AppendInt(e.between(buf), e.n, 10)
	}
	if e.rows {
		return append(buf, ')'), 0, nil
	}
	return append(buf, '\n'), 0, nil
}

func (e *encoder) between(buf []byte) []byte {
	if e.rows {
		return append(buf, ',')
	}
	return append(buf, '\t')
}

// value appends a value with what its form needs around it.
func (e *encoder) value(buf []byte, c *encoding, value appender, row int) (_ []byte, err error) {
	switch {
	case c.form == words:
		if e.scratch, err = value(e.scratch[:0], row); err != nil {
			return nil, err
		}
		if e.rows {
			return append(quotedText(append(buf, '\''), e.scratch), '\''), nil
		}
		return escaped(buf, e.scratch), nil
	case !e.rows || c.form == number || c.form == bits:
		return value(buf, row)
	case c.form == octets:
		buf = append(buf, "X'"...)
	default:
		buf = append(buf, '\'')
	}
	if buf, err = value(buf, row); err != nil {
		return nil, err
	}
	return append(buf, '\''), nil
}

// escaped writes a text as LOAD DATA reads it.
func escaped(buf, s []byte) []byte {
	for {
		i := bytes.IndexAny(s, "\t\n\\\x00")
		if i < 0 {
			return append(buf, s...)
		}
		buf = append(append(buf, s[:i]...), '\\')
		switch s[i] {
		case '\t':
			buf = append(buf, 't')
		case '\n':
			buf = append(buf, 'n')
		case 0:
			buf = append(buf, '0')
		default:
			buf = append(buf, '\\')
		}
		s = s[i+1:]
	}
}

// quotedText writes a text inside quotes; a backslash is no escape, see sqlMode.
func quotedText(buf, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\'')
		if i < 0 {
			return append(buf, s...)
		}
		buf = append(append(buf, s[:i+1]...), '\'')
		s = s[i+1:]
	}
}

func nullError(c column) error {
	return &flows.Error{Code: "database.constraint", Message: fmt.Sprintf("the column %q must not be null", c.name), Suggestion: "nothing was written; filter or correct these records before"}
}

// lines is what reads the lines into a table: columns as they are, or through a variable.
func (e *encoder) lines(reader, into, duplicates string) string {
	names, sets := make([]string, len(e.columns)), []string{}
	for i, c := range e.columns {
		names[i] = quote(c.column.name)
		variable := "@spark_" + strconv.Itoa(i)
		switch c.form {
		case octets:
			sets = append(sets, names[i]+" = UNHEX("+variable+")")
			names[i] = variable
		case bits:
			sets = append(sets, names[i]+" = CAST("+variable+" AS UNSIGNED)")
			names[i] = variable
		}
	}
	if e.ordinal {
		names = append(names, ordinal)
	}
	sql := "LOAD DATA LOCAL INFILE 'Reader::" + reader + "' " + duplicates + "INTO TABLE " + into + ` CHARACTER SET utf8mb4 FIELDS TERMINATED BY X'09' ESCAPED BY X'5C' LINES TERMINATED BY X'0A' (` + strings.Join(names, ", ") + ")"
	if len(sets) > 0 {
		sql += " SET " + strings.Join(sets, ", ")
	}
	return sql
}

// head begins a statement of many records.
func (e *encoder) head(into string, replace bool) string {
	names := make([]string, len(e.columns))
	for i, c := range e.columns {
		names[i] = quote(c.column.name)
	}
	if e.ordinal {
		names = append(names, ordinal)
	}
	verb := "INSERT"
	if replace {
		verb = "REPLACE"
	}
	return verb + " INTO " + into + " (" + strings.Join(names, ", ") + ") VALUES "
}
