package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"pgregory.net/rapid"
)

// TestRangesCoverEveryPage: each page is in one range, those that come later in the last.
func TestRangesCoverEveryPage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pages := rapid.Int64Range(1, 100_000).Draw(t, "pages")
		bytes := rapid.Int64Range(pages*8192, pages*8192*50).Draw(t, "bytes")
		at := int64(0)
		parts := cut(pages, bytes)
		for i, p := range parts {
			if p.first != at || i < len(parts)-1 && p.end <= p.first {
				t.Fatalf("range %d is %d to %d after %d", i, p.first, p.end, at)
			}
			at = p.end
		}
		if at != -1 {
			t.Fatalf("the last range ends at %d", at)
		}
	})
}

// TestSmallNumerics: the short way gives what the long one gives.
func TestSmallNumerics(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,16}(\.[0-9]{1,8})?`).Draw(t, "number")
		var n pgtype.Numeric
		if err := n.Scan(text); err != nil {
			t.Fatal(err)
		}
		v, err := typeMap.Encode(pgtype.NumericOID, pgtype.BinaryFormatCode, n, nil)
		if err != nil {
			t.Fatal(err)
		}
		precision := rapid.IntRange(1, 18).Draw(t, "precision")
		scale := rapid.IntRange(0, precision).Draw(t, "scale")
		short, shortErr := parseNumeric(v, precision, scale)
		long, longErr := parseNumeric(v, 38, scale)
		fits := longErr == nil && long.FitsInPrecision(int32(precision))
		if (shortErr == nil) != fits || fits && short != long {
			t.Fatalf("%s as decimal(%d,%d): %v %v, want %v %v", text, precision, scale, short, shortErr, long, longErr)
		}
	})
}
