// Package batch builds Arrow record batches in memory that C code may read: no value is ever held as a Go object.
package batch

import (
	"math/bits"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"
)

// keepBytes bounds the freed memory that is kept for the next batches.
const keepBytes = 96 << 20

// pool hands out memory of the C heap and keeps some of what is freed. Columns of one source have the same sizes
// again and again; fresh pages would cost a fault and zeroing each time.
type pool struct {
	mu   sync.Mutex
	c    *mallocator.Mallocator
	free map[int][][]byte // by size class
	kept int
	used int64
}

// Memory is the allocator of every batch that leaves a connector. Its memory is not zeroed.
var Memory memory.Allocator = shared

var shared = &pool{c: mallocator.NewMallocator(), free: map[int][][]byte{}}

// class rounds a size up so that a reused buffer wastes at most a quarter.
func class(size int) int {
	if size <= 1024 {
		return 1024
	}
	step := 1 << (bits.Len(uint(size-1)) - 3)
	return (size + step - 1) &^ (step - 1)
}

func (p *pool) Allocate(size int) []byte {
	n := class(size)
	p.mu.Lock()
	p.used += int64(n)
	if list := p.free[n]; len(list) > 0 {
		b := list[len(list)-1]
		p.free[n] = list[:len(list)-1]
		p.kept -= n
		p.mu.Unlock()
		return b[:size]
	}
	p.mu.Unlock()
	return p.c.Allocate(n)[:size]
}

func (p *pool) Free(b []byte) {
	n := cap(b)
	if n == 0 {
		return
	}
	b = b[:n]
	p.mu.Lock()
	p.used -= int64(n)
	keep := p.kept+n <= keepBytes
	if keep {
		p.free[n] = append(p.free[n], b)
		p.kept += n
	}
	p.mu.Unlock()
	if !keep {
		p.c.Free(b)
	}
}

func (p *pool) Reallocate(size int, b []byte) []byte {
	if cap(b) >= size {
		return b[:size]
	}
	fresh := p.Allocate(size)
	copy(fresh, b)
	p.Free(b)
	return fresh
}

// InUse is the memory of batches that nobody has released yet. Tests use it to find leaks.
func InUse() int64 {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	return shared.used
}

// Trim gives kept memory back to the system.
func Trim() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	for n, list := range shared.free {
		for _, b := range list {
			shared.c.Free(b)
		}
		delete(shared.free, n)
	}
	shared.kept = 0
}
