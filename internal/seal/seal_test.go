package seal_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spark/internal/seal"
)

func TestKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secrets.key")
	first, err := seal.File(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	sealed, err := first.Seal([]byte("secret"), []byte("here"))
	if err != nil || bytes.Contains(sealed, []byte("secret")) {
		t.Fatalf("%q, %v", sealed, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := seal.File(path)
	if err != nil {
		t.Fatal(err)
	}
	fromText, err := seal.Text(base64.StdEncoding.EncodeToString(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*seal.Sealer{first, again, fromText} {
		if plain, err := s.Open(sealed, []byte("here")); err != nil || string(plain) != "secret" {
			t.Errorf("%q, %v", plain, err)
		}
		if _, err := s.Open(sealed, []byte("elsewhere")); err == nil {
			t.Error("it opens elsewhere")
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.File(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others may read: %v", err)
	}
	for _, key := range []string{"", "%", "aGVsbG8="} {
		if _, err := seal.Text(key); err == nil {
			t.Errorf("%q is taken for a key", key)
		}
	}
}
