package executor

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// keptBytes bounds the records that a guest keeps of the sources of previews; one source may take half of it.
const keptBytes = 128 << 20

// keptOverhead is about what a reading without records takes.
const keptOverhead = 2048

// keeper keeps what previews have read of sources, so that the next preview need not read it again. What was used longest
// ago goes first. The zero value keeps nothing.
type keeper struct {
	limit int64 // bytes

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*list.Element
	used  list.List // of *keptReading, last used first
	bytes int64
	// How often a source, and the inputs of a node, were used again.
	hits, resumed int
}

// keptReading is what one reading of a source has delivered, or what a relation holds.
type keptReading struct {
	key     [sha256.Size]byte
	batches []arrow.RecordBatch
	rejects []keptReject
	warned  []*flows.Error
	stats   node.ReadStats
	files   []flows.SeenFile
	at      time.Time
	bytes   int64
	relation
}

// relation is what else is known of a relation that a preview has computed.
type relation struct {
	estimate float64
	traced   bool
	source   string // see flows.Preview
	read     int64
	scanned  int64
	narrowed bool
	complete bool
}

// keptReject is a record that the source refused after so many batches.
type keptReject struct {
	after  int
	reject node.Reject
}

// get returns a reading, whose batches the caller releases.
func (k *keeper) get(key [sha256.Size]byte) (keptReading, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.byKey[key]
	if e == nil {
		return keptReading{}, false
	}
	k.used.MoveToFront(e)
	x := *e.Value.(*keptReading)
	for _, b := range x.batches {
		b.Retain()
	}
	return x, true
}

// put takes over the batches of a reading.
func (k *keeper) put(x *keptReading) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(k.byKey[x.key])
	if x.bytes += keptOverhead; x.bytes > k.limit/2 {
		x.release()
		return
	}
	if k.byKey == nil {
		k.byKey = map[[sha256.Size]byte]*list.Element{}
	}
	k.byKey[x.key] = k.used.PushFront(x)
	for k.bytes += x.bytes; k.bytes > k.limit; {
		k.drop(k.used.Back())
	}
}

// forget drops a reading.
func (k *keeper) forget(key [sha256.Size]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(k.byKey[key])
}

// clear drops all readings.
func (k *keeper) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for e := k.used.Back(); e != nil; e = k.used.Back() {
		k.drop(e)
	}
}

// count counts what was used again.
func (k *keeper) count(what *int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	*what++
}

func (k *keeper) drop(e *list.Element) {
	if e == nil {
		return
	}
	x := k.used.Remove(e).(*keptReading)
	delete(k.byKey, x.key)
	k.bytes -= x.bytes
	x.release()
}

func (x *keptReading) release() {
	for _, b := range x.batches {
		b.Release()
	}
	x.batches = nil
}

// reuse is how one preview uses the keeper.
type reuse struct {
	params []flows.Parameter // of the flow: their defaults
	keeper *keeper
	spec   *PreviewSpec
	files  node.Files
	above  []byte // see aboveOf

	mu      sync.Mutex
	oldest  time.Time // of what was used again; zero: nothing was
	resumed []keptReading
	growing map[plan.Ref]*keptReading
	partial atomic.Bool // an answer that was read is a part only
}

// source reads what is kept of a node's source instead of the source, or keeps it. It depends on the settings of the node
// and on what they may refer to.
func (u *reuse) source(n *plan.Node, read node.Read) node.Source {
	switch read.Source.(type) {
	case keptRelation, pinnedSource:
		return read.Source
	}
	if _, calls := read.Source.(node.CallingSource); calls {
		return answered{read.Source, n.ID, answerOf(u.spec.Answers, n.ID), &u.partial}
	}
	var what any = read.Source.String()
	if s, ok := read.Source.(node.SelectingSource); ok { // of its settings, and what narrows it
		_, what = s.Selection()
	}
	text, err := json.Marshal([]any{what, n.Type, n.Version, n.Config, n.Policy, u.spec.Environment, u.params, u.spec.Parameters, u.spec.Folders, u.spec.Connections, u.spec.Offsets[n.ID], read.Limit, read.Schema})
	if err != nil {
		return read.Source
	}
	return &keptSource{Source: read.Source, reuse: u, text: text, limit: read.Limit, fields: read.Schema.Names()}
}

func (u *reuse) used(at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.oldest.IsZero() || at.Before(u.oldest) {
		u.oldest = at
	}
}

// keptSource is a source whose records are kept.
type keptSource struct {
	node.Source
	reuse  *reuse
	text   []byte // that it depends on
	key    [sha256.Size]byte
	limit  int64 // records that are wanted; 0: all
	fields []string
}

// Read delivers what is kept, as long as the files are the same, or what the source delivers.
func (s *keptSource) Read(ctx context.Context, r *node.Reading) (node.ReadStats, error) {
	origin := true
	if _, ok := s.Source.(node.SelectingSource); ok { // a value in a field that nobody wants does not refuse a record
		s.fields, origin = r.Fields, r.Origin
	}
	s.key = sha256.Sum256(fmt.Appendf(nil, "source %q %t %s", s.fields, origin, s.text))
	if s.reuse.spec.Fresh {
		s.reuse.keeper.forget(s.key)
	}
	if x, ok := s.reuse.keeper.get(s.key); ok {
		defer x.release()
		if unchanged(r.Files, x.files) {
			s.reuse.keeper.count(&s.reuse.keeper.hits)
			s.reuse.used(x.at)
			return x.replay(r)
		}
	}
	return s.record(ctx, r, origin)
}

// record reads the source. What has to look at all fields anyway delivers them all: the next preview may need others.
func (s *keptSource) record(ctx context.Context, r *node.Reading, origin bool) (node.ReadStats, error) {
	seen := &watchedFiles{Files: r.Files}
	x := &keptReading{key: s.key, at: time.Now().UTC()}
	var records int64
	whole := *r
	whole.Files, whole.Fields, whole.Origin = seen, s.fields, origin
	whole.Emit = func(b node.Batch) error {
		if x.bytes += batchBytes(b.Records); x.bytes <= s.reuse.keeper.limit/2 {
			b.Records.Retain()
			x.batches = append(x.batches, b.Records)
		} else {
			x.release() // it will not be kept
		}
		records += b.Records.NumRows()
		return emitPart(r, b.Records)
	}
	whole.Reject = func(rej node.Reject) error {
		x.rejects = append(x.rejects, keptReject{len(x.batches), rej})
		x.bytes += int64(len(rej.Raw) + len(rej.RawBytes) + len(rej.Reason) + 200)
		return r.Reject(rej)
	}
	whole.Warn = func(e *flows.Error) {
		x.warned = append(x.warned, e)
		if r.Warn != nil {
			r.Warn(e)
		}
	}
	stats, err := s.Source.Read(ctx, &whole)
	x.stats, x.files = stats, seen.seen
	if enough := stats.Complete || s.limit > 0 && records > s.limit; err != nil || !enough {
		x.release()
		return stats, err
	}
	s.reuse.keeper.put(x)
	return stats, nil
}

// replay delivers a reading once more.
func (x *keptReading) replay(r *node.Reading) (node.ReadStats, error) {
	for _, e := range x.warned {
		if r.Warn != nil {
			r.Warn(e)
		}
	}
	var records, refused int64
	rejects := x.rejects
	for i := 0; i <= len(x.batches); i++ {
		for ; len(rejects) > 0 && rejects[0].after <= i; rejects = rejects[1:] {
			if err := r.Reject(rejects[0].reject); err != nil {
				return node.ReadStats{Records: records, Rejected: refused}, err
			}
			refused++
		}
		if i == len(x.batches) {
			break
		}
		x.batches[i].Retain()
		err := emitPart(r, x.batches[i])
		if errors.Is(err, node.ErrEnough) {
			return node.ReadStats{Records: records, Rejected: refused}, nil
		}
		if err != nil {
			return node.ReadStats{Records: records, Rejected: refused}, err
		}
		records += x.batches[i].NumRows()
	}
	return x.stats, nil
}

// emitPart hands over the columns of a batch that are wanted, and the batch with them.
func emitPart(r *node.Reading, b arrow.RecordBatch) error {
	defer b.Release()
	names := r.Fields
	if r.Origin {
		names = append(append([]string{}, names...), node.OriginFile, node.OriginRecord)
	}
	fields, columns := make([]arrow.Field, len(names)), make([]arrow.Array, len(names))
	for i, n := range names {
		at := b.Schema().FieldIndices(n)
		if len(at) == 0 {
			return fmt.Errorf("the source delivers no column %q", n)
		}
		fields[i], columns[i] = b.Schema().Field(at[0]), b.Column(at[0])
	}
	return r.Emit(node.Batch{Records: array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, b.NumRows())})
}

// unchanged reports whether every pattern still stands for the same files.
func unchanged(files node.Files, seen []flows.SeenFile) bool {
	for len(seen) > 0 {
		now := &watchedFiles{Files: files}
		if _, err := now.Glob(seen[0].Pattern); err != nil || len(now.seen) > len(seen) {
			return false
		}
		for i, f := range now.seen {
			if was := seen[i]; was.Pattern != f.Pattern || was.Path != f.Path || was.Size != f.Size || !was.ModTime.Equal(f.ModTime) {
				return false
			}
		}
		if len(now.seen) < len(seen) && seen[len(now.seen)].Pattern == seen[0].Pattern {
			return false
		}
		seen = seen[len(now.seen):]
	}
	return true
}

// batchBytes is the memory that the columns of a batch take.
func batchBytes(b arrow.RecordBatch) int64 {
	var n int64
	for _, c := range b.Columns() {
		n += int64(c.Data().SizeInBytes())
	}
	return n
}
