package flows

// ListOptions select a page of a list. The zero value is the first page of everything.
type ListOptions struct {
	Search string // part of the name, whatever its case
	Cursor string // Next of the page before; "" for the first page
	Limit  int    // items per page; 0 means the default, more than the maximum means the maximum
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	Next  string // cursor of the next page, "" when there is none
}
