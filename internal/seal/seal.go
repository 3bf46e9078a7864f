// Package seal encrypts small secrets: each with a key of its own, which is encrypted with the key of the installation
// (envelope encryption, AES-256-GCM, by Tink).
package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Sealer seals with the key of an installation.
type Sealer struct{ envelope tink.AEAD }

// File reads the key from a file, which is made with mode 0600 where it does not exist. A file that others may read is
// refused.
func File(path string) (*Sealer, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return create(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key of the secrets: %s may be read by others: chmod 600 it, and consider the secrets known", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	return read(b)
}

// Text takes the key as base64, as in an environment variable: the content of such a file.
func Text(key string) (*Sealer, error) {
	b, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return nil, fmt.Errorf("key of the secrets: it is no base64: %w", err)
	}
	return read(b)
}

func read(b []byte) (*Sealer, error) {
	h, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(b)))
	if err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	return with(h)
}

func with(h *keyset.Handle) (*Sealer, error) {
	key, err := aead.New(h)
	if err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	return &Sealer{aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), key)}, nil
}

// create makes a key, durable before anything is sealed with it.
func create(path string) (*Sealer, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewBinaryWriter(&b)); err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	_, err = f.Write(b.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("key of the secrets: %w", err)
	}
	return with(h)
}

// Seal encrypts plain; it opens only with the same associated data.
func (s *Sealer) Seal(plain, associated []byte) ([]byte, error) {
	b, err := s.envelope.Encrypt(plain, associated)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return b, nil
}

// Open decrypts what Seal has made.
func (s *Sealer) Open(sealed, associated []byte) ([]byte, error) {
	b, err := s.envelope.Decrypt(sealed, associated)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return b, nil
}
