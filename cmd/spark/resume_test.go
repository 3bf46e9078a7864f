package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"spark/flows"
)

// book is an API of several pages that stops at some until it is told to go on, and counts what it is asked for.
type book struct {
	mu    sync.Mutex
	asked map[string]int
	stops map[string]chan struct{} // by page
	at    chan string
}

func (b *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page := r.URL.Query().Get("page")
	b.mu.Lock()
	b.asked[page]++
	stop := b.stops[page]
	delete(b.stops, page)
	b.mu.Unlock()
	if stop != nil {
		b.at <- page
		select {
		case <-stop:
		case <-r.Context().Done():
			return
		}
	}
	n := 0
	_, _ = fmt.Sscan(page, &n)
	items := []string{}
	for i := range 10 {
		if n <= 30 {
			items = append(items, fmt.Sprintf(`{"id": %d}`, n*10+i))
		}
	}
	fmt.Fprintf(w, `{"items": [%s]}`, strings.Join(items, ","))
}

func (b *book) total() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.asked {
		n += k
	}
	return n
}

// kept waits until so many pages of a run are kept: they are written beside the reading.
func (p *place) kept(run string, n int) (files []string) {
	p.t.Helper()
	until(p.t, fmt.Sprintf("%d pages are kept", n), 10*time.Second, func() (ok bool) {
		files, _ = filepath.Glob(p.path("spark/pages/" + run + "/*.page")) // the pattern is right
		return len(files) == n
	})
	return files
}

// TestReadingResumes: the executor is killed after page 9 and the server after page 19. The run goes on, the API is asked for
// each page once but for the two that nobody had, the records are all there, and the pages are gone at its end.
func TestReadingResumes(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	b := &book{asked: map[string]int{}, stops: map[string]chan struct{}{"10": never, "20": never}, at: make(chan string, 2)}
	api := httptest.NewServer(b)
	t.Cleanup(api.Close)
	p := setup(t)
	p.env = append(p.env, "SPARK_ALLOW_NETWORK=loopback")
	s := p.serve()
	s.ask(http.MethodPost, "/api/v1/connections", map[string]any{"name": "shop", "type": "http", "settings": map[string]any{"baseUrl": api.URL}}, nil)
	r := s.begin(chain(step("in", "rest.input", `{"connection":"shop","url":"/","recordPath":"items","paging":"page","fields":[{"name":"id","type":"int64"}]}`), step("when", "formula", `{"fields":[{"name":"began","expression":"started_at()"}]}`), output("out.csv")))
	if page := <-b.at; page != "10" {
		t.Fatalf("it stopped at page %s", page)
	}
	s.ask(http.MethodGet, "/api/v1/runs/"+r.ID, nil, &r)
	when := "," + r.StartedAt.UTC().Format("2006-01-02 15:04:05.999999Z") + "\n" // still, when it is executed for the third time
	kept := p.kept(r.ID, 9)
	info, err := os.Stat(kept[0])
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("a page can be read by others: %v", info.Mode())
	}
	kill(t, syscall.SIGKILL, s.executors()...)
	if page := <-b.at; page != "20" {
		t.Fatalf("it stopped at page %s", page)
	}
	p.kept(r.ID, 19)
	s.Kill()
	until(t, "its executors end", 10*time.Second, func() bool { return len(p.executors()) == 0 })
	s = p.serve()
	if r = s.until("the run ends", r.ID, 30*time.Second, over); r.State != flows.RunSucceeded || r.Written != 300 {
		t.Fatalf("the run ended as %+v", r)
	}
	if n := b.total(); n != 31+2 {
		t.Errorf("%d requests were made for 31 pages: %v", n, b.asked)
	}
	lines := strings.SplitAfter(strings.ReplaceAll(p.read("spark/files/out.csv"), `"`, ""), "\n")
	if len(lines) != 302 || lines[1] != "10"+when || lines[300] != "309"+when {
		t.Errorf("%d lines, the first is %s, where 10%s was expected", len(lines), lines[1], when)
	}
	until(t, "the pages are gone", 5*time.Second, func() bool { return !p.exists("spark/pages/" + r.ID) })
}

// TestSendingReadsKeptPages: a run that is killed while it sends what it has read of an API sends the rest of these records, and does
// not ask the API again, which may have others by now.
func TestSendingReadsKeptPages(t *testing.T) {
	t.Parallel()
	b := &book{asked: map[string]int{}}
	pages := httptest.NewServer(b)
	t.Cleanup(pages.Close)
	var mu sync.Mutex
	var once sync.Once
	keys := map[string]bool{}
	stop, reached := make(chan struct{}), make(chan struct{})
	taking := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		keys[r.Header.Get("Idempotency-Key")] = true
		first := len(keys) == 100
		mu.Unlock()
		if first {
			once.Do(func() {
				close(reached)
				select {
				case <-stop:
				case <-r.Context().Done():
				}
			})
		}
	}))
	t.Cleanup(taking.Close)
	p := setup(t)
	p.env = append(p.env, "SPARK_ALLOW_NETWORK=loopback")
	s := p.serve()
	r := s.begin(chain(step("in", "rest.input", fmt.Sprintf(`{"url":%q,"recordPath":"items","paging":"page","fields":[{"name":"id","type":"int64"}]}`, pages.URL)), step("send", "rest.output", fmt.Sprintf(`{"url":%q,"parallel":1}`, taking.URL))))
	<-reached
	p.kept(r.ID, 31)
	kill(t, syscall.SIGKILL, s.executors()...)
	close(stop)
	if r = s.until("the run ends", r.ID, 60*time.Second, over); r.State != flows.RunSucceeded || r.Written != 300 {
		t.Fatalf("the run ended as %+v", r)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(keys) != 300 || b.total() != 31 {
		t.Errorf("%d records were sent, and the API was asked for %d pages", len(keys), b.total())
	}
}
