package duckdb

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/node"
	"spark/flows/plan"
)

// parquet is a file set that DuckDB reads by itself. The folder resolves and checks every path first; DuckDB opens
// them again under its own list of allowed folders.
type parquet struct {
	paths []string          // absolute
	names map[string]string // by absolute path: as the flow names the file
}

func openParquet(files node.Files, format, pattern string) (*parquet, error) {
	if format != "parquet" {
		return nil, fmt.Errorf("format %s is not read natively", format)
	}
	infos, err := files.Glob(pattern)
	if err != nil {
		return nil, err
	}
	p := &parquet{names: map[string]string{}}
	for _, f := range infos {
		local, err := files.Local(f.Path)
		if err != nil {
			return nil, err
		}
		if err := checkParquet(local, f.Path); err != nil {
			return nil, err
		}
		p.paths = append(p.paths, local)
		p.names[local] = f.Path
	}
	return p, nil
}

// from is the FROM item. origin adds the file's path as a column.
func (p *parquet) from(origin bool) string {
	options := ", hive_partitioning = false, union_by_name = false"
	if origin {
		options += ", filename = " + quoteText(node.OriginFile)
	}
	return "read_parquet([" + quoteTexts(p.paths) + "]" + options + ")"
}

func quoteTexts(texts []string) string {
	q := make([]string, len(texts))
	for i, s := range texts {
		q[i] = quoteText(s)
	}
	return strings.Join(q, ", ")
}

// parquetFile is a file that stands for all of its schema.
type parquetFile struct {
	name    string
	columns []parquetColumn
}

// parquetColumn is a column with DuckDB's name of its type.
type parquetColumn struct{ name, sql string }

// fine reports whether its values may be finer than a timestamp.
func (c parquetColumn) fine() bool { return c.sql == "TIMESTAMP_NS" }

func (c parquetColumn) typ() (flows.Type, error) {
	if c.fine() { // every value is checked
		return flows.Of(flows.Timestamp), nil
	}
	return typeOfSQL(c.sql)
}

func (f *parquetFile) find(name string) (parquetColumn, bool) {
	i := slices.IndexFunc(f.columns, func(c parquetColumn) bool { return strings.EqualFold(c.name, name) })
	if i < 0 {
		return parquetColumn{}, false
	}
	return f.columns[i], true
}

// schemas returns one file of each schema in the set, the first file first.
func (p *parquet) schemas(c *capi.Conn) ([]*parquetFile, error) {
	rows, err := c.QueryText(`SELECT min(file) FROM (SELECT file_name AS file, list(struct_pack(n := CASE WHEN column_id > 0 THEN name END, c := num_children,
		t := duckdb_type, g := CASE WHEN duckdb_type IS NULL THEN converted_type END) ORDER BY column_id) AS fields
		FROM parquet_schema([` + quoteTexts(p.paths) + `]) GROUP BY file_name) GROUP BY fields`)
	if err != nil {
		return nil, fileError(err, p.names[p.paths[0]])
	}
	different := []string{p.paths[0]}
	for _, r := range rows {
		if *r[0] != p.paths[0] && len(rows) > 1 {
			different = append(different, *r[0])
		}
	}
	slices.Sort(different[1:])
	files := make([]*parquetFile, len(different))
	for i, path := range different {
		columns, err := c.QueryText("DESCRIBE SELECT * FROM " + (&parquet{paths: []string{path}}).from(false))
		if err != nil {
			return nil, fileError(err, p.names[path])
		}
		files[i] = &parquetFile{name: p.names[path]}
		for _, col := range columns {
			files[i].columns = append(files[i].columns, parquetColumn{*col[0], *col[1]})
		}
	}
	return files, nil
}

// describe is the schema of the set, which all its files must have.
func (p *parquet) describe(c *capi.Conn) (flows.Schema, error) {
	files, err := p.schemas(c)
	if err != nil {
		return nil, err
	}
	var schema flows.Schema
	for _, col := range files[0].columns {
		t, err := col.typ()
		if err != nil {
			return nil, flows.AsError(err).At(flows.Path{File: files[0].name, Column: col.name})
		}
		schema = append(schema, flows.Field{Name: col.name, Type: t})
	}
	for _, f := range files[1:] {
		for _, col := range f.columns {
			if _, ok := files[0].find(col.name); !ok {
				return nil, &flows.Error{Code: "parquet.schema", Path: flows.Path{File: f.name, Column: col.name},
					Message: fmt.Sprintf("the file has a field that %s does not have", files[0].name), Suggestion: "list the fields that are to be read, or read the files apart"}
			}
		}
		if err := f.check(schema); err != nil {
			return nil, err
		}
	}
	return schema, nil
}

// check compares the fields that are to be read with what the file has: nothing is converted that could change.
func (f *parquetFile) check(schema flows.Schema) error {
	for _, want := range schema {
		at := flows.Path{File: f.name, Column: want.Name}
		col, ok := f.find(want.Name)
		if !ok {
			return &flows.Error{Code: "parquet.schema", Path: at, Message: "the file does not have this field", Suggestion: "leave it out, or read the files that have it apart from the others"}
		}
		has, err := col.typ()
		if err != nil {
			return flows.AsError(err).At(at)
		}
		if !widens(has, want.Type) {
			return &flows.Error{Code: "parquet.type", Path: at, Params: flows.Params{"found": has.String(), "expected": want.Type.String()},
				Message: fmt.Sprintf("the field is of type %s in the file and not %s", has, want.Type), Suggestion: "read it as what it is and convert it with Convert Types"}
		}
	}
	return nil
}

// widens reports whether every value of one type is a value of the other.
func widens(from, to flows.Type) bool {
	switch {
	case from.IsInteger() && to.IsInteger():
		return from.Kind <= to.Kind
	case from.Kind == flows.Decimal && to.Kind == flows.Decimal:
		return from.Scale <= to.Scale && from.Precision-from.Scale <= to.Precision-to.Scale
	}
	return from.Equal(to)
}

// readNative reads files that DuckDB opens by itself.
func (b *builder) readNative(st *plan.Step, src node.NativeSource, id int) (string, error) {
	format, path, _ := src.Native()
	set, err := openParquet(b.run.env.Files, format, path)
	if err != nil {
		return "", err
	}
	files, err := set.schemas(b.run.conn)
	if err != nil {
		return "", err
	}
	nanoseconds, numbered := map[string]bool{}, true
	for _, f := range files {
		if err := f.check(st.Schema); err != nil {
			return "", err
		}
		for _, c := range f.columns {
			nanoseconds[strings.ToLower(c.name)] = nanoseconds[strings.ToLower(c.name)] || c.fine()
		}
		if _, taken := f.find("file_row_number"); taken {
			numbered = false // a field of the file hides DuckDB's number of the record
		}
	}
	cols := make([]string, len(st.Needed))
	for i, n := range st.Needed {
		f, _ := st.Schema.Find(n)
		cols[i] = fmt.Sprintf("CAST(%s AS %s) AS %[1]s", quoteName(n), SQLType(f.Type))
		if nanoseconds[strings.ToLower(n)] {
			cols[i] = fmt.Sprintf("CASE WHEN epoch_ns(%s) %% 1000 <> 0 THEN error(%s) ELSE CAST(%[1]s AS TIMESTAMP) END AS %[1]s", quoteName(n), quoteText(errNanoseconds))
		}
	}
	if st.Origin {
		number := "file_row_number + 1"
		if !numbered {
			number = "CAST(NULL AS BIGINT)"
		}
		cols = append(cols, quoteName(node.OriginFile), number+" AS "+quoteName(node.OriginRecord))
		maps.Copy(b.run.files, set.names)
	}
	limit := ""
	if read, ok := st.Op.(node.Read); ok && read.Limit > 0 {
		limit = fmt.Sprintf(" LIMIT %d", read.Limit)
	}
	return fmt.Sprintf("SELECT * FROM (SELECT %s FROM %s%s) WHERE tap(%d)", strings.Join(cols, ", "), set.from(st.Origin), limit, id), nil
}

// errNanoseconds is how a statement says that a time is finer than a timestamp holds.
const errNanoseconds = "spark: a time is finer than a microsecond"

// checkParquet refuses what is not a whole Parquet file: it begins and ends with PAR1.
func checkParquet(local, path string) error {
	f, err := os.Open(local)
	if err != nil {
		return &flows.Error{Code: "file.open", Path: flows.Path{File: path}, Message: "the file cannot be opened: " + err.Error(), Cause: err}
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return &flows.Error{Code: "file.open", Path: flows.Path{File: path}, Message: "the file cannot be read: " + err.Error(), Cause: err}
	}
	var head, tail [4]byte
	_, err1 := f.ReadAt(head[:], 0)
	_, err2 := f.ReadAt(tail[:], max(0, st.Size()-4))
	switch {
	case err1 != nil || string(head[:]) != "PAR1":
		return &flows.Error{Code: "parquet.not", Path: flows.Path{File: path}, Message: "this is not a Parquet file", Suggestion: "choose the format that it has"}
	case err2 == nil && string(tail[:]) == "PARE":
		return &flows.Error{Code: "parquet.encrypted", Path: flows.Path{File: path}, Message: "the Parquet file is encrypted", Suggestion: "write it without encryption"}
	case err2 != nil || string(tail[:]) != "PAR1":
		return &flows.Error{Code: "parquet.truncated", Path: flows.Path{File: path}, Message: "the Parquet file ends in the middle", Suggestion: "get a complete copy of it"}
	}
	return nil
}
