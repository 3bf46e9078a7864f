package csv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"spark/connectors/folder"
	"spark/connectors/internal/filetest"
	"spark/flows"
	"spark/flows/node"
)

// fileField reads "name type | format | zone", the last two optional.
func fileField(spec string) node.FileField {
	parts := append(strings.Split(spec, " | "), "", "")
	name, typ, _ := strings.Cut(parts[0], " ")
	t, err := flows.ParseType(typ)
	if err != nil {
		panic(err)
	}
	return node.FileField{Name: name, Type: t, Format: parts[1], Zone: parts[2]}
}

func fileFields(specs ...string) (fs []node.FileField) {
	for _, s := range specs {
		fs = append(fs, fileField(s))
	}
	return fs
}

func names(fs []node.FileField) (ns []string) {
	for _, f := range fs {
		ns = append(ns, f.Name)
	}
	return ns
}

var orderFields = fileFields("order_id int64", "customer_id int32", "product_id int32", "quantity int32", "unit_price decimal(10,2)",
	"currency text", "country text", "status text", "ordered_at timestamp", "note text")

// BenchmarkOrders reads a file of ten columns. SPARK_ORDERS_CSV names a larger one than the generated one.
func BenchmarkOrders(b *testing.B) {
	for _, kind := range []string{"plain", "quoted", "crlf"} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", kind, threads), func(b *testing.B) { benchmarkOrders(b, kind, threads) })
		}
	}
}

func ordersText(kind string) string {
	if name := os.Getenv("SPARK_ORDERS_CSV"); name != "" {
		data, err := os.ReadFile(name)
		if err == nil {
			return dress(string(data), kind)
		}
	}
	var s strings.Builder
	s.WriteString(strings.Join(names(orderFields), ",") + "\n")
	for i := range 300_000 {
		fmt.Fprintf(&s, "%d,%d,%d,%d,%d.%02d,EUR,de,shipped,2024-%02d-%02d 14:06:%02d,note %016X %d\n",
			i+1, i*7919%1_000_000, i*31%100_000, i%20+1, i%1000, i%100, i%12+1, i%28+1, i%60, uint64(i)*0x9E3779B97F4A7C15, i)
	}
	return dress(s.String(), kind)
}

func dress(s, kind string) string {
	switch kind {
	case "crlf":
		return strings.ReplaceAll(s, "\n", "\r\n")
	case "quoted":
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\n", "\"\n\""), ",", `","`)
		return `"` + s[:len(s)-1]
	}
	return s
}

func benchmarkOrders(b *testing.B, kind string, threads int) {
	text := ordersText(kind)
	src, err := newSource(node.FileScan{Path: "orders.csv", Fields: orderFields})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ResetTimer()
	cpu := cpuTime()
	var records int64
	for range b.N {
		stats, err := src.Read(context.Background(), &node.Reading{
			Files: filetest.Files{"orders.csv": text}, Fields: names(orderFields), Threads: threads,
			Emit:   func(b node.Batch) error { b.Records.Release(); return nil },
			Reject: func(r node.Reject) error { return r.Error() },
		})
		if err != nil {
			b.Fatal(err)
		}
		records = stats.Records
	}
	used := cpuTime() - cpu
	b.ReportMetric(used.Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/float64(records), "cpu-ns/record")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkOrdersFile reads the file that SPARK_ORDERS_CSV names from disk.
func BenchmarkOrdersFile(b *testing.B) {
	name := os.Getenv("SPARK_ORDERS_CSV")
	if name == "" {
		b.Skip("SPARK_ORDERS_CSV names no file")
	}
	files, err := folder.New(filepath.Dir(name))
	if err != nil {
		b.Fatal(err)
	}
	src, err := newSource(node.FileScan{Path: filepath.Base(name), Fields: orderFields})
	if err != nil {
		b.Fatal(err)
	}
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			cpu := cpuTime()
			for range b.N {
				stats, err := src.Read(context.Background(), &node.Reading{Files: files, Fields: names(orderFields), Threads: threads,
					Emit:   func(b node.Batch) error { b.Records.Release(); return nil },
					Reject: func(r node.Reject) error { return r.Error() }})
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(stats.Bytes)
			}
			b.ReportMetric((cpuTime()-cpu).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}
