package server

import (
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"spark/flows"
	"spark/flows/plan"
	"spark/server/api"
	"spark/static"
	"spark/web"
)

// The sources of what pages load, as Vite's manifest names them.
const (
	pageScript       = "web/page/page.ts"
	pageStyle        = "web/style/page.css"
	editorEntry      = "web/editor/src/main.tsx"
	runEntry         = "web/editor/src/run.tsx"
	connectionsEntry = "web/editor/src/connections.tsx"
	rejectsEntry     = "web/editor/src/rejects.tsx"
)

func (s *Server) pageRoutes() []route {
	routes := []route{
		{method: get, path: "/", action: FlowRead, handle: toFlows},
		{method: get, path: "/flows", action: FlowRead, handle: s.flowsPage},
		{method: get, path: "/flows/:id", action: FlowRead, handle: s.editorPage},
		{method: get, path: "/runs", action: RunRead, handle: s.runsPage},
		{method: get, path: "/runs/:id", action: RunRead, handle: s.runPage},
		{method: get, path: "/connections", action: ConnectionRead, handle: s.connectionsPage},
		{method: get, path: "/rejects", action: RejectRead, handle: s.rejectsPage},
		{method: get, path: "/help/nodes/:type", action: CatalogueRead, handle: s.helpPage},
		{method: get, path: "/login", action: Public, handle: s.login},
		{method: get, path: "/static/*", action: Public, handle: s.static},
	}
	if s.Gallery {
		routes = append(routes, route{method: get, path: "/gallery", action: CatalogueRead, handle: s.galleryPage})
	}
	for i := range routes {
		routes[i].page = true
	}
	return routes
}

func toFlows(c *call) error { return c.Redirect(http.StatusSeeOther, "/flows") }

// login takes the key of the printed address for a session, and the key out of the address bar.
func (s *Server) login(c *call) error {
	if !s.isKey(c.QueryParam("key")) {
		return &flows.Error{Code: "auth.required", Message: "this address has not the key of this Spark", Suggestion: "open the address that spark serve printed when it last started"}
	}
	c.SetCookie(s.newSession())
	return toFlows(c)
}

// frame is what every page has: entries are the sources of what it loads besides the page's own.
func (s *Server) frame(c echo.Context, title, section string, entries ...string) web.Frame {
	nonce, _ := c.Get(nonceKey).(string)
	f := web.Frame{Title: title, Section: section, Nonce: nonce, Built: true}
	if cookie, err := c.Cookie("spark_theme"); err == nil && (cookie.Value == "light" || cookie.Value == "dark") {
		f.Theme = cookie.Value
	}
	if known, ok := c.(*call); ok && s.Rejects != nil {
		if n, err := s.Rejects.Count(known.Request().Context(), known.scope); err == nil { // a page without the number is better than none
			f.Rejects = n
		}
	}
	for _, source := range append([]string{pageStyle, pageScript}, entries...) {
		e, built := s.bundle.Entry(source)
		f.Built = f.Built && built
		if e.Script != "" {
			f.Scripts = append(f.Scripts, e.Script)
		}
		for _, style := range e.Styles {
			if !slices.Contains(f.Styles, style) {
				f.Styles = append(f.Styles, style)
			}
		}
	}
	return f
}

func show(c echo.Context, status int, page templ.Component) error {
	c.Response().Header().Set("Content-Type", "text/html; charset=utf-8")
	c.Response().WriteHeader(status)
	if err := page.Render(c.Request().Context(), c.Response()); err != nil {
		return fmt.Errorf("render: %w", err)
	}
	return nil
}

func (s *Server) errorPage(c echo.Context, p api.Problem) error {
	f := s.frame(c, p.Title, "")
	f.Bare = p.Status == http.StatusUnauthorized || p.Status == http.StatusMisdirectedRequest
	heading := map[int]string{401: "Open Spark with its key", 404: "There is nothing here", 500: "Something went wrong"}[p.Status]
	if c.Path() == callbackPath && heading == "" {
		heading = "You are not signed in"
	}
	if heading == "" {
		heading = p.Title
	}
	return show(c, p.Status, web.MessagePage(web.Message{Frame: f, Heading: heading, Text: sentence(p.Detail), Suggestion: sentence(p.Suggestion), SignIn: p.Status == http.StatusUnauthorized}))
}

// sentence gives a message of an error the form of a sentence.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	r := []rune(text)
	return strings.ToUpper(string(r[:1])) + strings.TrimSuffix(string(r[1:]), ".") + "."
}

func (s *Server) flowsPage(c *call) error {
	o, err := c.page()
	if err != nil {
		return err
	}
	page, err := s.Flows.List(c.Request().Context(), c.scope, o)
	if err != nil {
		return err
	}
	var ids []string
	for _, d := range page.Items {
		ids = append(ids, d.FlowID)
	}
	last, err := s.LastRuns.LastRuns(c.Request().Context(), c.scope, ids)
	if err != nil {
		return err
	}
	v := web.Flows{Frame: s.frame(c, "Flows", "flows"), Search: o.Search, More: o.Cursor != ""}
	for _, d := range page.Items {
		var run *flows.Run
		if r, ok := last[d.FlowID]; ok {
			run = &r
		}
		v.Items = append(v.Items, web.ViewFlow(d, run, s.Now()))
	}
	if page.Next != "" {
		v.Next = address("/flows", "search", o.Search, "cursor", page.Next)
	}
	return show(c, http.StatusOK, web.FlowsPage(v))
}

// address adds parameters that are not empty.
func address(base string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return base
	}
	return base + "?" + q.Encode()
}

func (s *Server) editorPage(c *call) error {
	d, err := s.Flows.Get(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	return show(c, http.StatusOK, web.EditorPage(web.Editor{Frame: s.frame(c, web.Name(d.Name), "flows", editorEntry), ID: d.FlowID}))
}

func (s *Server) connectionsPage(c *call) error {
	return show(c, http.StatusOK, web.ConnectionsPage(s.frame(c, "Connections", "connections", connectionsEntry)))
}

func (s *Server) rejectsPage(c *call) error {
	return show(c, http.StatusOK, web.RejectsPage(s.frame(c, "Rejects", "rejects", rejectsEntry)))
}

var stateWords = []web.Option{{Value: "", Label: "All states"}, {Value: "queued", Label: "Queued"}, {Value: "running", Label: "Running"},
	{Value: "succeeded", Label: "Done"}, {Value: "failed", Label: "Failed"}, {Value: "cancelled", Label: "Cancelled"}}

// flowChoices is how many flows the filter of runs offers.
const flowChoices = 200

func (s *Server) runsPage(c *call) error {
	f, err := runFilter(c)
	if err != nil {
		return err
	}
	page, err := s.Runs.List(c.Request().Context(), c.scope, f)
	if err != nil {
		return err
	}
	v := web.Runs{Frame: s.frame(c, "Runs", "runs"), Filtered: f.FlowID != "" || f.State != "", FirstPage: f.Cursor == "",
		FirstAddress: address("/runs", "flow", f.FlowID, "state", string(f.State))}
	for _, r := range page.Items {
		v.Items = append(v.Items, web.ViewRun(r, s.Now()))
	}
	if page.Next != "" {
		v.Next = address("/runs", "flow", f.FlowID, "state", string(f.State), "cursor", page.Next)
	}
	for _, o := range stateWords {
		o.Chosen = o.Value == string(f.State)
		v.States = append(v.States, o)
	}
	if v.Flows, err = s.flowChoices(c, f.FlowID, page.Items); err != nil {
		return err
	}
	return show(c, http.StatusOK, web.RunsPage(v))
}

// flowChoices are the flows that runs can be filtered by; the chosen one is among them whatever became of it.
func (s *Server) flowChoices(c *call, chosen string, runs []flows.Run) ([]web.Option, error) {
	drafts, err := s.Flows.List(c.Request().Context(), c.scope, flows.ListOptions{Limit: flowChoices})
	if err != nil {
		return nil, err
	}
	options := []web.Option{{Label: "All flows", Chosen: chosen == ""}}
	known := chosen == ""
	for _, d := range drafts.Items {
		options = append(options, web.Option{Value: d.FlowID, Label: web.Name(d.Name), Chosen: d.FlowID == chosen})
		known = known || d.FlowID == chosen
	}
	if !known {
		label := "A deleted flow"
		if len(runs) > 0 {
			label = runs[0].FlowName
		}
		options = append(options, web.Option{Value: chosen, Label: label, Chosen: true})
	}
	return options, nil
}

func (s *Server) runPage(c *call) error {
	r, err := s.Runs.Get(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	v := web.ViewRun(r, s.Now())
	if !v.Sample {
		v.Delivery, v.DeliveryReason = s.delivery(c, r)
	}
	return show(c, http.StatusOK, web.OneRun(web.RunPage{Frame: s.frame(c, "Run of "+v.Flow, "runs", runEntry), Run: v}))
}

// delivery is the weakest promise of a run's outputs, in words; empty where its document is not to be had.
func (s *Server) delivery(c *call, r flows.Run) (words, reason string) {
	rev, err := s.Flows.Revision(c.Request().Context(), c.scope, r.FlowID, r.Revision)
	if err != nil {
		return "", ""
	}
	doc, err := flows.ParseFlow(rev.Document)
	if err != nil {
		return "", ""
	}
	worst := 0
	for _, d := range plan.Deliveries(doc, plan.Values(doc, "", nil)) {
		if i := slices.Index(guarantees, d.Guarantee) + 1; i > worst {
			worst, words, reason = i, guaranteeWords[d.Guarantee], d.Reason
		}
	}
	return words, reason
}

// guarantees from the strongest to the weakest.
var guarantees = []flows.Guarantee{flows.ExactlyOnce, flows.EffectivelyOnce, flows.AtLeastOnce}

var guaranteeWords = map[flows.Guarantee]string{flows.ExactlyOnce: "Exactly once", flows.EffectivelyOnce: "Effectively once", flows.AtLeastOnce: "At least once"}

// static serves the built front end. Names of built files carry a hash of their content.
func (s *Server) static(c *call) error {
	name := c.Param("*")
	if name == "spark.svg" {
		return s.unchanged(c, "image/svg+xml", static.Icon)
	}
	if !fs.ValidPath(name) || strings.HasPrefix(name, ".") {
		return notFound()
	}
	b, err := fs.ReadFile(s.bundle.FS, name)
	if err != nil {
		return notFound()
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if k, ok := staticTypes[path.Ext(name)]; ok {
		kind = k
	}
	if !strings.HasPrefix(name, "assets/") {
		return s.unchanged(c, kind, b)
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return c.Blob(http.StatusOK, kind, b)
}

// staticTypes do not depend on what the machine knows.
var staticTypes = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	".json": "application/json", ".map": "application/json", ".woff2": "font/woff2", ".png": "image/png"}
