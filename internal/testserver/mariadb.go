package testserver

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// MariaDB returns the URL, mysql://user:password@host:port/database, of a new, empty database on a real server.
func MariaDB(t testing.TB) string {
	t.Helper()
	admin, err := mariadb()
	if err != nil {
		missing(t, "MariaDB", err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	db, err := OpenMariaDB(admin)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		t.Fatalf("create database: %v", err)
	}
	return strings.TrimSuffix(admin, "mysql") + name
}

// StartMariaDB starts a server for a program that is no test; Stop ends it. client is MariaDB's command line.
func StartMariaDB() (url, client string, err error) {
	if client, err = exec.LookPath("mariadb"); err != nil {
		return "", "", err
	}
	url, err = mariadb()
	return url, client, err
}

// OpenMariaDB opens a database by its URL.
func OpenMariaDB(address string) (*sql.DB, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.DBName, c.Logger = "tcp", u.Host, u.User.Username(), strings.Trim(u.Path, "/"), &mysql.NopLogger{}
	c.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

var mariadb = sync.OnceValues(func() (string, error) {
	m, err := newMaria()
	if err != nil {
		return "", err
	}
	var u string
	var p *launched
	for range 5 { // another process may take the port between asking for it and using it
		if m.port, err = freePort(); err != nil {
			break
		}
		if u, p, err = m.launch(); err == nil {
			atEnd(func() error {
				p.kill()
				return os.RemoveAll(m.folder)
			})
			return u, nil
		}
	}
	return "", errors.Join(err, os.RemoveAll(m.folder))
})

// maria is a data folder of MariaDB and the account that owns it.
type maria struct {
	program, folder, password string
	user                      *account
	port                      int
	options                   []string
}

// newMaria makes an empty data folder.
func newMaria(options ...string) (*maria, error) {
	program, install, err := mariaPrograms()
	if err != nil {
		return nil, err
	}
	user, err := serverAccount("mysql")
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "spark-mariadb-")
	if err != nil {
		return nil, err
	}
	m := &maria{program: program, folder: folder, password: rand.Text(), user: user, options: options}
	if err := m.init(install); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return m, nil
}

func (m *maria) data() string { return filepath.Join(m.folder, "data") }

func (m *maria) init(install string) error {
	account := filepath.Join(m.folder, "account.sql") // executed at every start
	sql := fmt.Sprintf("CREATE USER IF NOT EXISTS spark@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO spark@'%%' WITH GRANT OPTION;\n", m.password)
	if err := errors.Join(os.WriteFile(account, []byte(sql), 0o600), m.user.own(m.folder), m.user.own(account)); err != nil {
		return err
	}
	cmd := exec.Command(install, "--no-defaults", "--datadir="+m.data(), "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	cmd.Dir, cmd.SysProcAttr = m.folder, m.user.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	return nil
}

// kill ends the server at once, as it does when its power goes: its next start recovers.
func (p *launched) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-p.exited
}

func (m *maria) launch() (string, *launched, error) {
	var log strings.Builder
	args := append([]string{"--no-defaults", "--datadir=" + m.data(), "--port=" + strconv.Itoa(m.port), "--bind-address=127.0.0.1", "--socket=" + filepath.Join(m.folder, "s"),
		"--pid-file=" + filepath.Join(m.folder, "pid"), "--tmpdir=" + m.folder, "--init-file=" + filepath.Join(m.folder, "account.sql"), "--skip-name-resolve", "--local-infile=1", "--max-connections=300",
		"--innodb-buffer-pool-size=128M", "--max-allowed-packet=64M"}, m.options...)
	cmd := exec.Command(m.program, args...)
	cmd.Dir, cmd.SysProcAttr, cmd.Stderr = m.folder, m.user.attributes(), &log
	exited, err := startTied(cmd)
	if err != nil {
		return "", nil, err
	}
	u := (&url.URL{Scheme: "mysql", User: url.UserPassword("spark", m.password), Host: fmt.Sprintf("127.0.0.1:%d", m.port), Path: "/mysql"}).String()
	p := &launched{cmd, exited}
	if err := mariaAnswers(u, exited); err != nil {
		p.kill()
		return "", nil, fmt.Errorf("%w: %s", err, log.String())
	}
	return u, p, nil
}

// mariaAnswers waits until the server takes connections, at most 30 seconds.
func mariaAnswers(address string, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, err := OpenMariaDB(address)
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
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

// OwnMaria is a MariaDB server of one test, which may crash it.
type OwnMaria struct {
	URL string // of its database "own"
	t   testing.TB
	m   *maria
	run *launched
}

// OwnMariaDB starts a server for a test alone, with options such as --local-infile=0.
func OwnMariaDB(t testing.TB, options ...string) *OwnMaria {
	t.Helper()
	m, err := newMaria(options...)
	if err != nil {
		missing(t, "MariaDB", err)
	}
	o := &OwnMaria{t: t, m: m}
	t.Cleanup(func() {
		if o.run != nil {
			o.run.kill()
		}
		os.RemoveAll(m.folder)
	})
	if m.port, err = freePort(); err != nil {
		t.Fatal(err)
	}
	admin := ""
	if admin, o.run, err = m.launch(); err != nil {
		t.Fatal(err)
	}
	db, err := OpenMariaDB(admin)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE own CHARACTER SET utf8mb4"); err != nil {
		t.Fatal(err)
	}
	o.URL = strings.TrimSuffix(admin, "mysql") + "own"
	return o
}

// Restart ends the server at once and starts it again; its recovery is over when Restart returns.
func (o *OwnMaria) Restart() {
	o.t.Helper()
	o.run.kill()
	var err error
	if _, o.run, err = o.m.launch(); err != nil {
		o.t.Fatal(err)
	}
}

// mariaPrograms finds the server and what makes its data folder: Debian keeps the server out of some users' PATH.
func mariaPrograms() (server, install string, err error) {
	if server, err = exec.LookPath("mariadbd"); err != nil {
		if server = "/usr/sbin/mariadbd"; !executable(server) {
			return "", "", errors.New("it is not installed; install it with scripts/setup.sh or: apt-get install -y mariadb-server")
		}
	}
	install, err = exec.LookPath("mariadb-install-db")
	return server, install, err
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}
