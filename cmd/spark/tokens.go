package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"spark/flows"
	"spark/flows/connection"
	"spark/flows/node"
)

// tokenFile keeps what servers of tokens have given out, for connections from a file: a refresh token that was replaced is not
// accepted again, so that the next run needs the new one. It holds secrets as they are, like the file of the connections, and
// nobody else may read it.
type tokenFile struct {
	path string
	lock string // file that is locked while tokens are exchanged: that of the connections
}

var _ connection.GrantStore = tokenFile{}

// unsealed is the Sealer of a file that its owner alone may read.
type unsealed struct{}

func (unsealed) Seal(plain, _ []byte) ([]byte, error)  { return plain, nil }
func (unsealed) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

// attach gives connections what their access tokens come from.
func (c connectionFile) attach(set node.ConnectionSet) (*connection.Grants, error) {
	file := tokenFile{path: c.Tokens, lock: c.Connections}
	if file.path == "" {
		file.path = c.Connections + ".tokens"
	}
	grants := &connection.Grants{Store: file, Sealer: unsealed{}}
	for name, spec := range set {
		if spec.Missing != "" {
			continue
		}
		loaded, err := node.LoadConnection(name, spec)
		if err != nil {
			continue // whoever uses it reports it
		}
		if s, ok := loaded.Settings.(node.GrantedSettings); ok && s.SignsIn() {
			spec.Grant, spec.Tokens = "server "+name, serverOnly(name)
			set[name] = spec
			continue
		}
		if set[name], err = grants.Spec(flows.LocalScope, "", loaded); err != nil {
			return nil, err
		}
	}
	return grants, nil
}

// serverOnly is the name of a connection that somebody has to sign in to.
type serverOnly string

func (name serverOnly) Token(context.Context, string) (node.AccessToken, error) {
	return node.AccessToken{}, &flows.Error{Code: "http.signed_out", Params: flows.Params{"connection": string(name)}, Message: fmt.Sprintf("somebody has to sign in to the connection %s, and that takes a server", string(name)),
		Suggestion: "run the flow on spark serve, or choose the authentication refresh in the file of connections and give a refresh token"}
}

// Grant reads what is kept.
func (f tokenFile) Grant(_ context.Context, _ flows.Scope, key string) ([]byte, error) {
	all, err := f.read()
	return all[key], err
}

func (f tokenFile) read() (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(f.path)
	}
	if err != nil {
		return nil, &flows.Error{Code: "tokens.open", Path: flows.Path{File: f.path}, Message: fmt.Sprintf("the file of tokens cannot be read: %v", err), Suggestion: "check its mode, or choose another one with --tokens", Cause: err}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, &flows.Error{Code: "tokens.open", Path: flows.Path{File: f.path}, Message: "the file holds tokens and others may read it", Suggestion: "chmod 600 it, and consider the tokens known"}
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, &flows.Error{Code: "tokens.open", Path: flows.Path{File: f.path}, Message: "that is no file of tokens", Suggestion: "choose another name with --tokens; a missing file is made, with the refresh token of the connection", Cause: errors.New("it is no JSON")}
	}
	return all, nil
}

// ExchangeGrant finds out first whether the new token can be kept: the old one is worth nothing afterwards.
func (f tokenFile) ExchangeGrant(ctx context.Context, _ flows.Scope, key string, exchange func(ctx context.Context, sealed []byte) ([]byte, error)) error {
	unlock, err := lockFile(ctx, f.lock)
	if err != nil {
		return f.unkept(err)
	}
	defer unlock()
	all, err := f.read()
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(f.path), "."+filepath.Base(f.path)+".*") // with mode 0600
	if err != nil {
		return f.unkept(err)
	}
	defer os.Remove(next.Name()) // it is gone where it was renamed
	defer next.Close()
	kept, told := exchange(ctx, all[key])
	if len(kept) == 0 {
		return told
	}
	all[key] = kept
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return errors.Join(fmt.Errorf("tokens: %w", err), told)
	}
	_, err = next.Write(append(b, '\n'))
	if err = errors.Join(err, next.Sync()); err == nil {
		err = os.Rename(next.Name(), f.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(f.path))
	}
	if err != nil {
		return errors.Join(f.unkept(err), told)
	}
	return told
}

func (f tokenFile) unkept(err error) error {
	return &flows.Error{Code: "tokens.write", Path: flows.Path{File: f.path}, Cause: err, Message: fmt.Sprintf("the server of tokens may replace the refresh token, and the new one cannot be kept: %v", err),
		Suggestion: "make the folder writable, or name a file with --tokens"}
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// lockWait is how often a lock that another process holds is tried.
const lockWait = 50 * time.Millisecond

// lockFile waits until no other process holds the lock of a file.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(lockWait):
		}
	}
}
