package main

import (
	"context"
	"encoding/json"
	"runtime"

	"spark/flows"
	"spark/flows/engine/duckdb"
	"spark/flows/engine/executor"
	"spark/flows/node"
	"spark/flows/plan"
	"spark/flows/run"
)

// previewMemory bounds the process that answers while somebody draws.
const previewMemory = 2 << 30

// workbench is an executor process that answers questions about the data folders.
type workbench struct {
	host    *executor.Host
	folders []string
}

var _ run.Workbench = (*workbench)(nil)

// newLab makes the lab of a server.
func newLab(folders []string, connections run.Connections, cursors run.Cursors) (*run.Lab, error) {
	files, err := node.OpenFiles(node.LocationEnv{Folders: folders})
	if err != nil {
		return nil, err
	}
	return &run.Lab{
		Files:       files,
		Connections: connections,
		Cursors:     cursors,
		Engines:     []plan.Engine{&duckdb.Engine{}},
		Open: func(ctx context.Context) (run.Workbench, error) {
			h, err := child(ctx, min(previewMemory, totalMemory()/2))
			if err != nil {
				return nil, err
			}
			return &workbench{host: h, folders: folders}, nil
		},
	}, nil
}

func (w *workbench) Describe(ctx context.Context, format, path string, options []byte) (flows.Schema, error) {
	return w.host.Describe(ctx, w.folders, format, path, json.RawMessage(options))
}

func (w *workbench) DescribeQuery(ctx context.Context, q node.QueryQuestion) (flows.Schema, error) {
	return w.host.DescribeQuery(ctx, q)
}

func (w *workbench) DescribeDataset(ctx context.Context, connections node.ConnectionSet, connection string, from node.Select) (flows.Schema, error) {
	return w.host.DescribeDataset(ctx, executor.DatasetSpec{Connection: connection, Select: from, Connections: connections})
}

func (w *workbench) Window(ctx context.Context, connections node.ConnectionSet, connection string, from node.Select, after node.Offset) (flows.CursorWindow, error) {
	return w.host.Window(ctx, executor.WindowSpec{DatasetSpec: executor.DatasetSpec{Connection: connection, Select: from, Connections: connections}, After: after})
}

func (w *workbench) TestConnection(ctx context.Context, name string, c node.ConnectionSpec) (node.ConnectionReport, error) {
	return w.host.TestConnection(ctx, name, c)
}

func (w *workbench) Tables(ctx context.Context, name string, c node.ConnectionSpec, search string) ([]flows.Table, error) {
	return w.host.Tables(ctx, name, c, search)
}

func (w *workbench) Columns(ctx context.Context, name string, c node.ConnectionSpec, table string) ([]flows.Column, error) {
	return w.host.Columns(ctx, name, c, table)
}

func (w *workbench) Inspect(ctx context.Context, path string) (node.Proposal, error) {
	return w.host.Inspect(ctx, w.folders, path)
}

func (w *workbench) Preview(ctx context.Context, job run.PreviewJob) (p flows.Preview, err error) {
	err = w.look(job, func(spec executor.PreviewSpec) (err error) {
		p, err = w.host.Preview(ctx, spec)
		return err
	})
	return p, err
}

func (w *workbench) Pin(ctx context.Context, job run.PreviewJob) (p flows.PinnedRecords, err error) {
	err = w.look(job, func(spec executor.PreviewSpec) (err error) {
		p, err = w.host.Pin(ctx, spec)
		return err
	})
	return p, err
}

// look calls fn with a preview as the process sees it.
func (w *workbench) look(job run.PreviewJob, fn func(executor.PreviewSpec) error) error {
	temp, err := makeTemp(tempPreview)
	if err != nil {
		return err
	}
	defer removeTemp(temp)
	return fn(executor.PreviewSpec{Document: job.Document, Node: job.Node, Environment: job.Environment, Parameters: job.Parameters, Folders: w.folders, Temp: temp, Threads: runtime.NumCPU(),
		Memory: engineMemory(previewMemory), Limit: job.Limit, Samples: job.Samples, Fresh: job.Fresh, Offsets: job.Offsets, Pins: job.Pins, Answers: job.Answers, Calls: job.Calls, Connections: job.Connections, Secrets: job.Secrets})
}

func (w *workbench) Fetch(ctx context.Context, job run.FetchJob) (node.Fetched, error) {
	return w.host.Fetch(ctx, executor.FetchSpec{Document: job.Document, Node: job.Node, Environment: job.Environment, Parameters: job.Parameters, Secrets: job.Secrets, Connections: job.Connections})
}

func (w *workbench) Replay(ctx context.Context, job run.Job) (flows.ReplayReport, error) {
	temp, err := makeTemp(tempPreview)
	if err != nil {
		return flows.ReplayReport{}, err
	}
	defer removeTemp(temp)
	return w.host.Replay(ctx, executor.RunSpec{Document: job.Document, Environment: job.Environment, Parameters: job.Parameters, Folders: w.folders, Temp: temp, Threads: runtime.NumCPU(),
		Memory: engineMemory(previewMemory), Connections: job.Connections, Replay: job.Replay, Secrets: job.Secrets})
}

func (w *workbench) Operations(ctx context.Context, q node.OperationsQuestion) (flows.Operations, error) {
	return w.host.Operations(ctx, q)
}

func (w *workbench) Close() { w.host.Close() }
