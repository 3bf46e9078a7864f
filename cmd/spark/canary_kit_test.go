package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

// canaries are secrets that were planted, and all that was seen where they must not be.
type canaries struct {
	t       *testing.T
	mu      sync.Mutex
	planted map[string]string   // what they are → the secret
	forms   map[string][][]byte // how it would be written
	allowed map[string][]string // what they are → ends of the names of files that hold them
	looked  int                 // octets
}

func newCanaries(t *testing.T) *canaries {
	return &canaries{t: t, planted: map[string]string{}, forms: map[string][][]byte{}, allowed: map[string][]string{}}
}

// plant makes a secret whose letters and digits stand in one piece, so that escaping leaves that piece as it is, and
// whose other characters are those that break addresses, JSON and SQL.
func (c *canaries) plant(what string) string {
	c.mu.Lock()
	n := len(c.planted)
	c.mu.Unlock()
	core := fmt.Sprintf("Kanari%dVogel%sX", n, strings.ToUpper(hex.EncodeToString([]byte(what)))[:8])
	secret := core + `/"'\ä +%&@:?#`
	c.watch(what, secret, core)
	return secret
}

// watch looks for a secret from now on. core is a piece of it that no escaping changes.
func (c *canaries) watch(what, secret, core string, allowed ...string) {
	var utf16le []byte
	for _, u := range utf16.Encode([]rune(core)) {
		utf16le = append(utf16le, byte(u), byte(u>>8))
	}
	forms := [][]byte{[]byte(core), []byte(hex.EncodeToString([]byte(core))), []byte(strings.ToUpper(hex.EncodeToString([]byte(core)))), utf16le}
	for _, coding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 { // wherever it begins in what was encoded; the ends depend on what stands beside it
			text := coding.EncodeToString(append(make([]byte, shift), core...))
			forms = append(forms, []byte(text[(shift*8+5)/6:len(text)-2]))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.planted[what], c.forms[what], c.allowed[what] = secret, forms, allowed
}

// look fails the test where a secret stands in b.
func (c *canaries) look(where string, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked += len(b)
	for what, forms := range c.forms {
		if at := find(b, forms); at >= 0 {
			c.t.Errorf("the %s is in %s: …%q…", what, where, b[max(0, at-60):min(len(b), at+60)])
		}
	}
}

// find returns where one of the forms stands in b, -1 where none does.
func find(b []byte, forms [][]byte) int {
	for _, form := range forms {
		if at := bytes.Index(b, form); at >= 0 {
			return at
		}
	}
	return -1
}

// folder looks into every file below a folder, and at the names.
func (c *canaries) folder(dir string) {
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		c.look("the name "+path, []byte(path))
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil // temporary files come and go
		}
		for what, ends := range c.allowed {
			for _, end := range ends {
				if strings.HasSuffix(path, end) {
					b = bytes.ReplaceAll(b, []byte(c.planted[what]), nil)
				}
			}
		}
		c.look(path, b)
		return nil
	})
}

// processes looks at the arguments and the environment of executors, and at what is in their open files.
func (c *canaries) processes(p *place) int {
	pids := p.executors()
	for _, pid := range pids {
		for _, name := range []string{"cmdline", "environ", "comm", "status"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			if err == nil {
				c.look(fmt.Sprintf("/proc/executor/%s", name), b)
			}
		}
		fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, fd := range fds {
			if info, err := os.Stat(fd); err == nil && info.Mode().IsRegular() {
				if b, err := os.ReadFile(fd); err == nil {
					c.look("an open file of the executor", b)
				}
			}
		}
	}
	return len(pids)
}

// probe makes a request and looks at the whole answer. What the answer is like is not its business.
func (c *canaries) probe(s *serving, method, path, body string) (int, []byte) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, s.Base+path, strings.NewReader(body))
	must(c.t, err)
	req.Header.Set("Authorization", "Bearer "+s.Key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("If-Match", `"1"`)
	res, err := http.DefaultClient.Do(req)
	must(c.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(c.t, err)
	var head bytes.Buffer
	must(c.t, res.Header.Write(&head))
	c.look("the answer of "+method+" "+path, append(head.Bytes(), b...))
	return res.StatusCode, b
}
