package duckdb

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"spark/flows/node"
	"spark/flows/plan"
)

// spool keeps the rejects of one node whose rejects port is connected, until the stage that reads them.
type spool struct {
	file *os.File
	w    *bufio.Writer
	n    atomic.Int64
}

func newSpool(temp, id string) (*spool, error) {
	f, err := os.CreateTemp(temp, "rejects-"+filepath.Base(id)+"-")
	if err != nil {
		return nil, fmt.Errorf("reject spool: %w", err)
	}
	return &spool{file: f, w: bufio.NewWriter(f)}, nil
}

func (s *spool) add(r node.Reject) error {
	b, err := json.Marshal(r)
	if err == nil {
		_, err = s.w.Write(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("reject spool: %w", err)
	}
	s.n.Add(1)
	return nil
}

func (s *spool) close() { s.file.Close() }

// feedRejects loads a spool as the relation that leaves the rejects port.
func (r *run) feedRejects(ctx context.Context, ref plan.Ref) error {
	if r.names[ref] != "" {
		return nil
	}
	r.mu.Lock()
	sp := r.spools[ref.Node]
	err := sp.w.Flush()
	r.mu.Unlock()
	if err != nil {
		return fmt.Errorf("reject spool: %w", err)
	}
	fields := make([]arrow.Field, len(node.RejectSchema))
	for i, f := range node.RejectSchema {
		fields[i] = arrow.Field{Name: f.Name, Type: node.ArrowType(f.Type), Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	f := &feed{ref: ref}
	r.names[ref] = "rejects_" + fmt.Sprint(len(r.names))
	view := r.names[ref] + "_src"
	err = r.start(ctx, r.conn, f, view, schema, func(ctx context.Context) (node.ReadStats, error) { return sp.read(schema, f.emit(ctx)) })
	if err != nil {
		return err
	}
	defer f.stop()
	// A kept relation may be read several times and in part, a stream only once and as a whole.
	names := quoteNames(node.RejectSchema.Names())
	_, err = execute(ctx, r.conn, fmt.Sprintf("CREATE TABLE %s AS SELECT %s FROM %s WHERE tap(%d, %s)", r.names[ref], names, view, r.spareTap, names))
	return err
}

const spoolBatch = 10_000

func (s *spool) read(schema *arrow.Schema, emit func(node.Batch) error) (stats node.ReadStats, err error) {
	rd := io.NewSectionReader(s.file, 0, 1<<62)
	dec := json.NewDecoder(bufio.NewReaderSize(rd, 1<<16))
	b := array.NewRecordBuilder(mallocator.NewMallocator(), schema)
	defer b.Release()
	for {
		var r node.Reject
		switch err := dec.Decode(&r); {
		case errors.Is(err, io.EOF):
			stats.Complete = true
			return stats, emit(node.Batch{Records: b.NewRecordBatch()})
		case err != nil:
			return stats, fmt.Errorf("reject spool: %w", err)
		}
		raw := r.Raw
		if r.RawBytes != nil {
			raw = strings.ToValidUTF8(string(r.RawBytes), "\uFFFD")
		}
		for i, v := range []string{r.Node, r.Code, r.Reason, r.Field, r.File} {
			appendText(b.Field(i), v)
		}
		appendInt(b.Field(5), r.Line)
		appendInt(b.Field(6), r.Record)
		appendText(b.Field(7), raw)
		if stats.Records++; stats.Records%spoolBatch == 0 {
			if err := emit(node.Batch{Records: b.NewRecordBatch()}); err != nil {
				return stats, err
			}
		}
	}
}

func appendText(b array.Builder, s string) {
	if s == "" {
		b.AppendNull()
		return
	}
	b.(*array.StringBuilder).Append(s)
}

func appendInt(b array.Builder, n int64) {
	if n == 0 {
		b.AppendNull()
		return
	}
	b.(*array.Int64Builder).Append(n)
}

// rejectPorts opens a spool for every node whose rejects somebody reads.
func (r *run) rejectPorts() error {
	for _, s := range r.plan.Stages {
		for _, in := range s.Reads {
			if in.Port == node.Rejects && r.spools[in.Node] == nil {
				sp, err := newSpool(r.env.Temp, in.Node)
				if err != nil {
					return err
				}
				r.spools[in.Node] = sp
			}
		}
	}
	return nil
}
