package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"spark/flows"
)

// column is a column of a table or query.
type column struct {
	name      string
	base      string // type without its length and sign: int, varchar, datetime, …
	sqlType   string // as the server writes it: int(10) unsigned
	length    int    // declared: digits of a decimal, characters of a text, bits, digits of a fraction of a second
	scale     int    // of a decimal
	unsigned  bool
	boolean   bool // tinyint(1), or bit(1)
	json      bool // a text that is checked to be JSON
	charset   string
	collation string
	notNull   bool
	fallback  bool // has a default or counts by itself
	counts    bool // AUTO_INCREMENT
	generated bool // cannot be written
	key       bool // of the primary key
}

// fieldType is the type of the field that a column is read as; false: it is not read.
func (c column) fieldType() (flows.Type, bool) {
	switch c.base {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		if c.boolean {
			return flows.Of(flows.Boolean), true
		}
		return c.integer(), true
	case "year":
		return flows.Of(flows.Int16), true
	case "bit":
		switch {
		case c.boolean:
			return flows.Of(flows.Boolean), true
		case c.length == 64:
			return flows.DecimalOf(20, 0), true
		}
		return flows.Of(flows.Int64), true
	case "decimal":
		return flows.DecimalOf(min(max(c.length, 1), flows.MaxPrecision), min(c.scale, flows.MaxPrecision)), true
	case "float", "double":
		return flows.Of(flows.Double), true
	case "date":
		return flows.Of(flows.Date), true
	case "time":
		return flows.Of(flows.Time), true
	case "datetime":
		return flows.Of(flows.Timestamp), true
	case "timestamp":
		return flows.Of(flows.TimestampTZ), true
	case "json":
		return flows.Of(flows.JSON), true
	case "uuid":
		return flows.Of(flows.UUID), true
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "inet4", "inet6", "null":
		if c.json {
			return flows.Of(flows.JSON), true
		}
		return flows.Of(flows.Text), true
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return flows.Of(flows.Bytes), true
	}
	return flows.Type{}, false
}

// integer is the smallest type that holds the column's numbers.
func (c column) integer() flows.Type {
	signed := map[string]flows.Kind{"tinyint": flows.Int8, "smallint": flows.Int16, "mediumint": flows.Int32, "int": flows.Int32, "bigint": flows.Int64}
	larger := map[string]flows.Kind{"tinyint": flows.Int16, "smallint": flows.Int32, "mediumint": flows.Int32, "int": flows.Int64}
	switch {
	case !c.unsigned:
		return flows.Of(signed[c.base])
	case c.base == "bigint":
		return flows.DecimalOf(20, 0)
	}
	return flows.Of(larger[c.base])
}

// readable reports whether a field of a type may be read from the column: its own type, a text, and for what has two
// meanings the other one.
func (c column) readable(t flows.Type) bool {
	own, ok := c.fieldType()
	switch {
	case !ok:
		return false
	case t.Equal(own), t.Kind == flows.Text && c.base != "bit":
		return true
	case c.boolean && c.base == "tinyint":
		return t.Equal(c.integer())
	case c.base == "tinyint" && !c.unsigned:
		return t.Kind == flows.Boolean
	case c.base == "time":
		return t.Kind == flows.Interval
	case c.base == "longtext": // JSON of MariaDB, in a query
		return t.Kind == flows.JSON
	case c.base == "bigint" || c.base == "int": // a comparison in a query
		return t.Kind == flows.Boolean
	}
	return false
}

var typeForm = regexp.MustCompile(`^([a-z0-9]+)(?:\((\d+)(?:,(\d+))?\))?(.*)$`)

// ofType reads a type as information_schema writes it, such as decimal(10,2) unsigned.
func (c *column) ofType(written string) {
	c.sqlType = written
	m := typeForm.FindStringSubmatch(strings.ToLower(written))
	if m == nil {
		return
	}
	c.base = m[1]
	c.length, _ = strconv.Atoi(m[2])
	c.scale, _ = strconv.Atoi(m[3])
	c.unsigned = strings.Contains(m[4], "unsigned") && c.base != "enum" && c.base != "set"
	c.boolean = (c.base == "tinyint" || c.base == "bit") && c.length == 1
	switch c.base { // old names
	case "integer":
		c.base = "int"
	case "numeric", "dec", "fixed":
		c.base = "decimal"
	case "real":
		c.base = "double"
	}
}

// quote writes a name as SQL.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func quoted(prefix string, names []string) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = prefix + quote(n)
	}
	return strings.Join(all, ", ")
}

// table is a table's name, read from what a builder wrote.
type table struct{ database, name string }

// parseTable reads orders, shop.orders or `odd.shop`.`orders`; double quotes do as well.
func parseTable(s string) (table, error) {
	var parts []string
	for rest := strings.TrimSpace(s); ; {
		var part string
		if rest != "" && (rest[0] == '`' || rest[0] == '"') {
			var ok bool
			if part, rest, ok = quotedPart(rest); !ok {
				return table{}, tableError(s, "a quote is not closed")
			}
		} else {
			end := strings.IndexByte(rest, '.')
			if end < 0 {
				end = len(rest)
			}
			part, rest = strings.TrimSpace(rest[:end]), rest[end:]
			if strings.ContainsAny(part, " `\"'();,") {
				return table{}, tableError(s, "a name with other characters than letters, digits, $ and _ has to stand in quotes")
			}
		}
		if part == "" || strings.ContainsRune(part, 0) || len([]rune(part)) > 64 {
			return table{}, tableError(s, "each part of the name has 1 to 64 characters")
		}
		if strings.ContainsFunc(part, func(r rune) bool { return r > 0xFFFF }) {
			return table{}, tableError(s, "MySQL's names hold no characters beyond U+FFFF, such as emojis")
		}
		parts = append(parts, part)
		if rest == "" {
			break
		}
		if rest[0] != '.' {
			return table{}, tableError(s, "a point is missing between the parts of the name")
		}
		rest = rest[1:]
	}
	switch len(parts) {
	case 1:
		return table{name: parts[0]}, nil
	case 2:
		return table{database: parts[0], name: parts[1]}, nil
	}
	return table{}, tableError(s, "a table's name has a database and a name, not more")
}

// quotedPart reads a name in quotes, which are doubled inside of it.
func quotedPart(s string) (part, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] == s[0] {
			if i+1 >= len(s) || s[i+1] != s[0] {
				return b.String(), s[i+1:], true
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

func tableError(s, why string) error {
	return &flows.Error{Code: "database.table_name", Path: flows.Path{Field: "table"}, Params: flows.Params{"table": s},
		Message: fmt.Sprintf("%q is no name of a table: %s", s, why), Suggestion: "write it as table or database.table, odd names in `backticks`"}
}

// in is the table with its database; that of the connection where the name has none.
func (t table) in(s *Settings) table {
	if t.database == "" {
		t.database = s.Database
	}
	return t
}

// sql is the table's name in a statement.
func (t table) sql() string { return quote(t.database) + "." + quote(t.name) }

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*$`)

// written is the table's name as a builder writes it; see parseTable.
func (t table) written() string {
	part := func(s string) string {
		if plainName.MatchString(s) {
			return s
		}
		return quote(s)
	}
	return part(t.database) + "." + part(t.name)
}

// columns lists the columns of a table; none where it does not exist.
func (t table) columns(ctx context.Context, s *session) ([]column, error) {
	cols, err := list(ctx, s, "SELECT COLUMN_NAME, COLUMN_TYPE, COALESCE(CHARACTER_SET_NAME, ''), COALESCE(COLLATION_NAME, ''), COALESCE(CHARACTER_MAXIMUM_LENGTH, 0), COALESCE(DATETIME_PRECISION, 0), IS_NULLABLE = 'NO', "+
		"COALESCE(COLUMN_DEFAULT, 'NULL') <> 'NULL' OR EXTRA LIKE '%auto_increment%', EXTRA LIKE '%auto_increment%', EXTRA LIKE '%GENERATED%' AND EXTRA NOT LIKE '%DEFAULT_GENERATED%', COLUMN_KEY = 'PRI' "+
		"FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = "+text(t.database)+" AND TABLE_NAME = "+text(t.name)+" ORDER BY ORDINAL_POSITION", func(r *sql.Rows) (column, error) {
		var c column
		var written string
		var characters, fraction int64
		err := r.Scan(&c.name, &written, &c.charset, &c.collation, &characters, &fraction, &c.notNull, &c.fallback, &c.counts, &c.generated, &c.key)
		c.ofType(written)
		switch c.base {
		case "time", "datetime", "timestamp":
			c.length = int(fraction)
		}
		return c, err
	})
	if err != nil || len(cols) == 0 {
		return cols, err
	}
	checked, err := t.checkedJSON(ctx, s)
	for i, c := range cols {
		cols[i].json = c.base == "longtext" && checked[c.name]
	}
	return cols, err
}

var jsonCheck = regexp.MustCompile("(?i)^\\(?json_valid\\(`((?:[^`]|``)+)`\\)\\)?$")

// checkedJSON are the columns that a constraint lets hold JSON only: MariaDB's type json is one of text, so checked.
func (t table) checkedJSON(ctx context.Context, s *session) (map[string]bool, error) {
	from := "SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = " + text(t.database) + " AND TABLE_NAME = " + text(t.name)
	switch {
	case !s.maria && !s.since(8, 0, 16):
		return nil, nil
	case !s.maria:
		from = "SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS c JOIN information_schema.TABLE_CONSTRAINTS t USING (CONSTRAINT_SCHEMA, CONSTRAINT_NAME) WHERE t.TABLE_SCHEMA = " + text(t.database) + " AND t.TABLE_NAME = " + text(t.name)
	}
	clauses, err := list(ctx, s, from, func(r *sql.Rows) (clause string, err error) { return clause, r.Scan(&clause) })
	found := map[string]bool{}
	for _, c := range clauses {
		if m := jsonCheck.FindStringSubmatch(c); m != nil {
			found[strings.ReplaceAll(m[1], "``", "`")] = true
		}
	}
	return found, err
}
