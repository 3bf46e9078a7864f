package testserver

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// PgBouncer starts a pool in front of the PostgreSQL server at an address, in the mode "session" or "transaction", until the
// test ends. It returns the address with that of the pool in the place of the server's.
func PgBouncer(t testing.TB, server, mode string) string {
	t.Helper()
	program, err := pgbouncerProgram()
	if err != nil {
		missing(t, "PgBouncer", err)
	}
	user, err := serverAccount("postgres")
	if err != nil {
		missing(t, "PgBouncer", err)
	}
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // another process may take the port between asking for it and using it
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		pool := *to
		pool.Host = fmt.Sprintf("127.0.0.1:%d", port)
		var log strings.Builder
		cmd := exec.Command(program, bouncerFile(t, user, to, pool.Port(), mode))
		cmd.SysProcAttr, cmd.Stderr = user.attributes(), &log
		exited, err := startTied(cmd)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it may have ended
			<-exited
		})
		if err := answers(pool.String(), exited); err == nil {
			return pool.String()
		}
		select {
		case <-exited:
		default:
			t.Fatalf("PgBouncer does not answer: %s", log.String())
		}
	}
	t.Fatal("PgBouncer found no port")
	return ""
}

// bouncerFile writes the settings of a pool, which only its account reads.
func bouncerFile(t testing.TB, user *account, to *url.URL, port, mode string) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "spark-pgbouncer-") // that of the test is its own user's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	password, _ := to.User.Password()
	users, settings := filepath.Join(folder, "users.txt"), filepath.Join(folder, "pgbouncer.ini")
	for path, text := range map[string]string{
		users: fmt.Sprintf("%q %q\n", to.User.Username(), password),
		settings: fmt.Sprintf("[databases]\n* = host=%s port=%s\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=%s\nauth_type=scram-sha-256\nauth_file=%s\npool_mode=%s\nunix_socket_dir=\nmax_client_conn=500\ndefault_pool_size=50\n",
			to.Hostname(), to.Port(), port, users, mode),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := user.own(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := user.own(folder); err != nil {
		t.Fatal(err)
	}
	return settings
}

// pgbouncerProgram finds the program, which Debian keeps out of the PATH of users.
func pgbouncerProgram() (string, error) {
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		return path, nil
	}
	const debian = "/usr/sbin/pgbouncer"
	if _, err := os.Stat(debian); err != nil {
		return "", fmt.Errorf("it is not installed; install it with scripts/setup.sh or: apt-get install -y pgbouncer")
	}
	return debian, nil
}
