package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"spark/flows"
)

const (
	defaultLimit = 50
	maxLimit     = 200
	maxSearch    = 200 // characters; SQLite refuses long patterns
)

// List returns flows without their documents, last changed first. Pages never show a flow twice and never leave out
// one that stays as it is; a flow that is changed while pages are read moves to the front of the list, which a reader
// sees when it starts again.
func (f *Flows) List(ctx context.Context, scope flows.Scope, o flows.ListOptions) (flows.Page[flows.Draft], error) {
	var page flows.Page[flows.Draft]
	db, err := f.s.read(ctx, scope)
	if err != nil {
		return page, err
	}
	limit := clampLimit(o.Limit)
	q := db.Select("id", "name", "etag", "published", "updated_us", "updated_by").
		Where(live).Where("project = ?", scope.Project).
		Order("updated_us DESC, id DESC").Limit(limit + 1)
	if o.Search != "" {
		q = q.Where(`search LIKE ? ESCAPE '\'`, "%"+likeEscaper.Replace(foldSearch(o.Search))+"%")
	}
	if o.Cursor != "" {
		at, id, err := parseCursor(o.Cursor)
		if err != nil {
			return page, err
		}
		q = q.Where("(updated_us, id) < (?, ?)", at, id)
	}
	var rows []flowRow
	if err := q.Find(&rows).Error; err != nil {
		return page, fmt.Errorf("list flows: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		page.Next = makeCursor(last.UpdatedUs, last.ID)
	}
	page.Items = make([]flows.Draft, len(rows))
	for i := range rows {
		page.Items[i] = rows[i].draft()
	}
	return page, nil
}

func clampLimit(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return min(n, maxLimit)
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// fold makes names comparable whatever their case and however their accents are encoded: neither database does that
// the same way.
func fold(s string) string { return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s))) }

func foldSearch(s string) string {
	r := []rune(storable(s))
	return fold(string(r[:min(len(r), maxSearch)]))
}

func makeCursor(at int64, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at, 10) + " " + id))
}

func parseCursor(s string) (at int64, id string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		number, rest, _ := strings.Cut(string(b), " ")
		id = rest
		at, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil || !validID(id) {
		return 0, "", invalidCursor()
	}
	return at, id, nil
}

func invalidCursor() error {
	return &flows.Error{Code: "cursor.invalid", Message: "the list cannot be continued from that cursor",
		Suggestion: "start again with the first page"}
}
