package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"spark/flows"
	"spark/flows/engine/duckdb"
	"spark/flows/plan"
)

// flowArgs are what validate and explain share with run.
type flowArgs struct {
	Flow string `arg:"" help:"Flow file." type:"path"`
	JSON bool   `help:"Print the problems as JSON."`
	given
	dataFolders
	connectionFile
}

func (a flowArgs) compile() (*plan.Plan, flows.Problems, error) {
	flow, err := loadFlow(a.Flow)
	if err != nil {
		return nil, nil, err
	}
	folders, err := a.list(a.Flow)
	if err != nil {
		return nil, nil, err
	}
	parameters, err := a.values(flow)
	if err != nil {
		return nil, nil, err
	}
	connections, err := a.load(a.Environment)
	if err != nil {
		return nil, nil, err
	}
	l := &lookup{connections: connections, ctx: context.Background(), folders: folders}
	defer l.close()
	p, ps := plan.Compile(flow, plan.Options{Environment: a.Environment, Parameters: parameters, Lookup: l, Engines: []plan.Engine{&duckdb.Engine{}}, Validate: true})
	return p, ps, nil
}

type validateCommand struct{ flowArgs }

func (c validateCommand) Run() error {
	_, ps, err := c.compile()
	if err != nil {
		return reportInvalid(err, c.JSON)
	}
	if len(ps) > 0 {
		err := reportInvalid(ps, c.JSON)
		if ps.Failed() {
			return err
		}
	}
	if !c.JSON {
		fmt.Println("the flow is valid")
	}
	return nil
}

type explainCommand struct{ flowArgs }

func (c explainCommand) Run() error {
	p, ps, err := c.compile()
	if err == nil {
		err = ps.Err()
	}
	if err != nil {
		return reportInvalid(err, c.JSON)
	}
	fmt.Print(p.Explain())
	return nil
}

type inspectCommand struct {
	File string `arg:"" help:"Data file." type:"path"`
}

func (c inspectCommand) Run() error {
	abs, err := filepath.Abs(c.File)
	if err != nil {
		return err
	}
	ctx := context.Background()
	host, err := child(ctx, totalMemory()/2)
	if err != nil {
		return err
	}
	defer host.Close()
	p, err := host.Inspect(ctx, []string{filepath.Dir(abs)}, filepath.Base(abs))
	if err != nil {
		return reportInvalid(err, false)
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(p)
}

// reportInvalid prints every problem and asks for the exit code of an invalid flow.
func reportInvalid(err error, asJSON bool) error {
	if !asJSON {
		printProblems(os.Stderr, err)
		return exit(exitInvalid)
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetEscapeHTML(false)
	for _, p := range problems(err) {
		if err := enc.Encode(p); err != nil {
			return err
		}
	}
	return exit(exitInvalid)
}

func printProblems(w io.Writer, err error) {
	for _, p := range problems(err) {
		label := "error"
		if p.Severity == flows.SeverityWarning {
			label = "warning"
		}
		fmt.Fprintf(w, "%s: %s\n", label, printable(p.Error()))
	}
}

func problems(err error) flows.Problems {
	if ps, ok := errors.AsType[flows.Problems](err); ok {
		return ps
	}
	return flows.Problems{flows.AsError(err)}
}
