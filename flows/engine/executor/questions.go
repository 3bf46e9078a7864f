package executor

import (
	"context"
	"encoding/json"

	"spark/flows"
	"spark/flows/node"
)

// Describe returns the schema of files that carry one.
func (h *Host) Describe(ctx context.Context, folders []string, format, path string, options json.RawMessage) (flows.Schema, error) {
	var s flows.Schema
	err := h.call(ctx, methodDescribe, describeBody{folders, format, path, options}, &s)
	return s, err
}

// DescribeQuery returns the fields of a statement's result.
func (h *Host) DescribeQuery(ctx context.Context, q node.QueryQuestion) (flows.Schema, error) {
	var s flows.Schema
	err := h.call(ctx, methodQuery, q, &s)
	return s, err
}

// DescribeDataset returns the fields of what is reached through a connection.
func (h *Host) DescribeDataset(ctx context.Context, spec DatasetSpec) (flows.Schema, error) {
	var s flows.Schema
	err := h.call(ctx, methodDataset, spec, &s)
	return s, err
}

// TestConnection reaches the system that a connection leads to.
func (h *Host) TestConnection(ctx context.Context, name string, c node.ConnectionSpec) (node.ConnectionReport, error) {
	var r node.ConnectionReport
	err := h.call(ctx, methodTest, testBody{Name: name, Connection: c}, &r)
	return r, err
}

// Tables lists what a connection reaches.
func (h *Host) Tables(ctx context.Context, name string, c node.ConnectionSpec, search string) ([]flows.Table, error) {
	var list []flows.Table
	err := h.call(ctx, methodTables, testBody{Name: name, Search: search, Connection: c}, &list)
	return list, err
}

// Columns lists the columns of a table.
func (h *Host) Columns(ctx context.Context, name string, c node.ConnectionSpec, table string) ([]flows.Column, error) {
	var list []flows.Column
	err := h.call(ctx, methodColumns, testBody{Name: name, Table: table, Connection: c}, &list)
	return list, err
}

// Window counts what an incremental selection would read.
func (h *Host) Window(ctx context.Context, spec WindowSpec) (flows.CursorWindow, error) {
	var w flows.CursorWindow
	err := h.call(ctx, methodWindow, spec, &w)
	return w, err
}

// Inspect proposes how to read a file.
func (h *Host) Inspect(ctx context.Context, folders []string, path string) (node.Proposal, error) {
	var p node.Proposal
	err := h.call(ctx, methodSniff, sniffBody{folders, path}, &p)
	return p, err
}

// Preview shows the records at a node. Several may be made at once.
func (h *Host) Preview(ctx context.Context, spec PreviewSpec) (flows.Preview, error) {
	var p flows.Preview
	err := h.call(ctx, methodPreview, spec, &p)
	return p, err
}

// Fetch lets a node call the system that it reads, once.
func (h *Host) Fetch(ctx context.Context, spec FetchSpec) (node.Fetched, error) {
	var f node.Fetched
	err := h.call(ctx, methodFetch, spec, &f)
	return f, err
}

// Operations answers what an OpenAPI document describes.
func (h *Host) Operations(ctx context.Context, q node.OperationsQuestion) (flows.Operations, error) {
	var o flows.Operations
	err := h.call(ctx, methodOpenAPI, q, &o)
	return o, err
}

// Pin answers the records that a node puts out.
func (h *Host) Pin(ctx context.Context, spec PreviewSpec) (flows.PinnedRecords, error) {
	var p flows.PinnedRecords
	err := h.call(ctx, methodPin, spec, &p)
	return p, err
}

// Replay finds out what would become of the refused records of spec.Replay, without writing anything.
func (h *Host) Replay(ctx context.Context, spec RunSpec) (flows.ReplayReport, error) {
	var r flows.ReplayReport
	err := h.call(ctx, methodReplay, spec, &r)
	return r, err
}
