package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"spark/flows"
)

// ownerKey reads the key of the local owner, or makes it: whoever has it is the owner until there is sign-in. The file is
// readable by the user who runs Spark alone; one that others could have read is refused.
func ownerKey(data string) (string, error) {
	file := filepath.Join(data, "owner.key")
	failed := func(err error, message, suggestion string) error {
		return &flows.Error{Code: "owner.key", Path: flows.Path{File: file}, Cause: err, Message: message, Suggestion: suggestion}
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		info, err := os.Stat(file)
		if err != nil {
			return "", failed(err, fmt.Sprintf("the owner's key cannot be read: %v", err), "make it readable for the user who runs Spark")
		}
		if info.Mode().Perm()&0o077 != 0 {
			return "", failed(nil, "the owner's key can be read by other users of this machine", "remove it: the next start makes a new one")
		}
		b, err := os.ReadFile(file)
		key := strings.TrimSpace(string(b))
		if err != nil || len(key) < 40 {
			return "", failed(err, "the owner's key is damaged", "remove it: the next start makes a new one")
		}
		return key, nil
	}
	if err != nil {
		return "", failed(err, fmt.Sprintf("the owner's key cannot be stored: %v", err), "choose a data folder that the user who runs Spark may write to")
	}
	defer f.Close()
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	key := base64.RawURLEncoding.EncodeToString(random[:])
	if _, err = f.WriteString(key + "\n"); err == nil {
		err = f.Sync()
	}
	if err != nil {
		os.Remove(file)
		return "", failed(err, fmt.Sprintf("the owner's key cannot be stored: %v", err), "make room on the disk")
	}
	return key, nil
}
