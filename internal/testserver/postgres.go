package testserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgreSQL returns the URL of a new, empty database on a real server.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	admin, err := postgres()
	if err != nil {
		missing(t, "PostgreSQL", err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := createDatabase(t.Context(), admin, name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// StartPostgreSQL starts a server for a program that is no test; Stop ends it. bin is the folder of PostgreSQL's own
// programs.
func StartPostgreSQL() (url, bin string, err error) {
	if bin, err = postgresBin(); err != nil {
		return "", "", err
	}
	url, err = postgres()
	return url, bin, err
}

var databases atomic.Int64

var postgres = sync.OnceValues(startPostgres)

func createDatabase(ctx context.Context, admin, name string) error {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return err
}

// cluster is a data folder and the account that owns it.
type cluster struct {
	bin, folder, password string
	user                  *account
}

func startPostgres() (url string, err error) {
	bin, err := postgresBin()
	if err != nil {
		return "", err
	}
	c, err := newCluster(bin)
	if err != nil {
		return "", err
	}
	for range 5 { // another process may take the port between asking for it and using it
		if url, err = c.start(); err == nil {
			return url, nil
		}
	}
	return "", errors.Join(err, os.RemoveAll(c.folder))
}

// newCluster makes an empty cluster in a folder of its own.
func newCluster(bin string) (*cluster, error) {
	user, err := serverAccount("postgres")
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "spark-postgres-")
	if err != nil {
		return nil, err
	}
	c := &cluster{bin: bin, folder: folder, password: rand.Text(), user: user}
	if err := c.init(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return c, nil
}

func (c *cluster) init() error {
	pwfile := filepath.Join(c.folder, "password")
	if err := os.WriteFile(pwfile, []byte(c.password+"\n"), 0o600); err != nil {
		return err
	}
	for _, path := range []string{c.folder, pwfile} {
		if err := c.user.own(path); err != nil {
			return err
		}
	}
	cmd := exec.Command(filepath.Join(c.bin, "initdb"), "--pgdata="+filepath.Join(c.folder, "data"), "--username=spark",
		"--auth=scram-sha-256", "--pwfile="+pwfile, "--encoding=UTF8", "--locale=C", "--no-instructions")
	cmd.Dir, cmd.SysProcAttr = c.folder, c.user.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// start runs the server until the tests end.
func (c *cluster) start() (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	u, p, err := c.launch(port)
	if err != nil {
		return "", err
	}
	atEnd(func() error {
		p.crash()
		return os.RemoveAll(c.folder)
	})
	return u, nil
}

// launched is a server's process.
type launched struct {
	cmd    *exec.Cmd
	exited <-chan struct{}
}

// crash ends the server at once, as it does when its power goes: its next start recovers.
func (p *launched) crash() {
	_ = p.cmd.Process.Signal(syscall.SIGQUIT) // it may have ended
	<-p.exited
}

func (c *cluster) launch(port int) (string, *launched, error) {
	var log strings.Builder
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), "-D", filepath.Join(c.folder, "data"), "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+c.folder, "-c", "max_connections=300")
	cmd.Dir, cmd.SysProcAttr, cmd.Stderr = c.folder, c.user.attributes(), &log
	exited, err := startTied(cmd)
	if err != nil {
		return "", nil, err
	}
	u := (&url.URL{Scheme: "postgres", User: url.UserPassword("spark", c.password), Host: fmt.Sprintf("127.0.0.1:%d", port),
		Path: "/postgres", RawQuery: "sslmode=disable"}).String()
	if err := answers(u, exited); err != nil {
		_ = cmd.Process.Kill()
		<-exited
		return "", nil, fmt.Errorf("%w: %s", err, log.String())
	}
	return u, &launched{cmd, exited}, nil
}

// Own is a PostgreSQL server of one test, which may crash it.
type Own struct {
	URL  string
	t    testing.TB
	c    *cluster
	port int
	run  *launched
}

// OwnPostgreSQL starts a server for a test alone.
func OwnPostgreSQL(t testing.TB) *Own {
	t.Helper()
	bin, err := postgresBin()
	if err != nil {
		missing(t, "PostgreSQL", err)
	}
	o := &Own{t: t}
	if o.c, err = newCluster(bin); err != nil {
		t.Fatal(err)
	}
	if o.port, err = freePort(); err == nil {
		o.URL, o.run, err = o.c.launch(o.port)
	}
	t.Cleanup(func() {
		if o.run != nil {
			o.run.crash()
		}
		os.RemoveAll(o.c.folder)
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Restart ends the server at once and starts it again; its recovery is over when Restart returns.
func (o *Own) Restart() {
	o.t.Helper()
	o.run.crash()
	var err error
	if _, o.run, err = o.c.launch(o.port); err != nil {
		o.t.Fatal(err)
	}
}

// startTied starts cmd so that it cannot outlive this process, however that ends. Linux ties a child to the thread
// that made it, which therefore stays until the child has gone.
func startTied(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	started, done := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	return done, <-started
}

// answers waits until the server takes connections, at most 30 seconds.
func answers(url string, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-exited:
			return errors.New("the server ended")
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// postgresBin finds the newest installed server: Debian keeps its programs out of PATH.
func postgresBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	for _, initdb := range found {
		bin := filepath.Dir(initdb)
		if _, err := os.Stat(filepath.Join(bin, "postgres")); err == nil {
			return bin, nil
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	return "", errors.New("it is not installed; install it with scripts/setup.sh or: apt-get install -y postgresql")
}
