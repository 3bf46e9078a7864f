//go:build !linux

package testserver

import "syscall"

// account is always the user who runs the tests.
type account struct{}

func serverAccount(string) (*account, error) { return nil, nil }

func (*account) own(string) error { return nil }

func (*account) attributes() *syscall.SysProcAttr { return nil }
