package executor

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
)

// pagesShare is the part of a run's disk that the answers of APIs may take: one in so many.
const pagesShare = 4

// pagesFree is how much is kept where the run's disk has no limit.
const pagesFree = 1 << 30

// pages keep the answers of APIs of one run in a folder, one file each: the hash of what follows, the hash of the request, and
// the answer. A file that was not written to its end, or was changed, is none.
type pages struct {
	dir   string
	limit int64

	writers chan struct{} // what is written at once: beside the reading, which would wait for the disk otherwise
	writing sync.WaitGroup

	mu   sync.Mutex
	size int64
}

// pageWriters is how many pages are written at once.
const pageWriters = 2

// callsAPI reports whether a source of a plan calls a system that counts what it is asked.
func callsAPI(p *plan.Plan) bool {
	for _, st := range p.Stages {
		for _, step := range st.Steps {
			if read, ok := step.Op.(node.Read); ok {
				if _, calls := read.Source.(node.CallingSource); calls {
					return true
				}
			}
		}
	}
	return false
}

// outlast gives a run what is the same in another execution of it: when it began, and the pages that it has read. wait is called once
// nothing is read any more.
func outlast(spec RunSpec, p *plan.Plan, env *engine.Env) (wait func(), err error) {
	if spec.Facts != nil {
		env.Began = spec.Facts.StartedAt
	}
	if spec.Pages == "" || !callsAPI(p) {
		return func() {}, nil
	}
	limit := int64(pagesFree)
	if spec.Spill > 0 {
		limit = spec.Spill / pagesShare
		env.SpillLimit -= limit
	}
	kept, err := openPages(spec.Pages, limit)
	if err != nil {
		return nil, err
	}
	env.Pages = kept.of
	return kept.writing.Wait, nil
}

func openPages(dir string, limit int64) (*pages, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &flows.Error{Code: "pages.folder", Message: fmt.Sprintf("the folder for the answers of APIs cannot be made: %v", err), Suggestion: "let the user who runs Spark write to its data folder", Cause: err}
	}
	k := &pages{dir: dir, limit: limit, writers: make(chan struct{}, pageWriters)}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("kept answers: %w", err)
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			k.size += info.Size()
		}
	}
	return k, nil
}

// of are the pages of one node.
func (k *pages) of(id string) node.Pages {
	name := sha256.Sum256([]byte(id))
	return nodePages{k, hex.EncodeToString(name[:8])}
}

type nodePages struct {
	*pages
	name string
}

var _ node.Pages = nodePages{}

func (p nodePages) path(number int) string {
	return filepath.Join(p.dir, fmt.Sprintf("%s-%d%s", p.name, number, PageSuffix))
}

// PageSuffix ends the name of the file of a page.
const PageSuffix = ".page"

const pageHead = 2 * sha256.Size

func (p nodePages) Page(number int, request [32]byte) []byte {
	b, err := os.ReadFile(p.path(number))
	if err != nil || len(b) < pageHead {
		return nil
	}
	if sum := sha256.Sum256(b[sha256.Size:]); sum != [32]byte(b) || request != [32]byte(b[sha256.Size:]) {
		return nil
	}
	return b[pageHead:]
}

func (p nodePages) Keep(number int, request [32]byte, answer []byte) {
	size := int64(pageHead + len(answer))
	p.mu.Lock()
	room := p.size+size <= p.limit
	if room {
		p.size += size
	}
	p.mu.Unlock()
	if !room {
		return
	}
	p.writers <- struct{}{}
	p.writing.Go(func() {
		defer func() { <-p.writers }()
		path := p.path(number)
		if writePage(path+".new", request, answer) != nil || os.Rename(path+".new", path) != nil {
			_ = os.Remove(path + ".new") // the page is asked for again
		}
	})
}

func writePage(path string, request [32]byte, answer []byte) error {
	sum := sha256.New()
	_, _ = sum.Write(request[:]) // a hash takes everything
	_, _ = sum.Write(answer)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(sum.Sum(nil), request[:]...))
	if err == nil {
		_, err = f.Write(answer)
	}
	return errors.Join(err, f.Close())
}
