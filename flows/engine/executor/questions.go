package executor

import (
	"context"
	"encoding/json"

	"spark/flows"
	"spark/flows/node"
)

// Describe returns the schema of files that carry one.
func (h *Host) Describe(ctx context.Context, folders []string, format, path string, options json.RawMessage) (flows.Schema, error) {
	return asked[flows.Schema](ctx, h, methodDescribe, describeBody{folders, format, path, options})
}

// DescribeQuery returns the fields of a statement's result.
func (h *Host) DescribeQuery(ctx context.Context, q node.QueryQuestion) (flows.Schema, error) {
	return asked[flows.Schema](ctx, h, methodQuery, q)
}

// DescribeDataset returns the fields of what is reached through a connection.
func (h *Host) DescribeDataset(ctx context.Context, spec DatasetSpec) (flows.Schema, error) {
	return asked[flows.Schema](ctx, h, methodDataset, spec)
}

// TestConnection reaches the system that a connection leads to.
func (h *Host) TestConnection(ctx context.Context, name string, c node.ConnectionSpec) (node.ConnectionReport, error) {
	return asked[node.ConnectionReport](ctx, h, methodTest, testBody{Name: name, Connection: c})
}

// Tables lists what a connection reaches.
func (h *Host) Tables(ctx context.Context, name string, c node.ConnectionSpec, search string) ([]flows.Table, error) {
	return asked[[]flows.Table](ctx, h, methodTables, testBody{Name: name, Search: search, Connection: c})
}

// Columns lists the columns of a table.
func (h *Host) Columns(ctx context.Context, name string, c node.ConnectionSpec, table string) ([]flows.Column, error) {
	return asked[[]flows.Column](ctx, h, methodColumns, testBody{Name: name, Table: table, Connection: c})
}

// Window counts what an incremental selection would read.
func (h *Host) Window(ctx context.Context, spec WindowSpec) (flows.CursorWindow, error) {
	return asked[flows.CursorWindow](ctx, h, methodWindow, spec)
}

// Inspect proposes how to read a file.
func (h *Host) Inspect(ctx context.Context, folders []string, path string) (node.Proposal, error) {
	return asked[node.Proposal](ctx, h, methodSniff, sniffBody{folders, path})
}

// Preview shows the records at a node. Several may be made at once.
func (h *Host) Preview(ctx context.Context, spec PreviewSpec) (flows.Preview, error) {
	return asked[flows.Preview](ctx, h, methodPreview, spec)
}

// Fetch lets a node call the system that it reads, once.
func (h *Host) Fetch(ctx context.Context, spec FetchSpec) (node.Fetched, error) {
	return asked[node.Fetched](ctx, h, methodFetch, spec)
}

// Operations answers what an OpenAPI document describes.
func (h *Host) Operations(ctx context.Context, q node.OperationsQuestion) (flows.Operations, error) {
	return asked[flows.Operations](ctx, h, methodOpenAPI, q)
}

// Pin answers the records that a node puts out.
func (h *Host) Pin(ctx context.Context, spec PreviewSpec) (flows.PinnedRecords, error) {
	return asked[flows.PinnedRecords](ctx, h, methodPin, spec)
}

// Replay finds out what would become of the refused records of spec.Replay, without writing anything.
func (h *Host) Replay(ctx context.Context, spec RunSpec) (flows.ReplayReport, error) {
	return asked[flows.ReplayReport](ctx, h, methodReplay, spec)
}

func asked[T any](ctx context.Context, h *Host, method string, body any) (answer T, err error) {
	err = h.call(ctx, method, body, &answer)
	return answer, err
}
