package executor

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPagesAreWholeOrNone: what was torn, changed, or answered to another request is no page, and nothing is kept beyond the
// limit or readable by others.
func TestPagesAreWholeOrNone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run")
	k, err := openPages(dir, 1000)
	if err != nil {
		t.Fatal(err)
	}
	first, second := [32]byte{1}, [32]byte{2}
	p := k.of("read")
	p.Keep(1, first, []byte("answer 1"))
	p.Keep(2, second, []byte("answer 2"))
	p.Keep(3, first, make([]byte, 1000))
	k.writing.Wait()
	again, err := openPages(dir, 1000)
	if err != nil || again.size != k.size {
		t.Fatalf("size %d of %d, %v", again.size, k.size, err)
	}
	p = again.of("read")
	if got := p.Page(1, first); string(got) != "answer 1" {
		t.Errorf("page 1 is %q", got)
	}
	for what, got := range map[string][]byte{"of another request": p.Page(1, second), "beyond the limit": p.Page(3, first), "of another node": again.of("other").Page(1, first), "never kept": p.Page(9, first)} {
		if got != nil {
			t.Errorf("%s: %q", what, got)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for i, damage := range []func([]byte) []byte{func(b []byte) []byte { return b[:len(b)-1] }, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }} {
		info, err := os.Stat(files[i])
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		b, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[i], damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := p.Page(1, first), p.Page(2, second); a != nil || b != nil {
		t.Errorf("damaged pages are read: %q, %q", a, b)
	}
}
