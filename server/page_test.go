package server

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"spark/flows"
	"spark/flows/node"
)

// asPage asks for a page as a browser does.
func (s *site) asPage(address string, header ...string) answer {
	s.t.Helper()
	return s.ask(http.MethodGet, address, nil, append([]string{"Accept", "text/html"}, header...)...)
}

// parsePage reads a page and checks what is true of every page: no script but files of this server, no handlers, no address
// of elsewhere, and no style that the policy would refuse.
func parsePage(t *testing.T, a answer) *html.Node {
	t.Helper()
	if kind := a.header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Fatalf("%s is %s: %s", a.what, kind, a.body)
	}
	policy := a.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "script-src 'self';") || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("%s has the policy %q", a.what, policy)
	}
	root, err := html.Parse(strings.NewReader(string(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" && (n.FirstChild != nil || attribute(n, "src") == "") {
			t.Errorf("%s has a script of its own", a.what)
		}
		if nonce := attribute(n, "nonce"); n.Data == "style" && (nonce == "" || !strings.Contains(policy, "'nonce-"+nonce+"'")) {
			t.Errorf("%s has a style that is refused", a.what)
		}
		for _, at := range n.Attr {
			link := slices.Contains([]string{"href", "src", "action", "formaction", "xlink:href", "srcset", "poster", "data"}, at.Key)
			if strings.HasPrefix(at.Key, "on") || at.Key == "srcdoc" || at.Key == "style" || link && (!strings.HasPrefix(at.Val, "/") && !strings.HasPrefix(at.Val, "#") || strings.HasPrefix(at.Val, "//")) {
				t.Errorf("%s has %s=%q at a %s", a.what, at.Key, at.Val, n.Data)
			}
		}
	}
	return root
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// varying is what differs between two renderings of the same state: ids, cursors and nonces.
var varying = regexp.MustCompile(`^[\w+/]{22}$|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|cursor=[\w-]+`)

const harmless = "harmless"

// skeleton writes elements, attributes and texts of a page with data, in whatever form it stands there, replaced by a
// harmless word. times is how often the data stands there.
func skeleton(root *html.Node, data string) (text string, times int) {
	quoted := strconv.Quote(data)
	var forms []string
	for _, form := range []string{quoted[1 : len(quoted)-1], data, url.PathEscape(data), url.QueryEscape(data)} {
		if !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	var b strings.Builder
	write := func(s string) {
		for _, form := range forms {
			times += strings.Count(s, form)
			s = strings.ReplaceAll(s, form, harmless)
		}
		b.WriteString(strconv.Quote(varying.ReplaceAllString(s, "…")) + "\n")
	}
	for n := range root.Descendants() {
		b.WriteString(fmt.Sprint(n.Type) + " ")
		write(n.Data)
		for _, a := range n.Attr {
			if a.Key != "nonce" {
				b.WriteString(a.Namespace + " " + a.Key + "=")
				write(a.Val)
			}
		}
	}
	return b.String(), times
}

var polyglots = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)' x='`, `javascript:alert(1)`, `</script><script>alert(1)</script>`,
	`</title></textarea></style><svg onload=alert(1)>`, `<!--`, `-->]]><b>`, `{{constructor.constructor('alert(1)')()}}`, `${alert(1)} #{7*7} <%= 7*7 %>`,
	"a\u2028alert(1)\u2029b", `&lt;b&gt;&#39;&quot;`, `jaVasCript:/*-/*` + "`" + `/*\` + "`" + `/*'/*"/**/(/* */oNcliCk=alert() )//`, `data:text/html,<script>alert(1)</script>`, `//evil.example/`,
}

// pagesWith are all pages that show data, in a state in which data is the name or the text of everything.
func pagesWith(t *testing.T, data string) map[string]answer {
	now := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	s := newSiteAt(t, func() time.Time { return now })
	document := strings.Replace(document1(data), `"type":"sample.data"`, `"name":`+strconv.Quote("x")+`,"type":"sample.data"`, 1)
	f := s.createFlow(document)
	s.createFlow(document)
	s.executor.err = &flows.Error{Code: "csv.type", Path: flows.Path{Node: "in", File: data, Column: data, Line: 8}, Message: "wrong: " + data, Suggestion: "correct " + data}
	s.executor.counts = []flows.NodeStatus{{Node: "in", State: flows.NodeFailed, Reason: data}}
	failed, waiting := s.start(f), s.start(f)
	s.work(failed)
	gone := s.createFlow(document)
	s.start(gone)
	s.ask(http.MethodDelete, flowAt(gone, ""), nil).is(http.StatusNoContent, nil)
	q := url.QueryEscape(data)
	return map[string]answer{
		"flows": s.asPage("/flows"), "found flows": s.asPage("/flows?limit=1&search=" + q), "no flows": s.asPage("/flows?search=none" + q),
		"editor": s.asPage("/flows/" + f.ID), "runs": s.asPage("/runs"), "runs of a flow": s.asPage("/runs?limit=1&flow=" + f.ID),
		"runs of a deleted flow": s.asPage("/runs?flow=" + gone.ID), "runs of no flow": s.asPage("/runs?flow=" + q), "failed run": s.asPage("/runs/" + failed.ID),
		"waiting run": s.asPage("/runs/" + waiting.ID), "wrong limit": s.asPage("/flows?limit=" + q), "wrong cursor": s.asPage("/runs?cursor=" + q),
		"wrong state": s.asPage("/runs?state=" + q), "no flow": s.asPage("/flows/" + url.PathEscape(strings.ReplaceAll(data, "/", ""))), "no page": s.asPage("/no/" + q),
		"no help": s.asPage("/help/nodes/" + url.PathEscape(strings.ReplaceAll(data, "/", ""))), "wrong key": s.asPage("/login?key=" + q),
		"another theme": s.asPage("/flows", "Cookie", "spark_theme="+q), "nobody": s.asPage("/flows", "Authorization", data),
	}
}

// TestDataStaysText: whatever flows, files and errors are called, a page has the same elements and attributes as with a
// harmless word, and says the text literally.
func TestDataStaysText(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	shown := map[string]int{}
	for name, a := range pagesWith(t, harmless) {
		want[name], shown[name] = skeleton(parsePage(t, a), harmless)
	}
	for name, least := range map[string]int{"flows": 4, "found flows": 3, "no flows": 1, "editor": 1, "runs": 3, "runs of a flow": 2, "runs of a deleted flow": 1, "failed run": 3, "waiting run": 1, "wrong limit": 1} {
		if shown[name] < least {
			t.Errorf("page %q shows the data %d times, not %d", name, shown[name], least)
		}
	}
	for _, data := range polyglots {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			for name, a := range pagesWith(t, data) {
				got, times := skeleton(parsePage(t, a), data)
				if strings.ContainsAny(data, `/;%\`) && slices.Contains([]string{"no page", "no flow", "no help"}, name) {
					continue // the address is another one
				}
				if got != want[name] {
					t.Errorf("page %q differs: %s", name, difference(want[name], got))
				}
				if times < shown[name] {
					t.Errorf("page %q shows the text %d times instead of %d", name, times, shown[name])
				}
			}
		})
	}
}

// difference is the first line that is another one.
func difference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("%s instead of %s", bs[i], as[i])
		}
	}
	return fmt.Sprintf("%d lines instead of %d", len(bs), len(as))
}

// TestHelpPages: every node type has one, with its settings.
func TestHelpPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, n := range node.Types() {
		a := s.asPage("/help/nodes/"+n.ID).is(http.StatusOK, nil)
		page, _ := skeleton(parsePage(t, a), harmless)
		if !strings.Contains(page, strconv.Quote(n.Title)) || !strings.Contains(page, strconv.Quote(n.Summary)) {
			t.Errorf("the help of %s does not say its title and summary", n.ID)
		}
	}
}

// TestGallery: it shows every state of a run, and is served only where it was asked for.
func TestGallery(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	page, _ := skeleton(parsePage(t, s.asPage("/gallery").is(http.StatusOK, nil)), harmless)
	for _, text := range []string{"Queued", "Running", "Done", "Done with rejects", "Failed", "Cancelled", "All states", "Older flows", "nothing like this", "<script>alert(1)</script> with a name", "make web"} {
		if !strings.Contains(page, text) {
			t.Errorf("%q is not in the gallery", text)
		}
	}
	if code := ask(newTestServer(t), http.MethodGet, "/gallery", ourHost, map[string]string{"Authorization": "Bearer " + testKey}); code != http.StatusNotFound {
		t.Errorf("where it was not asked for: %d", code)
	}
}

// TestErrorPages: people get the sentence, what to do, and the status; who is unknown is told how to come in.
func TestErrorPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for address, test := range map[string]struct {
		answer answer
		status int
		texts  []string
	}{
		"no flow":     {s.asPage("/flows/x"), 404, []string{"There is no such flow in this project.", "It may have been deleted"}},
		"no page":     {s.asPage("/nonsense"), 404, []string{"There is nothing at this address.", "Check the address."}},
		"unknown":     {s.asPage("/flows", "Authorization", ""), 401, []string{"Open Spark with its key", "Spark does not know who you are."}},
		"wrong state": {s.asPage("/runs?state=x"), 400, []string{"There is no such state of runs."}},
	} {
		test.answer.is(test.status, nil)
		page, _ := skeleton(parsePage(t, test.answer), harmless)
		for _, text := range test.texts {
			if !strings.Contains(page, text) {
				t.Errorf("%s: %q is not said", address, text)
			}
		}
	}
}
