// Package storetest is the conformance suite of the metadata store. It runs on every database the store supports.
package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spark/flows"
	"spark/store"
)

// Run runs the suite. fresh returns the configuration of a new, empty database; it is called once per test.
func Run(t *testing.T, fresh func(t *testing.T) store.Config) {
	for name, test := range map[string]func(*testing.T, *bundle){
		"create and get":                      testCreateGet,
		"create gives new ids":                testCreateIDs,
		"save draft":                          testSaveDraft,
		"stale etag":                          testStaleEtag,
		"one saver wins per etag":             testConcurrentSavers,
		"unknown members survive":             testUnknownMembers,
		"unreadable documents are refused":    testUnreadable,
		"unicode":                             testUnicode,
		"one megabyte":                        testMegabyte,
		"delete and restore":                  testDeleteRestore,
		"freeze":                              testFreeze,
		"freeze by many at once":              testConcurrentFreeze,
		"freeze while others save":            testFreezeWhileSaving,
		"publish":                             testPublish,
		"revisions are paged":                 testRevisionPages,
		"other projects see nothing":          testIsolation,
		"scope is required":                   testScopeRequired,
		"malformed ids are not found":         testMalformedIDs,
		"list":                                testList,
		"search":                              testSearch,
		"pages while flows change":            testPagesWhileChanging,
		"pages of equal times":                testPagesOfEqualTimes,
		"bad cursors":                         testBadCursors,
		"audit":                               testAudit,
		"audit and revisions are immutable":   testImmutable,
		"a failed change leaves nothing":      testFailedChange,
		"reopening keeps everything":          testReopen,
		"opened by many at once":              testConcurrentOpen,
		"a newer database is refused":         testNewer,
		"a cancelled context changes nothing": testCancelled,
		"run":                                 testRun,
		"a run and its job":                   testRunAndJob,
		"a key starts one run":                testRunKey,
		"an old fence writes nothing":         testFence,
		"runs of a flow take turns":           testAlone,
		"turns are kept by many at once":      testAloneRaces,
		"a run is skipped while one goes on":  testSkip,
		"cancel a queued run":                 testCancelQueued,
		"list runs":                           testRunList,
		"log, rejects and samples":            testRunDetails,
		"runs of other projects":              testRunIsolation,
		"connections":                         testConnections,
		"cursors":                             testCursors,
		"pins":                                testPins,
		"answers":                             testAnswers,
		"a migration that was skipped":        testSkippedMigration,
		"environments":                        testEnvironments,
		"a renamed environment":               testRenamedEnvironment,
		"runs in an environment":              testRunInEnvironment,
		"connections of other projects":       testConnectionIsolation,
		"grants":                              testGrants,
		"sign-ins":                            testSignIns,
		"grants of several servers":           testGrantsOfServers,
		"inbox":                               testInbox,
		"discard":                             testDiscard,
		"replays take rejects":                testReplayClaims,
		"purge":                               testPurge,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, fresh(t)))
		})
	}
}

// bundle is an open store with a clock that tests move.
type bundle struct {
	*store.Store
	cfg   store.Config
	clock *clock
	scope flows.Scope
}

func setup(t *testing.T, cfg store.Config) *bundle {
	t.Helper()
	b := &bundle{clock: &clock{}, scope: flows.Scope{Project: "p1", Actor: "ann"}}
	b.clock.Set(time.Date(2026, 3, 29, 1, 59, 59, 123_456_000, time.UTC))
	b.cfg = cfg
	b.cfg.Now = b.clock.Now
	b.cfg.RejectBytes = 3 << 19
	b.Store = b.open(t)
	return b
}

func (b *bundle) open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), b.cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// clock stands still until it is moved.
type clock struct{ us atomic.Int64 }

func (c *clock) Now() time.Time          { return time.UnixMicro(c.us.Load()) }
func (c *clock) Set(to time.Time)        { c.us.Store(to.UnixMicro()) }
func (c *clock) Advance(d time.Duration) { c.us.Add(d.Microseconds()) }

func flow(name string) *flows.Flow {
	return &flows.Flow{Format: flows.Format, Name: name,
		Nodes: []flows.Node{{ID: "in", Type: "file.input", Version: 1, Config: []byte(`{"path":"a.csv"}`)}}}
}

func (b *bundle) create(t *testing.T, name string) flows.Draft {
	t.Helper()
	d, err := b.Flows.Create(t.Context(), b.scope, flow(name))
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	return d
}

func (b *bundle) save(t *testing.T, d flows.Draft, doc *flows.Flow) flows.Draft {
	t.Helper()
	d, err := b.Flows.SaveDraft(t.Context(), b.scope, d.FlowID, d.Etag, doc)
	if err != nil {
		t.Fatalf("save: %v", err)
	}
	return d
}

func (b *bundle) get(t *testing.T, id string) flows.Draft {
	t.Helper()
	d, err := b.Flows.Get(t.Context(), b.scope, id)
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	return d
}

func (b *bundle) freeze(t *testing.T, id string) flows.Revision {
	t.Helper()
	r, err := b.Flows.Freeze(t.Context(), b.scope, id)
	if err != nil {
		t.Fatalf("freeze: %v", err)
	}
	return r
}

func (b *bundle) actions(t *testing.T, id string) []string {
	t.Helper()
	entries, err := b.Audit.Object(t.Context(), b.scope, "flow", id)
	if err != nil {
		t.Fatalf("audit: %v", err)
	}
	actions := []string{}
	for _, e := range entries {
		actions = append(actions, e.Action)
	}
	return actions
}

// wantCode fails unless err is a *flows.Error with that code, and returns it.
func wantCode(t *testing.T, err error, code string) *flows.Error {
	t.Helper()
	e, ok := errors.AsType[*flows.Error](err)
	if !ok || e.Code != code {
		t.Fatalf("error = %v, want code %s", err, code)
	}
	return e
}

// together calls f n times at once and returns the errors by index.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// edited is a document that differs from every other by its note.
func edited(format string, args ...any) *flows.Flow {
	f := flow("edited")
	f.Nodes[0].Notes = fmt.Sprintf(format, args...)
	return f
}

func canonical(t *testing.T, id string, doc *flows.Flow) []byte {
	t.Helper()
	c := *doc
	c.ID = id
	b, err := c.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
