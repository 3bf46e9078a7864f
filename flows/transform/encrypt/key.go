package encrypt

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"spark/flows/expr"
)

// A value is written as "name:base64", of a random nonce of 12 octets, the encrypted text and a tag of 16 octets. The name
// of the key is authenticated with it.

type key struct {
	name string
	aead cipher.AEAD
}

type keyring []*key

func (r keyring) find(name string) *key {
	for _, k := range r {
		if k.name == name {
			return k
		}
	}
	return nil
}

var hexKey = regexp.MustCompile(`^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{48}|[0-9a-fA-F]{64})$`)

// newKey reads a key. Its errors do not tell it.
func newKey(name, text string) (*key, error) {
	text = strings.TrimSpace(text)
	var secret []byte
	var err error
	if hexKey.MatchString(text) {
		secret, err = hex.DecodeString(text)
	} else {
		secret, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "="))
	}
	if err != nil {
		return nil, errors.New("it is neither base64 nor hexadecimal digits")
	}
	if n := len(secret); n != 16 && n != 24 && n != 32 {
		return nil, fmt.Errorf("it has %d octets, and AES takes 16, 24 or 32", n)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &key{name, aead}, err
}

// encrypt makes another text of the same one each time.
func (k *key) encrypt() *expr.Native {
	return &expr.Native{Name: "encrypt", Random: true, Call: func(dst []byte, args []string) ([]byte, error) {
		sealed := k.aead.Seal(nil, nil, []byte(args[0]), []byte(k.name))
		dst = append(append(dst, k.name...), ':')
		return base64.StdEncoding.AppendEncode(dst, sealed), nil
	}}
}

func (r keyring) decrypt() *expr.Native {
	names := make([]string, len(r))
	for i, k := range r {
		names[i] = k.name
	}
	known := strings.Join(names, ", ")
	return &expr.Native{Name: "decrypt", Call: func(dst []byte, args []string) ([]byte, error) {
		name, body, ok := strings.Cut(args[0], ":")
		if !ok || !keyName.MatchString(name) {
			return dst, errors.New("the text was not made by Encrypt: it does not begin with the name of a key and a colon")
		}
		k := r.find(name)
		if k == nil {
			return dst, fmt.Errorf("it needs the key %s, and there is only %s", name, known)
		}
		sealed, err := base64.StdEncoding.Strict().DecodeString(body)
		if err != nil || len(sealed) < k.aead.Overhead() {
			return dst, errors.New("what follows the name of the key is no base64, or cut off")
		}
		before := len(dst)
		dst, err = k.aead.Open(dst, nil, sealed, []byte(name))
		if err != nil {
			return dst, fmt.Errorf("it was changed, or the key %s is another one than it was encrypted with", name)
		}
		if !utf8.Valid(dst[before:]) {
			return dst, errors.New("what was encrypted is no text")
		}
		return dst, nil
	}}
}
