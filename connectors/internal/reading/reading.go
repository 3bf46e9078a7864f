package reading

import (
	"context"
	"errors"
	"sync/atomic"

	"spark/connectors/internal/batch"
	"spark/connectors/internal/scan"
	"spark/flows"
	"spark/flows/node"
)

// File is a file being read.
type File struct {
	Path  string
	Lines int64 // before the first record
	Meta  any   // what the format knows of it
	// Header is the line of names, as it stands in the file; "" where there is none.
	Header string
}

// Job is a block of one file.
type Job struct {
	File  *File
	Block scan.Block
}

// Result is what a worker made of a block. Positions of rejects, of the error and of OutRecord columns count from the
// block's start.
type Result struct {
	File    *File
	Columns []*batch.Column
	Rows    int
	Records int64 // accepted and refused
	Lines   int64
	Rejects []node.Reject
	Err     error // ends the reading after Columns and Rejects
}

func (r *Result) release() {
	for _, c := range r.Columns {
		c.Release()
	}
}

// Reading is one pass over the files of a scan.
type Reading struct {
	*Plan
	Scan     node.FileScan
	Request  *node.Reading
	Encoding string
	// Start reads what stands before the records and returns the first block of them.
	Start func(path string, b *scan.Blocks) (*File, scan.Block, error)
	// Boundary finds record ends; every file gets its own.
	Boundary func() scan.Boundary
	// NewWorker returns what turns a block into a result, and what ends the worker. free takes the block's memory back.
	NewWorker func(free func([]byte)) (do func(Job) *Result, end func())

	BlockSize, RecordLimit int // 0 means the usual

	files   []node.FileInfo
	buffers *scan.Buffers
	done    atomic.Int64
	total   int64
	stats   node.ReadStats

	// of the emitter: what came before in the current file
	current        *File
	records, lines int64
}

// Run delivers the records of all files in the order of their paths.
func (rd *Reading) Run(ctx context.Context) (node.ReadStats, error) {
	err := rd.run(ctx)
	stats := rd.stats
	stats.Bytes = rd.done.Load()
	if errors.Is(err, node.ErrEnough) {
		return stats, nil
	}
	if err == nil {
		err = rd.unchanged()
	}
	stats.Complete = err == nil
	return stats, err
}

func (rd *Reading) run(ctx context.Context) (err error) {
	if rd.files, err = rd.Request.Files.Glob(rd.Scan.Path); err != nil {
		return err
	}
	for _, f := range rd.files {
		rd.total += f.Size
	}
	rd.buffers = scan.NewBuffers(3*max(1, rd.Request.Threads) + 3)
	return scan.Ordered[Job, *Result]{
		Workers:   rd.Request.Threads,
		Produce:   rd.produce,
		NewWorker: func() (func(Job) *Result, func()) { return rd.NewWorker(rd.buffers.Put) },
		Consume:   rd.emit,
		Drop: func(res *Result) {
			if res != nil {
				res.release()
			}
		},
	}.Run(ctx)
}

// produce cuts the files into blocks.
func (rd *Reading) produce(ctx context.Context, put func(Job) error) error {
	for _, info := range rd.files {
		if err := rd.produceFile(ctx, info, put); err != nil {
			return err
		}
	}
	return nil
}

func (rd *Reading) produceFile(ctx context.Context, info node.FileInfo, put func(Job) error) error {
	raw, err := rd.Request.Files.Open(info.Path)
	if err != nil {
		return err
	}
	if raw.Size() != info.Size {
		_ = raw.Close()
		return scan.Changed(info.Path)
	}
	stream, err := scan.Open(ctx, raw, info.Path, rd.Encoding, &rd.done)
	if err != nil {
		return err
	}
	defer stream.Close()
	blocks := &scan.Blocks{R: stream, Size: rd.BlockSize, Limit: rd.RecordLimit, Boundary: rd.Boundary(), Buffers: rd.buffers}
	f, block, err := rd.Start(info.Path, blocks)
	if err != nil {
		return err
	}
	for {
		last := block.End()
		if err := put(Job{File: f, Block: block}); err != nil || last {
			return err
		}
		block = blocks.Next()
	}
}

// emit hands a result on, now that it is known what came before it.
func (rd *Reading) emit(res *Result) error {
	if res.File != rd.current {
		rd.current, rd.records, rd.lines = res.File, 0, res.File.Lines
	}
	defer res.release()
	for _, x := range res.Rejects {
		x.Line += rd.lines
		x.Record += rd.records
		rd.stats.Rejected++
		if err := rd.Request.Reject(x); err != nil {
			return err
		}
	}
	if res.Rows > 0 {
		rd.number(res)
		rec := batch.Record(rd.Schema, res.Columns, res.Rows)
		rd.stats.Records += int64(res.Rows)
		if err := rd.Request.Emit(node.Batch{Records: rec}); err != nil {
			return err
		}
	}
	if rd.Request.Progress != nil {
		rd.Request.Progress(rd.done.Load(), rd.total)
	}
	if res.Err != nil {
		return rd.place(res.Err)
	}
	rd.records += res.Records
	rd.lines += res.Lines
	return nil
}

// number makes the record numbers of a result count from the start of the file.
func (rd *Reading) number(res *Result) {
	for i, o := range rd.Outs {
		if o.What != OutRecord || rd.records == 0 {
			continue
		}
		vs := batch.Values[int64](res.Columns[i])[:res.Rows]
		for k := range vs {
			vs[k] += rd.records
		}
	}
}

// place makes the position of an error count from the start of the file.
func (rd *Reading) place(err error) error {
	e, ok := err.(*flows.Error)
	if !ok || e.Path.File != "" { // has its place already
		return err
	}
	c := *e
	c.Path.File = rd.current.Path
	c.Path.Line += rd.lines
	if c.Path.Record > 0 {
		c.Path.Record += rd.records
	}
	return &c
}

// Limit is the longest record.
func (rd *Reading) Limit() int {
	if rd.RecordLimit > 0 {
		return rd.RecordLimit
	}
	return scan.RecordLimit
}

// Tail is the error for a block that ends within a record, at the first line of that record; nil where the file just
// ends there.
func (rd *Reading) Tail(b *scan.Block, code string, line, record int64) error {
	if b.TooLong {
		return scan.TooLong(code, flows.Path{Line: line, Record: record}, rd.Limit())
	}
	if e, ok := b.Err.(*flows.Error); ok && e.Path.Line == 0 {
		c := *e
		c.Path = flows.Path{Line: line} // the reading broke off here
		return &c
	}
	return b.Err
}

// unchanged compares the files with what they were when the reading began.
func (rd *Reading) unchanged() error {
	now, err := rd.Request.Files.Glob(rd.Scan.Path)
	if e, ok := errors.AsType[*flows.Error](err); err != nil && (!ok || e.Code != "file.not_found") { // then it was deleted meanwhile
		return err
	}
	is := make(map[string]node.FileInfo, len(now))
	for _, f := range now {
		is[f.Path] = f
	}
	for _, was := range rd.files {
		if f, ok := is[was.Path]; !ok || f.Size != was.Size || !f.ModTime.Equal(was.ModTime) {
			return scan.Changed(was.Path)
		}
	}
	return nil
}
