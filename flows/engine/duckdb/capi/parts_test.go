package capi

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestPartsOfJSON: the functions for any number of parts are there for every statement that names them, also where several
// name them at once.
func TestPartsOfJSON(t *testing.T) {
	t.Parallel()
	db, err := Open(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	for range 4 {
		c, err := db.Connect()
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			defer c.Close()
			for _, n := range []int{0, 1, 17, 2500} {
				last := "place"
				if n > 0 {
					last = fmt.Sprintf("part%d", n)
				}
				rows, err := c.QueryText(fmt.Sprintf("SELECT struct_extract(json_read_%d('{\"a\": 7}', '%s'), '%s')", n, strings.Repeat("tk1:a.", n), last))
				if err != nil {
					t.Errorf("%d parts: %v", n, err)
				} else if got := rows[0][0]; (got == nil) != (n == 0) || got != nil && *got != "7" {
					t.Errorf("%d parts: the last one is %v", n, got)
				}
			}
		})
	}
	c, err := db.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Exec("SELECT json_read_99999('', '')"); err == nil {
		t.Error("there is a function for any number")
	}
}
