package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pollEvery is how often memory is looked at; a shorter peak of one process alone is known from its rusage.
const pollEvery = 20 * time.Millisecond

// TimeCommand runs a command to its end. One that fails is an error with what it wrote.
func (b *Bench) TimeCommand(ctx context.Context, name string, args ...string) (Usage, error) {
	var u Usage
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// In a group of its own, so that children whose parent has gone are still counted, and ended with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second // a child that outlives the command and holds its output is an error
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return u, err
	}
	ended, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watchRSS(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	u.Wall = time.Since(begin)
	close(ended)
	u.PeakRSS, u.Stdout = <-peak, stdout.Bytes()
	if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		// A child begins with our own peak as its Maxrss; only more than that is its own.
		var self syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err == nil && ru.Maxrss > self.Maxrss {
			u.PeakRSS = max(u.PeakRSS, ru.Maxrss<<10)
		}
		u.CPU = time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
	}
	if err != nil {
		return u, fmt.Errorf("%s: %w: %s", cmd, err, bytes.TrimSpace(append(stderr.Bytes(), stdout.Bytes()...)))
	}
	fmt.Fprintf(b.Log, "%.120s: %v, CPU %v, %d MB\n", strings.Join(strings.Fields(cmd.String()), " "), u.Wall.Round(time.Millisecond), u.CPU.Round(time.Millisecond), u.PeakRSS>>20)
	return u, nil
}

func watchRSS(pid int, ended <-chan struct{}) (peak int64) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		peak = max(peak, treeRSS(pid))
		select {
		case <-ended:
			return peak
		case <-tick.C:
		}
	}
}

// process is what /proc/PID/stat says.
type process struct {
	parent, group int
	rss           int64
}

// treeRSS sums the resident memory of a process, of what descends from it and of its process group. Pages that they
// share count for each.
func treeRSS(root int) int64 {
	all := processes()
	var sum int64
	for pid, p := range all {
		if p.group == root || descends(all, pid, root) {
			sum += p.rss
		}
	}
	return sum
}

// descendants counts the processes below one.
func descendants(root int) (n int) {
	all := processes()
	for pid := range all {
		if pid != root && descends(all, pid, root) {
			n++
		}
	}
	return n
}

// processes are all of the machine.
func processes() map[int]process {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	all := make(map[int]process, len(files))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // ended meanwhile
		}
		if pid, p, ok := parseStat(string(text)); ok {
			all[pid] = p
		}
	}
	return all
}

// ownRSS is the resident memory of one process; 0 where there is none.
func ownRSS(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	_, p, _ := parseStat(string(text))
	return p.rss
}

func descends(all map[int]process, pid, root int) bool {
	for range len(all) + 1 { // /proc is no snapshot: a reused id could make a circle
		if pid == root {
			return true
		}
		p, ok := all[pid]
		if !ok {
			return false
		}
		pid = p.parent
	}
	return false
}

// parseStat reads "pid (name) state ppid pgrp … rss"; the name may hold anything.
func parseStat(text string) (pid int, p process, ok bool) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return 0, p, false
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 22 {
		return 0, p, false
	}
	pid, err1 := strconv.Atoi(strings.TrimSpace(text[:open]))
	parent, err2 := strconv.Atoi(fields[1])
	group, err3 := strconv.Atoi(fields[2])
	pages, err4 := strconv.ParseInt(fields[21], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		return 0, p, false
	}
	return pid, process{parent, group, pages * int64(os.Getpagesize())}, true
}
