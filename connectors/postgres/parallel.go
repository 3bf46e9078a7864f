package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5"

	"spark/flows"
	"spark/flows/node"
)

// A large table is read in ranges of its pages over several connections that share one exported snapshot. Every record
// that the snapshot sees has one place (ctid) in it, so each is in one range; the last range has no end, as the table may
// have grown since its size was asked for. Ranges are taken in order and delivered in order: the records come as one
// reader would deliver them, and only the ranges under way are held in memory.

const (
	rangeBytes   = 4 << 20 // of the table, what lies outside its pages included
	leastBytes   = 8 << 20 // a smaller table is read by one connection
	autoMost     = 4       // connections, unless a number is set
	partBatches  = 8       // decoded and waiting, per range
	aheadRanges  = 2       // ranges under way, per connection
	tidRangeScan = 14      // the first version of the server that finds a range of pages without reading the others
	place        = node.ReservedPrefix + "place"
)

// part is a range of pages and what was decoded of it.
type part struct {
	first, end int64 // pages; end < 0: all from first on
	items      chan item
	read       int64 // records, refused ones included; valid once items is closed
}

// item is a batch, or a refused record. Their records are numbered from the part's first.
type item struct {
	batch  node.Batch
	reject *node.Reject
}

// partitions cuts the table, where that is worth it and possible. None: one connection reads it.
func (s *snapshot) partitions(ctx context.Context, from node.Select, r *node.Reading) ([]*part, error) {
	version, _, _ := strings.Cut(s.conn.PgConn().ParameterStatus("server_version"), ".")
	if n, err := strconv.Atoi(version); err != nil || n < tidRangeScan || from.Query != "" || from.Incremental != nil {
		return nil, nil
	}
	t, err := parseTable(from.Table)
	if err != nil {
		return nil, err
	}
	// Without set_config, the scan of one reader may begin where that of another one is, in the middle of the table.
	var heap bool
	var pages, bytes int64
	err = s.conn.QueryRow(ctx, `SELECT c.relkind IN ('r', 'm') AND NOT c.relhassubclass AND a.amname = 'heap', pg_relation_size(c.oid) / current_setting('block_size')::bigint, pg_table_size(c.oid)
FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam, set_config('synchronize_seqscans', 'off', true) WHERE c.oid = to_regclass($1)`, t.sql()).Scan(&heap, &pages, &bytes)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case from.Connections == 1: // workers of the server would mix the order
		_, err = s.conn.Exec(ctx, "SET LOCAL max_parallel_workers_per_gather = 0")
		return nil, err
	case !heap || bytes < leastBytes || pages < 2 || r.Limit > 0 || s.readers(from, r) == 1:
		return nil, nil
	}
	if from.Where != "" {
		if whole, err := s.scansAll(ctx); !whole || err != nil {
			return nil, err
		}
	}
	return cut(pages, bytes), nil
}

// readers is the number of connections that a large table is read over.
func (s *snapshot) readers(from node.Select, r *node.Reading) int {
	if from.Connections > 0 {
		return from.Connections
	}
	return max(1, min(autoMost, r.Threads))
}

// scansAll reports whether the server would read the whole table; where an index finds what is wanted, ranges are slower.
func (s *snapshot) scansAll(ctx context.Context) (bool, error) {
	var text string
	if err := s.conn.QueryRow(ctx, "EXPLAIN (FORMAT json, COSTS off) "+s.statement("*")).Scan(&text); err != nil {
		return false, err
	}
	type plan struct {
		Kind  string `json:"Node Type"`
		Plans []plan
	}
	var top []struct{ Plan plan }
	if err := json.Unmarshal([]byte(text), &top); err != nil || len(top) != 1 {
		return false, nil
	}
	p := top[0].Plan
	if p.Kind == "Gather" && len(p.Plans) == 1 {
		p = p.Plans[0]
	}
	return p.Kind == "Seq Scan", nil
}

// cut makes ranges of about rangeBytes.
func cut(pages, bytes int64) []*part {
	step := max(1, pages*rangeBytes/max(bytes, 1))
	var list []*part
	for first := int64(0); first < pages; first += step {
		list = append(list, &part{first: first, end: first + step, items: make(chan item, partBatches)})
	}
	list[len(list)-1].end = -1
	return list
}

// statement selects the records of the range. The condition stands inside a query of its own, so that no OR in it can
// reach records of other ranges.
func (p *part) statement(rel, list string) string {
	sql := fmt.Sprintf("SELECT %s FROM (SELECT ctid AS "+place+", * FROM %s) q WHERE "+place+" >= '(%d,0)'", list, rel, p.first)
	if p.end >= 0 {
		sql += fmt.Sprintf(" AND "+place+" < '(%d,0)'", p.end)
	}
	return sql
}

// parallel reads the parts of one table.
type parallel struct {
	*snapshot
	connection node.Connection
	from       node.Select
	reading    *node.Reading
	exported   string // the snapshot's name
	parts      []*part
	next       atomic.Int64  // part that nobody reads yet
	ahead      chan struct{} // one per part under way
	stop       context.CancelCauseFunc

	mu      sync.Mutex
	missing int   // connections that could not be had
	why     error // of the first
}

// export names the snapshot for other connections. Where the server cannot, a new one is begun for one reader.
func (s *snapshot) export(ctx context.Context, c node.Connection, from node.Select, r *node.Reading) (string, error) {
	var name string
	err := s.conn.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&name)
	if err == nil || s.conn.IsClosed() {
		return name, err
	}
	warnFewer(c, 1, s.readers(from, r), err, r)
	if _, err = s.conn.Exec(ctx, "ROLLBACK"); err != nil {
		return "", err
	}
	return "", s.begin(ctx, from, r.After)
}

func warnFewer(c node.Connection, have, wanted int, why error, r *node.Reading) {
	if r.Warn == nil {
		return
	}
	r.Warn(&flows.Error{Code: "database.fewer_connections", Path: flows.Path{Field: "connections"}, Params: flows.Params{"connections": have, "wanted": wanted},
		Message:    fmt.Sprintf("the table is read over %d of %d connections: %s", have, wanted, flows.AsError(queryError(c.Name, why)).Message),
		Suggestion: "every record is read all the same; set fewer connections, or let the server take more", Cause: why})
}

// readParts reads the parts over several connections, of which the snapshot's own is one.
func (s *snapshot) readParts(parent context.Context, c node.Connection, from node.Select, r *node.Reading, exported string, parts []*part) (node.ReadStats, error) {
	readers := min(s.readers(from, r), len(parts))
	ctx, stop := context.WithCancelCause(parent)
	p := &parallel{snapshot: s, connection: c, from: from, reading: r, exported: exported, parts: parts, ahead: make(chan struct{}, aheadRanges*readers), stop: stop}
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() { p.reader(ctx, i == 0) })
	}
	stats, err := p.deliver(ctx)
	stop(err)
	wg.Wait()
	for _, part := range parts {
		part.drop()
	}
	if p.missing > 0 {
		warnFewer(c, readers-p.missing, readers, p.why, r)
	}
	switch {
	case errors.Is(err, node.ErrEnough):
		return stats, nil
	case err != nil && parent.Err() != nil:
		return stats, parent.Err()
	case err != nil:
		return stats, selectError(c.Name, from, err)
	}
	stats.Complete = true
	return stats, nil
}

// reader reads parts until there are no more. Only the first one has to have a connection.
func (p *parallel) reader(ctx context.Context, first bool) {
	conn := p.conn
	if !first {
		var err error
		if conn, err = p.join(ctx); err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.missing++; p.why == nil {
				p.why = err
			}
			return
		}
		defer conn.Close(context.WithoutCancel(ctx))
	}
	if err := p.readAll(ctx, conn); err != nil {
		p.stop(err)
	}
}

// join opens another connection that sees the snapshot.
func (p *parallel) join(ctx context.Context) (*pgx.Conn, error) {
	conn, err := connect(ctx, p.connection)
	if err != nil {
		return nil, err
	}
	if _, err = conn.Exec(ctx, beginSnapshot); err == nil {
		_, err = conn.Exec(ctx, "SET TRANSACTION SNAPSHOT '"+p.exported+"'")
	}
	if err != nil {
		conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return conn, nil
}

func (p *parallel) readAll(ctx context.Context, conn *pgx.Conn) error {
	var out chan<- item
	put := func(it item) error {
		select {
		case out <- it:
			return nil
		case <-ctx.Done():
			it.release()
			return context.Cause(ctx)
		}
	}
	mine := *p.reading
	mine.Emit = func(b node.Batch) error { return put(item{batch: b}) }
	mine.Reject = func(r node.Reject) error { return put(item{reject: &r}) }
	d, list, err := newDecoder(p.cols, p.from, &mine)
	if err != nil {
		return err
	}
	defer d.release()
	for {
		select {
		case p.ahead <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		at := p.next.Add(1) - 1
		if at >= int64(len(p.parts)) {
			return nil
		}
		part := p.parts[at]
		out = part.items
		d.restart()
		if err := d.copy(ctx, conn, p.connection.Name, part.statement(p.rel, list)); err != nil {
			return err
		}
		part.read = d.read
		close(part.items)
	}
}

// deliver hands over what was decoded, in the order of the parts.
func (p *parallel) deliver(ctx context.Context) (node.ReadStats, error) {
	var stats node.ReadStats
	base := int64(0) // records of the parts before
	for _, part := range p.parts {
		for open := true; open; {
			var it item
			select {
			case it, open = <-part.items:
			case <-ctx.Done():
				return stats, context.Cause(ctx)
			}
			if !open {
				break
			}
			if err := p.hand(it, base, &stats); err != nil {
				return stats, err
			}
		}
		base += part.read
		<-p.ahead
	}
	return stats, nil
}

func (p *parallel) hand(it item, base int64, stats *node.ReadStats) error {
	if it.reject != nil {
		stats.Rejected++
		it.reject.Record += base
		return p.reading.Reject(*it.reject)
	}
	b := it.batch.Records
	if p.reading.Origin {
		numbers := b.Column(int(b.NumCols()) - 1).(*array.Int64).Int64Values()
		for i := range numbers {
			numbers[i] += base
		}
	}
	stats.Records += b.NumRows()
	return p.reading.Emit(it.batch)
}

func (it item) release() {
	if it.reject == nil {
		it.batch.Records.Release()
	}
}

// drop releases what was decoded and not delivered. Nobody reads the part any more.
func (p *part) drop() {
	for {
		select {
		case it, open := <-p.items:
			if !open {
				return
			}
			it.release()
		default:
			return
		}
	}
}
