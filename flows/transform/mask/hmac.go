package mask

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"sync"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

// leastKey is the number of characters that a key has at least: shorter ones can be tried.
const leastKey = 16

// keyed is the HMAC of a text; nil after reporting what is wrong with the key.
func (f Field) keyed(c *node.Context, at, text string, in flows.Schema, op *node.Project, known *flows.Schema) expr.Expr {
	key := f.Key.Reveal()
	switch n := len([]rune(key)); {
	case n == 0:
		c.Problem(at+".key", "config.required", `"Key" is missing`, "write ${name} of a secret parameter")
		return nil
	case n < leastKey:
		c.Problem(at+".key", "mask.key", fmt.Sprintf("the key has %d characters and needs %d: a shorter one is found by trying", n, leastKey), "give the parameter a longer value")
		return nil
	}
	of := c.Expr(at, text, in)
	if of == nil {
		return nil
	}
	value, _ := op.Native(hmacSHA256(key), known, of)
	return c.Expr(at, value, *known)
}

// hmacSHA256 writes the HMAC-SHA-256 of a text in hexadecimal digits.
func hmacSHA256(key string) *expr.Native {
	pool := sync.Pool{New: func() any { return hmac.New(sha256.New, []byte(key)) }}
	return &expr.Native{Name: "hmac_sha256", Call: func(dst []byte, args []string) ([]byte, error) {
		h := pool.Get().(hash.Hash)
		defer pool.Put(h)
		h.Reset()
		_, _ = h.Write([]byte(args[0])) // never fails
		var sum [sha256.Size]byte
		return hex.AppendEncode(dst, h.Sum(sum[:0])), nil
	}}
}
