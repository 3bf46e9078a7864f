//go:build !linux

package main

import (
	"context"
	"errors"
)

// TimeCommand needs /proc to see the memory of children.
func (*Bench) TimeCommand(context.Context, string, ...string) (Usage, error) {
	return Usage{}, errors.New("commands are measured on Linux only")
}
