package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"spark/connectors/folder"
)

// TestSweepWaitsForTheDying: a file of a process that still lives stays, and goes soon after it.
func TestSweepWaitsForTheDying(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	owner := exec.Command("sleep", "600")
	must(t, owner.Start())
	defer owner.Process.Kill()
	mark := strings.Split(folder.Mark(), "-") // host, process, its start, random
	mark[1], mark[2] = strconv.Itoa(owner.Process.Pid), started(t, owner.Process.Pid)
	file := filepath.Join(dir, ".out.csv."+strings.Join(mark, "-")+".spark-tmp")
	must(t, os.WriteFile(file, []byte("half"), 0o600))

	stop := sweep([]string{dir})
	defer stop()
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("the file of a living process: %v", err)
	}
	must(t, owner.Process.Kill())
	_ = owner.Wait() // it was killed
	until(t, "the file is gone", 10*time.Second, func() bool {
		_, err := os.Stat(file)
		return os.IsNotExist(err)
	})
}

// started is when a process began, in the kernel's ticks.
func started(t *testing.T, pid int) string {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Skipf("processes have no start time here: %v", err)
	}
	return strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))[19]
}
