// Spark builds and runs data flows. This file wires the commands; what they do stands in the packages below flows,
// store and server.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	_ "time/tzdata" // zones are known also where the machine has none

	"github.com/alecthomas/kong"

	_ "spark/connectors/all"
	_ "spark/flows/transform/all"
)

// Set by the linker.
var (
	version = "dev"
	commit  = "unknown"
	date    = "unknown"
)

// Exit codes. Cancelled follows the shell's convention for SIGINT.
const (
	exitOK        = 0
	exitFailed    = 1
	exitInvalid   = 2
	exitRejects   = 3
	exitCancelled = 130
)

type commands struct {
	Serve    serveCommand    `cmd:"" help:"Start the server: draw flows in the browser and run them."`
	Run      runCommand      `cmd:"" help:"Run a flow file."`
	Validate validateCommand `cmd:"" help:"Check a flow file without running it."`
	Explain  explainCommand  `cmd:"" help:"Print the plan of a flow file."`
	Inspect  inspectCommand  `cmd:"" help:"Propose format, types and options for a data file."`
	Version  versionCommand  `cmd:"" help:"Print version, commit and date."`
	Executor executorCommand `cmd:"" hidden:""`
}

// exit carries an exit code out of a command.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	var c commands
	parser := kong.Must(&c, kong.Name("spark"), kong.Description("Data flows that you draw, run with exact live counts."))
	k, err := parser.Parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "spark: %v; %s --help tells what there is\n", err, asked(err))
		os.Exit(exitInvalid)
	}
	err = k.Run()
	if e, ok := errors.AsType[exit](err); ok { // kong wraps what a command returns
		os.Exit(int(e))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "spark:", err)
		os.Exit(exitFailed)
	}
}

// asked is the command that a wrong command line was meant for, as far as it is known.
func asked(err error) string {
	if pe, ok := errors.AsType[*kong.ParseError](err); ok && pe.Context != nil {
		return strings.TrimSpace("spark " + pe.Context.Command())
	}
	return "spark"
}

type versionCommand struct{}

func (versionCommand) Run() error {
	fmt.Printf("spark %s, commit %s, built %s\n", version, commit, date)
	return nil
}
