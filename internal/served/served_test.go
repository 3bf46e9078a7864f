package served

import (
	"os/exec"
	"strings"
	"testing"
)

// What ends without an address is told with its own words, and leaves no process.
func TestNoAddress(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", "echo hello; echo 'the port is taken' >&2; exit 3")
	s, err := Start(cmd)
	if s != nil || err == nil || !strings.Contains(err.Error(), "the port is taken") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v, %v", s, err)
	}
	if cmd.ProcessState == nil {
		t.Error("nobody has waited for it")
	}
}

func TestAddressAndEnd(t *testing.T) {
	t.Parallel()
	s, err := Start(exec.Command("sh", "-c", "echo 'Spark runs. Open http://127.0.0.1:1234/login?key=abc'; echo more; read never"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Base != "http://127.0.0.1:1234" || s.Key != "abc" || s.Login() != "http://127.0.0.1:1234/login?key=abc" {
		t.Errorf("%+v", s.Client)
	}
	s.Kill()
	if err := s.Stop(); err == nil {
		t.Error("one that was killed ended well")
	}
}
