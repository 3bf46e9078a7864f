package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"spark/flows"
	"spark/flows/run"
	"spark/server"
)

type serveCommand struct {
	Listen      string   `help:"Address to listen on; loopback only, as there is no sign-in yet. Port 0 takes a free one." default:"127.0.0.1:8080" placeholder:"HOST:PORT" env:"SPARK_LISTEN"`
	PublicURL   string   `help:"Address by which people reach the server, such as https://spark.example.com, where it is another than the one it listens on. Servers of tokens send people back there." placeholder:"URL" env:"SPARK_PUBLIC_URL"`
	Data        string   `help:"Folder of Spark's own data. Flows read and write files in its folder files. Default: spark in the user's data folder." placeholder:"DIR" type:"path" env:"SPARK_DATA"`
	DatabaseURL string   `help:"PostgreSQL database for the metadata, instead of the embedded one." placeholder:"URL" env:"DATABASE_URL"`
	Folder      []string `help:"Further folder that flows may read and write. May be repeated." placeholder:"DIR" type:"path"`
	Workers     int      `help:"Runs worked at once, at most. Default: as many as their memory and disk allow, up to 64." placeholder:"N"`
	TotalMemory byteSize `help:"Memory of all runs together; a run waits until its part is free. Default: three quarters of the machine's." placeholder:"SIZE"`
	TotalSpill  byteSize `help:"Disk of all runs together for what does not fit into memory. Default: half of what is free in the temp folder." placeholder:"SIZE"`
	MaxUpload   byteSize `help:"Largest file that can be uploaded, such as 2GB." placeholder:"SIZE"`
	KeepRejects int      `help:"Days that refused records are kept, whatever became of them. 0: for ever." default:"30" placeholder:"DAYS"`
	RejectBytes byteSize `help:"Refused records that a project may keep, such as 4GB. A run that refuses more fails." default:"1GB" placeholder:"SIZE"`
	limits
	network
}

// drainTime is how long running jobs may take to end when the server is asked to.
const drainTime = 30 * time.Second

func (c *serveCommand) Run() error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := c.use(); err != nil {
		return err
	}
	public, err := c.publicURL()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	data, err := c.dataFolder()
	if err != nil {
		return err
	}
	b, err := openBackend(ctx, backendOptions{data: data, databaseURL: c.DatabaseURL, folders: c.Folder, limits: c.limits, total: run.Budget{Memory: int64(c.TotalMemory), Spill: int64(c.TotalSpill)}, workers: c.Workers, log: log,
		keepRejects: time.Duration(max(0, c.KeepRejects)) * 24 * time.Hour, rejectBytes: int64(c.RejectBytes)})
	if err != nil {
		return err
	}
	err = c.serve(ctx, b, data, public, log)
	draining, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	return errors.Join(err, b.close(draining))
}

func (c *serveCommand) dataFolder() (string, error) {
	if c.Data != "" {
		return c.Data, nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "spark"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", &flows.Error{Code: "store.folder", Message: "the user has no home folder for Spark's data", Suggestion: "name a folder with --data", Cause: err}
	}
	return filepath.Join(home, ".local", "share", "spark"), nil
}

// publicURL reads the address by which people reach the server; nil: they use the one that it listens on.
func (c *serveCommand) publicURL() (*url.URL, error) {
	if c.PublicURL == "" {
		return nil, nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, &flows.Error{Code: "server.public_url", Message: "--public-url is no address of a server", Suggestion: "write scheme and host, such as https://spark.example.com"}
	}
	u.Path = ""
	return u, nil
}

// serve answers requests until ctx ends.
func (c *serveCommand) serve(ctx context.Context, b *backend, data string, public *url.URL, log *slog.Logger) error {
	key, err := ownerKey(data)
	if err != nil {
		return err
	}
	sample, err := sampleFlow.ReadFile("sample.json")
	if err != nil {
		return err
	}
	files, ok := b.lab.Files.(server.Files)
	if !ok {
		return fmt.Errorf("the data folders cannot be listed: %T", b.lab.Files)
	}
	s, err := server.New(server.Config{Key: key, Version: version, Flows: b.store.Flows, Runs: b.runs, LastRuns: b.store.Runs, Lab: b.lab, Connections: b.connections, SignIns: b.connections, PublicURL: public, Rejects: b.store.Rejects, Replays: b.runs, Cursors: b.store.Cursors, Pins: b.store.Pins, Answers: b.store.Answers, Environments: b.store.Environments, Files: files,
		Ready: b.store.SQL().PingContext, Sample: sample, MaxUpload: int64(c.MaxUpload), Logger: log})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return &flows.Error{Code: "server.listen", Params: flows.Params{"address": c.Listen}, Cause: err, Message: fmt.Sprintf("Spark cannot listen on %s: %v", c.Listen, err),
			Suggestion: "choose another address with --listen, such as 127.0.0.1:8081"}
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	fmt.Printf("Spark runs. Open http://%s/login?key=%s\n", l.Addr(), key)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	// Viewers and requests go first; runs get the time that is left.
	ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(ending); err != nil {
		log.Warn("some requests were cut off", "error", err)
	}
	return <-ended
}
