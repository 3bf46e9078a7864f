package http

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// signer writes a signed token (JWS) with these claims.
type signer func(claims map[string]any) (string, error)

func (s *Settings) claims(now time.Time) map[string]any {
	c := map[string]any{"iat": now.Unix(), "exp": now.Add(time.Duration(s.Lifetime) * time.Second).Unix()}
	for name, value := range map[string]string{"iss": s.Issuer, "sub": s.Subject, "aud": s.Audience, "scope": s.Scope} {
		if value != "" {
			c[name] = value
		}
	}
	return c
}

// signer makes the signature of the settings' algorithm. Its error never quotes the key.
func (s *Settings) signer() (signer, error) {
	sign, err := s.algorithm()
	if err != nil {
		return nil, err
	}
	head := map[string]string{"alg": s.Algorithm, "typ": "JWT"}
	if s.KeyID != "" {
		head["kid"] = s.KeyID
	}
	return func(claims map[string]any) (string, error) {
		h, err := json.Marshal(head)
		if err != nil {
			return "", err
		}
		c, err := json.Marshal(claims)
		if err != nil {
			return "", err
		}
		text := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
		signature, err := sign([]byte(text))
		return text + "." + base64.RawURLEncoding.EncodeToString(signature), err
	}, nil
}

func (s *Settings) algorithm() (func(text []byte) ([]byte, error), error) {
	key := s.SigningKey.Reveal()
	switch s.Algorithm {
	case "HS256":
		return func(text []byte) ([]byte, error) { return mac(sha256.New, key, text), nil }, nil
	case "HS512":
		return func(text []byte) ([]byte, error) { return mac(sha512.New, key, text), nil }, nil
	}
	private, err := privateKey(key)
	if err != nil {
		return nil, err
	}
	switch k := private.(type) {
	case *rsa.PrivateKey:
		if s.Algorithm == "RS256" {
			return func(text []byte) ([]byte, error) {
				sum := sha256.Sum256(text)
				return rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
			}, nil
		}
	case *ecdsa.PrivateKey:
		if s.Algorithm == "ES256" && k.Params().BitSize == 256 {
			return func(text []byte) ([]byte, error) { return es256(k, text) }, nil
		}
	}
	return nil, errors.New("the signing key does not fit the algorithm " + s.Algorithm)
}

func es256(k *ecdsa.PrivateKey, text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
	if err != nil {
		return nil, err
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out, nil
}

func privateKey(text string) (any, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the signing key is no private key in PEM form")
	}
	if k, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return k, nil
	}
	if k, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return k, nil
	}
	return nil, errors.New("the signing key is a private key of a kind that cannot be read")
}

func mac(h func() hash.Hash, key string, text []byte) []byte {
	m := hmac.New(h, []byte(key))
	m.Write(text)
	return m.Sum(nil)
}

// signRequest adds the HMAC signature of a request.
func (s *Settings) signRequest(r *http.Request) error {
	body, err := bodyOf(r)
	if err != nil {
		return err
	}
	h := sha256.New
	if s.SignatureHash == "sha512" {
		h = sha512.New
	}
	sum := h()
	sum.Write(body)
	at := strconv.FormatInt(time.Now().Unix(), 10)
	text := strings.NewReplacer("{method}", r.Method, "{path}", r.URL.EscapedPath(), "{query}", r.URL.RawQuery, "{host}", r.URL.Host, "{timestamp}", at,
		"{body}", string(body), "{bodyHash}", hex.EncodeToString(sum.Sum(nil))).Replace(s.SignatureText)
	r.Header.Set("X-Timestamp", at)
	r.Header.Set(s.SignatureHeader, hex.EncodeToString(mac(h, s.SigningKey.Reveal(), []byte(text))))
	if s.KeyID != "" {
		r.Header.Set("X-Key-Id", s.KeyID)
	}
	return nil
}

// bodyOf reads the body of a request and leaves it there.
func bodyOf(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	b, err := io.ReadAll(r.Body)
	r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(b))
	return b, err
}
