package openapi

import (
	"slices"
	"strconv"
	"strings"
)

// The names by which parameters and answers of APIs page, without case and without _ and -.
var (
	pageNames   = []string{"page", "pagenumber", "pageno", "pageindex", "pagenum", "currentpage"}
	offsetNames = []string{"offset", "skip", "startat", "startindex", "$skip"}
	sizeNames   = []string{"limit", "perpage", "pagesize", "size", "pagelimit", "maxresults", "count", "$top", "top", "pagecount"}
	cursorNames = []string{"cursor", "pagetoken", "nexttoken", "nextpagetoken", "nextcursor", "continuationtoken", "continuation", "startingafter", "after", "marker", "pagecursor", "scrollid"}

	nextTokens = []string{"nextcursor", "nextpagetoken", "nexttoken", "endcursor", "nextpagecursor", "continuationtoken", "cursor", "nextmarker", "pagetoken", "scrollid"}
	nextLinks  = []string{"next", "nextlink", "nexturl", "nextpage", "nextpageurl", "@odata.nextlink"}
	totals     = []string{"total", "totalcount", "totalitems", "totalresults", "totalelements", "totalrecords"}
	mores      = []string{"hasmore", "hasnext", "hasnextpage", "more"}
)

func bare(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// paging proposes how to page where parameters or the answer look like it, and returns the parameters that are left.
func (f *filling) paging(params []parameter, answer *value, link bool) []parameter {
	query := func(names []string) (p parameter, ok bool) {
		for _, n := range names {
			for _, p := range params {
				if p.in == "query" && bare(p.name) == n {
					return p, true
				}
			}
		}
		return p, false
	}
	page, byPage := query(pageNames)
	offset, byOffset := query(offsetNames)
	cursor, byCursor := query(cursorNames)
	token := f.pathTo(answer, nextTokens, isText)
	next := f.pathTo(answer, nextLinks, isText)
	set := func(kind string, more map[string]string) {
		f.settings["paging"] = kind
		for name, v := range more {
			if v != "" {
				f.settings[name] = v
			}
		}
	}
	var taken []string
	switch {
	case byCursor && (token != "" || !byPage && !byOffset):
		set("cursor", map[string]string{"cursorParameter": cursor.name, "cursorPath": token})
		taken = append(taken, cursor.name)
		if token == "" {
			f.note("It pages by the cursor %s, and the document does not say where the answer has the next one: fetch a sample, and choose it there.", cursor.name)
		}
	case link:
		set("link", nil)
	case byPage:
		set("page", map[string]string{"pageParameter": page.name, "totalPath": f.pathTo(answer, totals, isNumber)})
		if first, err := strconv.ParseInt(f.defaulted(page), 10, 64); err == nil && first == 0 {
			f.settings["firstPage"] = first
		}
		taken = append(taken, page.name)
	case byOffset:
		set("offset", map[string]string{"offsetParameter": offset.name, "totalPath": f.pathTo(answer, totals, isNumber)})
		taken = append(taken, offset.name)
	case next != "":
		set("next", map[string]string{"nextPath": next})
	default:
		return params
	}
	if kind := f.settings["paging"]; kind == "page" || kind == "offset" || kind == "cursor" {
		if more := f.pathTo(answer, mores, isFlag); more != "" {
			f.settings["morePath"] = more
		}
		if size, ok := query(sizeNames); ok {
			f.sized(size)
			taken = append(taken, size.name)
		}
	}
	return slices.DeleteFunc(slices.Clone(params), func(p parameter) bool { return p.in == "query" && slices.Contains(taken, p.name) })
}

// sized takes the parameter of the size of a page.
func (f *filling) sized(p parameter) {
	f.settings["sizeParameter"] = p.name
	if n := f.pageSize(p); n > 0 {
		f.settings["pageSize"] = n
	}
}

// pageSize is the largest page that the document allows, or the usual one.
func (f *filling) pageSize(p parameter) int64 {
	for _, text := range []string{p.schema.get("maximum").str(), f.defaulted(p), f.example(p)} {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && n <= 10_000 {
			return n
		}
	}
	return 0
}

func isText(t string) bool   { return t == "string" || t == "" }
func isNumber(t string) bool { return t == "integer" || t == "number" }
func isFlag(t string) bool   { return t == "boolean" }

// pathTo finds a value of an answer by its name, at the top or one level below.
func (f *filling) pathTo(answer *value, names []string, fits func(kind string) bool) string {
	answer = f.whole(answer, 0)
	if answer == nil || typeOf(answer) == "array" {
		return ""
	}
	top := f.members(answer, 0)
	for _, n := range names {
		for _, m := range top {
			if bare(m.name) == n && fits(typeOf(m.schema)) && !f.isObject(m.schema) {
				return joined("", m.name)
			}
		}
	}
	for _, m := range top {
		if typeOf(m.schema) == "array" || !f.isObject(m.schema) {
			continue
		}
		for _, inner := range f.members(m.schema, 0) {
			if slices.Contains(names, bare(inner.name)) && fits(typeOf(inner.schema)) && !f.isObject(inner.schema) {
				return joined(joined("", m.name), inner.name)
			}
		}
	}
	return ""
}
