package http

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"spark/flows"
)

// keyBytes is the length of a key, and of the hash of a request.
const keyBytes = 16

// keys number equal requests of a run, so that two records that say the same are two. The number must be exact: with one that is
// forgotten a record would get the key of another, and the server would leave it out. So what is not held in memory is on disk.
type keys struct {
	seed   string
	memory map[[keyBytes]byte]uint32
	most   int    // held in memory
	temp   string // folder of the table
	table  *keyTable
}

// keysInMemory is how many different requests are held in memory: about 40 MB. More go to a table on disk, of 40 to 80 bytes each.
const keysInMemory = 500_000

func newKeys(run, id, temp string) *keys {
	return &keys{seed: run + "/" + id + "/", memory: map[[keyBytes]byte]uint32{}, most: keysInMemory, temp: temp}
}

// next is the key of the next request that is equal to this one: the same in each attempt of the run, wherever the record stands.
func (k *keys) next(request string) (string, error) {
	var hash [keyBytes]byte
	if _, err := hex.Decode(hash[:], []byte(request)); err != nil {
		return "", fmt.Errorf("hash of a request: %w", err)
	}
	n, err := k.count(hash)
	if err != nil {
		return "", &flows.Error{Code: "http.keys", Message: "the requests that were made could not be noted: " + err.Error(), Suggestion: "free room in the folder for temporary files, or give each record a key of its own", Cause: err}
	}
	h := sha256.New()
	_, _ = h.Write([]byte(k.seed + request + "/" + strconv.FormatUint(uint64(n), 10)))
	return sum(h), nil
}

// count is how many equal requests were there before.
func (k *keys) count(hash [keyBytes]byte) (uint32, error) {
	if k.table != nil {
		return k.table.count(hash, 1)
	}
	n := k.memory[hash]
	if k.memory[hash] = n + 1; len(k.memory) < k.most {
		return n, nil
	}
	t, err := newKeyTable(k.temp, 4*uint64(k.most))
	if err != nil {
		return n, err
	}
	k.table = t
	for h, n := range k.memory {
		if _, err := t.count(h, n); err != nil {
			return n, err
		}
	}
	k.memory = nil
	return n, nil
}

func (k *keys) close() {
	if k.table != nil {
		_ = k.table.file.Close() // it has no name any more
	}
}

// keyTable is a hash table in a file without a name: slots of a hash and its number, 0 where the slot is free. A hash stands in its
// own slot or in one of those behind it.
type keyTable struct {
	file        *os.File
	temp        string
	slots, used uint64
	buf         []byte
}

const (
	slotBytes = keyBytes + 4
	// probed is how many slots are looked at at once.
	probed = 64
)

func newKeyTable(temp string, slots uint64) (*keyTable, error) {
	f, err := os.CreateTemp(temp, "keys-")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Remove(f.Name()), f.Truncate(int64(slots*slotBytes))); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &keyTable{file: f, temp: temp, slots: slots, buf: make([]byte, probed*slotBytes)}, nil
}

// count adds to the number of a hash and returns what it was.
func (t *keyTable) count(hash [keyBytes]byte, more uint32) (uint32, error) {
	for at := binary.LittleEndian.Uint64(hash[:]) % t.slots; ; {
		n, err := t.file.ReadAt(t.buf[:min(probed, t.slots-at)*slotBytes], int64(at*slotBytes))
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		for i := 0; i < n; i += slotBytes {
			slot := t.buf[i : i+slotBytes]
			before := binary.LittleEndian.Uint32(slot[keyBytes:])
			if before > 0 && !bytes.Equal(slot[:keyBytes], hash[:]) {
				continue
			}
			copy(slot, hash[:])
			binary.LittleEndian.PutUint32(slot[keyBytes:], before+more)
			if _, err := t.file.WriteAt(slot, int64(at*slotBytes)+int64(i)); err != nil || before > 0 {
				return before, err
			}
			if t.used++; t.used*5 > t.slots*3 {
				return 0, t.grow()
			}
			return 0, nil
		}
		at = (at + uint64(n/slotBytes)) % t.slots
	}
}

// grow doubles the table.
func (t *keyTable) grow() error {
	larger, err := newKeyTable(t.temp, 2*t.slots)
	if err != nil {
		return err
	}
	part := make([]byte, 4096*slotBytes)
	for at := uint64(0); at < t.slots; at += 4096 {
		n, err := t.file.ReadAt(part[:min(4096, t.slots-at)*slotBytes], int64(at*slotBytes))
		if err != nil && !errors.Is(err, io.EOF) {
			return errors.Join(err, larger.file.Close())
		}
		for i := 0; i < n; i += slotBytes {
			if k := binary.LittleEndian.Uint32(part[i+keyBytes:]); k > 0 {
				if _, err := larger.count([keyBytes]byte(part[i:]), k); err != nil {
					return errors.Join(err, larger.file.Close())
				}
			}
		}
	}
	err = t.file.Close()
	*t = *larger
	return err
}
