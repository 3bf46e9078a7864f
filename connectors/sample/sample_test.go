package sample

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"spark/connectors/internal/batch"
	"spark/connectors/internal/filetest"
	"spark/flows/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func read(t testing.TB, name string, n int64, dirty bool, fields ...string) filetest.Outcome {
	t.Helper()
	s := &source{name: name, dataset: datasets[name], records: n, dirty: dirty}
	if fields == nil {
		fields = s.schema().Names()
	}
	return filetest.Read(s, node.Reading{Fields: fields, Threads: 3})
}

func TestDeterministic(t *testing.T) {
	for name := range datasets {
		for _, dirty := range []bool{false, true} {
			a, b := read(t, name, 35_000, dirty), read(t, name, 35_000, dirty)
			if d := cmp.Diff(a, b); d != "" {
				t.Errorf("%s: %s", name, d)
			}
			if a.Stats.Records != 35_000 || len(a.Records) != 35_000 || !a.Stats.Complete {
				t.Errorf("%s: %d records, %+v", name, len(a.Records), a.Stats)
			}
		}
	}
}

func TestGolden(t *testing.T) {
	want := map[string][]string{
		"orders":    {"1", "1", "1"},
		"customers": {"1"},
		"products":  {"1", "SP-00001"},
	}
	for name, w := range want {
		got := read(t, name, 3, false).Records[0]
		if got[0] != w[0] || len(got) != len(datasets[name].columns) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestReferencesExist(t *testing.T) {
	ids := map[string]bool{}
	countryOf := map[string]string{}
	for _, r := range read(t, "customers", 1000, false, "customer_id", "country").Records {
		ids[r[0]], countryOf[r[0]] = true, r[1]
	}
	prices := map[string]string{}
	for _, r := range read(t, "products", 100, false, "product_id", "price").Records {
		prices[r[0]] = r[1]
	}
	for _, r := range read(t, "orders", 10_000, false, "customer_id", "product_id", "unit_price", "country").Records {
		if !ids[r[0]] || prices[r[1]] != r[2] || countryOf[r[0]] != r[3] {
			t.Fatalf("order %q does not match", r)
		}
	}
}

func TestDirtyHasNulls(t *testing.T) {
	nulls := 0
	for _, r := range read(t, "orders", 10_000, true, "quantity").Records {
		if r[0] == "(null)" {
			nulls++
		}
	}
	if nulls < 100 || nulls > 400 {
		t.Errorf("%d nulls", nulls)
	}
}

func TestEnoughEndsEarlyWithoutLeak(t *testing.T) {
	s := &source{name: "orders", dataset: datasets["orders"], records: 1e9}
	before := batch.InUse()
	stats, err := s.Read(context.Background(), &node.Reading{Fields: []string{"order_id"}, Threads: 2, Emit: func(b node.Batch) error {
		r := b.Records
		r.Release()
		return node.ErrEnough
	}})
	if err != nil || stats.Complete || stats.Records != batchRecords {
		t.Errorf("%+v, %v", stats, err)
	}
	if used := batch.InUse(); used != before {
		t.Errorf("%d octets leaked", used-before)
	}
}

func BenchmarkOrders(b *testing.B) {
	s := &source{name: "orders", dataset: datasets["orders"], records: 3_000_000}
	for range b.N {
		_, err := s.Read(context.Background(), &node.Reading{Fields: s.schema().Names(), Threads: 1, Emit: func(b node.Batch) error {
			r := b.Records
			r.Release()
			return nil
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(s.records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
