package http

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"spark/flows"
)

// TestKeysAreExact: however many different requests there are, and in whatever order, equal ones are numbered without a gap, and each
// has the key that it has in another execution. Little is held in memory, and nothing is left on disk.
func TestKeysAreExact(t *testing.T) {
	t.Parallel()
	const different, most = 5000, 100
	requests := make([]string, 0, 2*different)
	for i := range different {
		for range 1 + i%3 {
			var hash [keyBytes]byte
			binary.LittleEndian.PutUint64(hash[:], uint64(i%7)) // many want the same slot
			binary.LittleEndian.PutUint64(hash[8:], uint64(i))
			requests = append(requests, hex.EncodeToString(hash[:]))
		}
	}
	temp := t.TempDir()
	of := func(most int) map[string]bool {
		k := newKeys("run", "node", temp)
		k.most = most
		defer k.close()
		found := map[string]bool{}
		for _, i := range rand.Perm(len(requests)) {
			key, err := k.next(requests[i])
			if err != nil {
				t.Fatal(err)
			}
			found[key] = true
		}
		if len(k.memory) >= most {
			t.Errorf("%d requests are held in memory", len(k.memory))
		}
		return found
	}
	held, spilled := of(len(requests)), of(most)
	if len(held) != len(requests) || len(spilled) != len(requests) {
		t.Fatalf("%d and %d keys for %d requests", len(held), len(spilled), len(requests))
	}
	for key := range held {
		if !spilled[key] {
			t.Fatal("a request has another key where the numbers are on disk")
		}
	}
	if left, err := filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestKeysWithoutRoom: where nothing can be noted the run fails; a key is never given twice.
func TestKeysWithoutRoom(t *testing.T) {
	t.Parallel()
	k := newKeys("run", "node", filepath.Join(t.TempDir(), "gone"))
	k.most = 2
	var err error
	for i := range 3 {
		if _, err = k.next(fmt.Sprintf("%032x", i)); err != nil {
			break
		}
	}
	if e := coded(err); e.Code != "http.keys" || e.Suggestion == "" {
		t.Errorf("%v", err)
	}
	if !os.IsNotExist(flows.AsError(err).Cause) {
		t.Errorf("the cause is %v", flows.AsError(err).Cause)
	}
}

// TestCacheForgets: the answers that were used last stay, within the room that there is, and are the right ones.
func TestCacheForgets(t *testing.T) {
	t.Parallel()
	one := sizeOf(flows.CallAnswer{Body: "0"})
	c := newCache(3 * one)
	asked := map[string]int{}
	get := func(key string) {
		t.Helper()
		a, err := c.get(t.Context(), key, func() (flows.CallAnswer, error) {
			asked[key]++
			return flows.CallAnswer{Body: key}, nil
		})
		if err != nil || a.Body != key {
			t.Fatalf("%q, %v", a.Body, err)
		}
	}
	for _, key := range []string{"a", "b", "c", "a", "d", "a", "c", "b", "b"} { // d takes the place of b, and b that of d
		get(key)
	}
	if asked["a"] != 1 || asked["b"] != 2 || asked["c"] != 1 || asked["d"] != 1 {
		t.Errorf("asked %v", asked)
	}
	for i := range 1000 {
		get(fmt.Sprint(i % 10))
	}
	if c.bytes > c.most || len(c.entries) > 3 || c.used.Len() != len(c.entries) {
		t.Errorf("%d bytes in %d entries", c.bytes, len(c.entries))
	}
	large := make([]byte, 4*one)
	if a, err := c.get(t.Context(), "large", func() (flows.CallAnswer, error) { return flows.CallAnswer{Body: string(large)}, nil }); err != nil || len(a.Body) != len(large) || c.bytes != 0 {
		t.Errorf("%d bytes of an answer that is too large, %d kept, %v", len(a.Body), c.bytes, err)
	}
}

// BenchmarkKeys counts different requests on disk.
func BenchmarkKeys(b *testing.B) {
	k := newKeys("run", "node", b.TempDir())
	defer k.close()
	var hash [keyBytes]byte
	for i := range b.N {
		binary.LittleEndian.PutUint64(hash[:], uint64(i)*0x9E3779B97F4A7C15)
		if _, err := k.next(hex.EncodeToString(hash[:])); err != nil {
			b.Fatal(err)
		}
	}
}
