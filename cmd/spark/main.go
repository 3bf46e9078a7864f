// Spark builds and runs data flows. This file wires the commands; what they do stands in the packages below flows,
// store and server.
package main

import (
	"errors"
	"fmt"
	"os"

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
	k := kong.Parse(&c, kong.Name("spark"), kong.Description("Data flows that you draw, run with exact live counts."),
		kong.UsageOnError(), kong.Exit(func(code int) {
			if code != 0 {
				code = exitInvalid
			}
			os.Exit(code)
		}))
	err := k.Run()
	if e, ok := errors.AsType[exit](err); ok { // kong wraps what a command returns
		os.Exit(int(e))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "spark:", err)
		os.Exit(exitFailed)
	}
}

type versionCommand struct{}

func (versionCommand) Run() error {
	fmt.Printf("spark %s, commit %s, built %s\n", version, commit, date)
	return nil
}
