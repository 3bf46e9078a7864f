package database_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"spark/flows"
)

// cutter is a proxy that cuts the connection over which a text is sent: before the server gets it, or before the client
// gets the answer.
type cutter struct {
	listener net.Listener
	server   string
	text     []byte
	after    bool
	cuts     atomic.Int32
}

func newCutter(t *testing.T, server, text string, after bool) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, server: server, text: []byte(text), after: after}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(client)
		}
	}()
	return c
}

func (c *cutter) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.server)
	if err != nil {
		return
	}
	defer server.Close()
	var cut atomic.Bool
	answers := make(chan struct{})
	go func() {
		defer close(answers)
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if cut.Load() {
				client.Close() // the answer to the last statement has come, and goes nowhere
				return
			}
			if n > 0 {
				if _, err := client.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				client.Close()
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			found := bytes.Contains(buf[:n], c.text) && c.cuts.CompareAndSwap(0, 1)
			if found && !c.after {
				return
			}
			if found {
				cut.Store(true)
			}
			if _, err := io.Copy(server, bytes.NewReader(buf[:n])); err != nil {
				return
			}
		}
		if err != nil {
			server.Close()
			<-answers
			return
		}
	}
}

// TestConnectionCut: wherever the connection is cut, the run says what became of the records, and that is so. Cut after
// the server got the COMMIT they are there and the run succeeds; anywhere else nothing is there and it fails.
func TestConnectionCut(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		for name, test := range s.cuts {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, s)
				f.exec("CREATE TABLE products (id bigint, name " + s.text + ", price numeric(10,2))")
				f.exec(s.commits)
				u, err := url.Parse(f.url)
				if err != nil {
					t.Fatal(err)
				}
				c := newCutter(t, u.Host, test.text, test.after)
				_, port, err := net.SplitHostPort(c.listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				f.connections["warehouse"] = f.spec(map[string]any{"port": json.Number(port)})
				f.file("products.csv", "id,name,price\n1,a,1\n2,b,2\n")
				o := f.flow("file.input", products, "database.output", output("append", ""))
				if c.cuts.Load() != 1 {
					t.Fatalf("nothing was cut: %v", o.err)
				}
				want := "0"
				if test.code == "" {
					o.ok(t)
					want = "2"
				} else if e := flows.AsError(o.err); e == nil || e.Code != test.code {
					t.Fatalf("the run ended with %v", o.err)
				}
				if got := f.rows("SELECT count(*) FROM products"); got != want {
					t.Errorf("the table has %s records, want %s", got, want)
				}
			})
		}
	})
}
