package storetest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
)

func (b *bundle) list(t *testing.T, o flows.ListOptions) flows.Page[flows.Draft] {
	t.Helper()
	page, err := b.Flows.List(t.Context(), b.scope, o)
	if err != nil {
		t.Fatalf("list %+v: %v", o, err)
	}
	return page
}

func names(drafts []flows.Draft) []string {
	out := []string{}
	for _, d := range drafts {
		out = append(out, d.Name)
	}
	return out
}

func testList(t *testing.T, b *bundle) {
	if page := b.list(t, flows.ListOptions{}); len(page.Items) != 0 || page.Next != "" {
		t.Errorf("an empty project lists %+v", page)
	}
	var drafts []flows.Draft
	for i := range 5 {
		b.clock.Advance(time.Microsecond)
		drafts = append(drafts, b.create(t, fmt.Sprint(i)))
	}
	b.clock.Advance(time.Second)
	drafts[1] = b.save(t, drafts[1], flow("1 saved"))
	page := b.list(t, flows.ListOptions{})
	if diff := cmp.Diff([]string{"1 saved", "4", "3", "2", "0"}, names(page.Items)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	want := drafts[1]
	want.Document = nil // lists are light
	if diff := cmp.Diff(want, page.Items[0]); diff != "" {
		t.Errorf("item (-want +got):\n%s", diff)
	}
	if page := b.list(t, flows.ListOptions{Limit: 5}); page.Next != "" {
		t.Error("a full last page promises another one")
	}
	for range 250 {
		b.create(t, "many")
	}
	if n := len(b.list(t, flows.ListOptions{}).Items); n != 50 {
		t.Errorf("the default page has %d flows, want 50", n)
	}
	if n := len(b.list(t, flows.ListOptions{Limit: 1 << 40}).Items); n != 200 {
		t.Errorf("the largest page has %d flows, want 200", n)
	}
}

func testSearch(t *testing.T, b *bundle) {
	for _, name := range []string{"Bestellungen Größe", "100% orders", "orders_eu", "ordersXeu", `back\slash`, "CAFE\u0301", "Straße", "NUL\x00"} {
		b.create(t, name)
	}
	for search, want := range map[string][]string{
		"GRÖSSE":                  {"Bestellungen Größe"},
		"bestell":                 {"Bestellungen Größe"},
		"%":                       {"100% orders"},
		"s_e":                     {"orders_eu"},
		`\`:                       {`back\slash`},
		"café":                    {"CAFE\u0301"},
		"strasse":                 {"Straße"},
		"NUL\x00":                 {"NUL\uFFFD"},
		"no such name":            {},
		"' OR 1=1 --":             {},
		"\xff\xfe":                {"NUL\uFFFD"},
		string(make([]byte, 1e6)): {},
	} {
		if diff := cmp.Diff(want, names(b.list(t, flows.ListOptions{Search: search}).Items)); diff != "" {
			t.Errorf("search %.20q (-want +got):\n%s", search, diff)
		}
	}
}

// pages reads all pages and calls between after each.
func (b *bundle) pages(t *testing.T, o flows.ListOptions, between func(page int)) []flows.Draft {
	t.Helper()
	var all []flows.Draft
	for n := 1; ; n++ {
		page := b.list(t, o)
		all = append(all, page.Items...)
		if o.Cursor = page.Next; o.Cursor == "" {
			return all
		}
		if n > 1000 {
			t.Fatal("the pages do not end")
		}
		between(n)
	}
}

func testPagesWhileChanging(t *testing.T, b *bundle) {
	touched := map[string]bool{}
	var drafts []flows.Draft
	for i := range 40 {
		b.clock.Advance(time.Millisecond)
		drafts = append(drafts, b.create(t, fmt.Sprint(i)))
	}
	all := b.pages(t, flows.ListOptions{Limit: 7}, func(page int) {
		b.clock.Advance(time.Millisecond)
		seen, unseen := drafts[39-page], drafts[page-1]
		for _, d := range []flows.Draft{seen, unseen} {
			b.save(t, d, flow("touched"))
			touched[d.FlowID] = true
		}
		gone := drafts[20+page]
		if err := b.Flows.Delete(t.Context(), b.scope, gone.FlowID); err != nil {
			t.Fatal(err)
		}
		touched[gone.FlowID] = true
		b.create(t, "new")
	})
	count := map[string]int{}
	for _, d := range all {
		if count[d.FlowID]++; count[d.FlowID] > 1 {
			t.Errorf("flow %s is listed twice", d.Name)
		}
	}
	for i, d := range drafts {
		if !touched[d.FlowID] && count[d.FlowID] != 1 {
			t.Errorf("flow %d, which nobody touched, is missing", i)
		}
	}
	if len(touched) < 12 {
		t.Fatalf("%d flows were touched: the test does not do what it says", len(touched))
	}
}

// testPagesOfEqualTimes needs the id as second key: the clock stands still.
func testPagesOfEqualTimes(t *testing.T, b *bundle) {
	var want []string
	for i := range 23 {
		want = append(want, b.create(t, fmt.Sprint(i%3)).FlowID)
	}
	slices.Sort(want)
	slices.Reverse(want)
	var got []string
	for _, d := range b.pages(t, flows.ListOptions{Limit: 1}, func(int) {}) {
		got = append(got, d.FlowID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if n := len(b.pages(t, flows.ListOptions{Limit: 3, Search: "1"}, func(int) {})); n != 8 {
		t.Errorf("the pages of a search hold %d flows, want 8", n)
	}
}

func testBadCursors(t *testing.T, b *bundle) {
	b.create(t, "x")
	enc := base64.RawURLEncoding.EncodeToString
	for _, cursor := range []string{"!", "x", enc([]byte("1")), enc([]byte("1 x")), enc([]byte("1 \x00")), enc([]byte("99999999999999999999 01890000-0000-7000-8000-000000000000"))} {
		_, err := b.Flows.List(t.Context(), b.scope, flows.ListOptions{Cursor: cursor})
		wantCode(t, err, "cursor.invalid")
	}
}
