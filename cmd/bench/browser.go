package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// browser is a Chromium that web/bench/driver.mjs drives. It needs Node and the packages of package.json.
type browser struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Reader
	log     bytes.Buffer
}

func openBrowser(ctx context.Context) (*browser, error) {
	b := &browser{cmd: exec.CommandContext(ctx, "node", "web/bench/driver.mjs")}
	b.cmd.Stderr = &b.log
	b.cmd.WaitDelay = 10 * time.Second
	in, err := b.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	b.in, b.answers = in, bufio.NewReader(out)
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	return b, nil
}

// do sends a command and decodes the answer; answer may be nil.
func (b *browser) do(name string, arguments map[string]any, answer any) error {
	command := map[string]any{"do": name}
	for k, v := range arguments {
		command[k] = v
	}
	line, err := json.Marshal(command)
	if err != nil {
		return err
	}
	if _, err := b.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("browser: %s: %w", name, err)
	}
	line, err = b.answers.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("browser: %s: %w", name, err)
	}
	var failed struct{ Error string }
	if err := json.Unmarshal(line, &failed); err != nil {
		return fmt.Errorf("browser: %s: %w", name, err)
	}
	if failed.Error != "" {
		return errors.New("browser: " + failed.Error)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(line, answer)
}

// close ends it and tells what it complained about.
func (b *browser) close() error {
	_ = b.in.Close()
	if err := b.cmd.Wait(); err != nil {
		return fmt.Errorf("the browser ended with %w\n%s", err, &b.log)
	}
	return nil
}
