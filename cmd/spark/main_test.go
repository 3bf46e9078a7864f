package main

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"spark/internal/testserver"
)

var update = flag.Bool("update", false, "write the golden files anew")

// actAsSpark makes the test binary the program itself.
const actAsSpark = "SPARK_TEST_MAIN"

func TestMain(m *testing.M) {
	// A child of this binary is the program, too.
	executorEnv = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "LANG=C.UTF-8", actAsSpark + "=1"}
	if os.Getenv(actAsSpark) != "" {
		main()
		return
	}
	code := m.Run()
	if err := testserver.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "testserver:", err)
		code = max(code, 1)
	}
	if lateFolder != "" {
		_ = os.RemoveAll(lateFolder)
	}
	os.Exit(code)
}
