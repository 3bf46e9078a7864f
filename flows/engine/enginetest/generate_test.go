package enginetest_test

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "spark/connectors/all"
	"spark/connectors/folder"
	"spark/flows/engine"
	"spark/flows/engine/duckdb"
	"spark/flows/engine/enginetest"
	"spark/flows/node"
	_ "spark/flows/transform/all"
)

var (
	flowCount = flag.Int("flows", 2000, "generated flows to check")
	firstSeed = flag.Uint64("seed", 1, "seed of the first generated flow")
	reenable  = flag.String("optimizer", "", "DuckDB optimizer to switch on again, to see the test fail")
)

func embedded(dir string) (engine.Engine, node.Files, error) {
	files, err := folder.New(dir)
	if err != nil {
		return nil, nil, err
	}
	e := &duckdb.Engine{Folders: []string{dir}, Files: files}
	if *reenable != "" {
		e.Optimizers = []string{*reenable}
	}
	return e, files, nil
}

// TestGeneratedFlows compares records, counts and marks of generated flows with the interpreter.
func TestGeneratedFlows(t *testing.T) {
	t.Parallel()
	n, seed := *flowCount, *firstSeed
	switch {
	case testing.Short():
		n = min(n, 150)
	case os.Getenv("SPARK_SOAK") != "": // other flows every time; a failure prints its seed
		n, seed = 25*n, uint64(time.Now().UnixNano())
	}
	var next, failed atomic.Int64
	var mu sync.Mutex
	used := map[string]int{}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(n) || failed.Load() >= 5 {
					return
				}
				seed := seed + uint64(i)
				features, err := checkOne(seed)
				if err != nil {
					failed.Add(1)
					t.Errorf("seed %d: %v", seed, err)
					continue
				}
				mu.Lock()
				for f, c := range features {
					used[f] += c
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if t.Failed() || testing.Short() { // few flows have not every feature
		return
	}
	for _, f := range enginetest.Features {
		if used[f] < max(1, n/200) {
			t.Errorf("%d generated flows had %q %d times: too few to prove anything", n, f, used[f])
		}
	}
	t.Logf("%d flows, features %v", n, used)
}

func checkOne(seed uint64) (map[string]int, error) {
	dir, err := os.MkdirTemp("", fmt.Sprintf("enginetest-%d-", seed))
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	return enginetest.Check(seed, embedded, dir)
}
