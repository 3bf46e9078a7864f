package main

import "testing"

func TestSizes(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]byteSize{"1": 1, "512MB": 512 << 20, "4gb": 4 << 30, " 1.5 GB ": 3 << 29, "10kB": 10 << 10} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "4G", "4TB", "1 2MB", "0", "-1GB", "0.1", "nan", "inf", "1e30", "GB"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("%s is read as %d", s, got)
		}
	}
}
