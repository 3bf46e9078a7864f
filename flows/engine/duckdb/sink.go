package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// fileSink is a file being written: DuckDB fills a temporary file beside the target, which gets the target's name at the
// commit.
type fileSink struct {
	node *plan.Node
	spec node.FileSink
	file node.PendingFile
}

// openFile creates the temporary file.
func (r *run) openFile(n *plan.Node, spec node.FileSink) (*fileSink, error) {
	if spec.IfExists == "fail" {
		if _, err := r.env.Files.Local(spec.Path); err == nil {
			return nil, &flows.Error{Code: "file.exists", Path: flows.Path{Field: "path", File: spec.Path},
				Message: "the file exists already", Suggestion: "choose another path, or replace it by setting what happens to an existing file"}
		}
	}
	f, err := r.env.Files.Create(spec.Path)
	if err != nil {
		return nil, flows.AsError(err).At(flows.Path{Field: "path"})
	}
	return &fileSink{node: n, spec: spec, file: f}, nil
}

// target is where the file will be, however its path was written: the temporary file stands in the resolved folder.
func (s *fileSink) target() string {
	return filepath.Join(filepath.Dir(s.file.TempPath()), path.Base(filepath.ToSlash(s.spec.Path)))
}

var _ node.Sink = (*fileSink)(nil)

func (s *fileSink) at(err error) error {
	if err == nil {
		return nil
	}
	return flows.AsError(err).At(flows.Path{Node: s.node.ID, File: s.spec.Path})
}

func (s *fileSink) Prepare(context.Context) error { return s.at(s.file.Prepare()) }

// Commit needs no token: a file system compares none, so the grant is the whole protection.
func (s *fileSink) Commit(context.Context, node.Token) error { return s.at(s.file.Commit()) }

func (s *fileSink) Abort(context.Context) error { return s.at(s.file.Abort()) }

// copyOptions writes the options of COPY for each format.
var copyOptions = map[string]func(spec node.FileSink) ([]string, error){
	"csv":   csvCopy,
	"jsonl": func(node.FileSink) ([]string, error) { return rawLines(), nil },
	"json": func(node.FileSink) ([]string, error) {
		return append(rawLines(), "PREFIX '[\n'", "SUFFIX '\n]\n'", "NEW_LINE ',\n'"), nil
	},
	"parquet": parquetCopy,
}

// copySQL writes query's records into the temporary file.
func (s *fileSink) copySQL(query string, schema flows.Schema) (string, error) {
	opts, err := copyOptions[s.spec.Format](s.spec)
	if err != nil {
		return "", flows.AsError(err).At(flows.Path{Node: s.node.ID, Field: "options"})
	}
	if s.spec.Format == "csv" && len(schema) == 1 { // an empty text alone on its line would be a blank line
		opts = append(opts, "FORCE_QUOTE ("+quoteName(schema[0].Name)+")")
	}
	if s.spec.Compress != "" && s.spec.Format != "parquet" {
		opts = append(opts, "COMPRESSION "+quoteText(s.spec.Compress))
	}
	opts = append(opts, "OVERWRITE_OR_IGNORE true", "USE_TMP_FILE false")
	return fmt.Sprintf("COPY (%s) TO %s (%s)", query, quoteText(s.file.TempPath()), strings.Join(opts, ", ")), nil
}

// rawLines writes one column of text as it is, a record a line.
func rawLines() []string {
	return []string{"FORMAT csv", "HEADER false", "QUOTE ''", "ESCAPE ''", "DELIMITER '\n'"}
}

// written is the select list of what is written: the fields, or the record as one text.
func written(format string, schema flows.Schema) string {
	switch format {
	case "json", "jsonl":
		return jsonRecord(schema)
	case "csv":
		cols := make([]string, len(schema))
		for i, f := range schema {
			cols[i] = fmt.Sprintf("%s AS %s", csvText(quoteName(f.Name), f.Type), quoteName(f.Name))
		}
		return strings.Join(cols, ", ")
	}
	return quoteNames(schema.Names())
}

// csvOptions mirror the write options of the csv format.
type csvOptions struct {
	Delimiter string `json:"delimiter"`
	Quote     string `json:"quote"`
	Header    *bool  `json:"header"`
	NullValue string `json:"nullValue"`
}

func csvCopy(spec node.FileSink) ([]string, error) {
	o := csvOptions{Delimiter: ",", Quote: `"`}
	if len(spec.Options) > 0 {
		if err := json.Unmarshal(spec.Options, &o); err != nil {
			return nil, fmt.Errorf("options: %w", err)
		}
	}
	header := o.Header == nil || *o.Header
	return []string{"FORMAT csv", fmt.Sprintf("HEADER %t", header), "DELIMITER " + quoteText(o.Delimiter),
		"QUOTE " + quoteText(o.Quote), "ESCAPE " + quoteText(o.Quote), "NULLSTR " + quoteText(o.NullValue)}, nil
}

type parquetOptions struct {
	Compression  string `json:"compression"`
	RowGroupSize int64  `json:"rowGroupSize"`
}

func parquetCopy(spec node.FileSink) ([]string, error) {
	o := parquetOptions{Compression: "snappy"}
	if len(spec.Options) > 0 {
		if err := json.Unmarshal(spec.Options, &o); err != nil {
			return nil, fmt.Errorf("options: %w", err)
		}
	}
	if o.Compression == "none" {
		o.Compression = "uncompressed"
	}
	opts := []string{"FORMAT parquet", "COMPRESSION " + quoteText(o.Compression)}
	if o.RowGroupSize > 0 {
		opts = append(opts, fmt.Sprintf("ROW_GROUP_SIZE %d", o.RowGroupSize))
	}
	return opts, nil
}
