package enginetest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
)

// given runs a flow with values for its parameters and returns the lines of out.jsonl and what was refused.
func given(t *testing.T, dir, document string, values map[string]string) ([]string, []node.Reject, error) {
	t.Helper()
	f, err := flows.ParseFlow([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	e, files, err := embedded(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, ps := plan.Compile(f, plan.Options{Lookup: node.Looking(e, nil), Engines: []plan.Engine{e}, Parameters: values})
	if ps.Failed() {
		return nil, nil, ps
	}
	for _, v := range values {
		if strings.Contains(p.Explain(), v) {
			t.Errorf("the plan shows the value %q of a parameter:\n%s", v, p.Explain())
		}
	}
	var rejects []node.Reject
	_, err = e.Run(t.Context(), p, engine.Env{Files: files, Temp: t.TempDir(), Threads: 2, Reject: func(r node.Reject) error {
		rejects = append(rejects, r)
		return nil
	}})
	b, _ := os.ReadFile(filepath.Join(dir, "out.jsonl")) // none where the run failed
	slices.SortFunc(rejects, func(a, b node.Reject) int { return int(a.Record - b.Record) })
	return strings.Split(strings.TrimSpace(strings.NewReplacer(`": `, `":`, `, "`, `,"`).Replace(string(b))), "\n"), rejects, err
}

// chained is a flow of in.jsonl, nodes and out.jsonl. Records that a node refuses are kept.
func chained(fields, parameters string, nodes ...string) string {
	all := `{"id":"n0","type":"file.input","version":1,"config":{"path":"in.jsonl","format":"jsonl","fields":` + fields + `}}`
	var edges []string
	for i, n := range nodes {
		id := string(rune('1' + i))
		kind, config, _ := strings.Cut(n, " ")
		policy := ""
		if ty, ok := node.Lookup(kind); ok && ty.Rejects {
			policy = `,"rejects":"reject"`
		}
		all += `,{"id":"n` + id + `","type":"` + kind + `","version":1,"config":` + config + policy + `}`
		edges = append(edges, edge("n"+string(rune('0'+i)), "out", "n"+id, "in"))
	}
	all += `,{"id":"out","type":"file.output","version":1,"config":{"path":"out.jsonl","format":"jsonl"}}`
	edges = append(edges, edge("n"+string(rune('0'+len(nodes))), "out", "out", "in"))
	return `{"format":1,"name":"chained","parameters":[` + parameters + `],"nodes":[` + all + `],"edges":[` + strings.Join(edges, ",") + `]}`
}

func writeLines(t *testing.T, dir string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

const secretKeys = `{"name":"key","type":"text","secret":true},{"name":"old","type":"text","secret":true}`

var (
	newKey = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	oldKey = "000102030405060708090a0b0c0d0e0f"
)

// TestEncryptRoundTrip: what is encrypted is read again, with every key that is there, and equal values look different.
func TestEncryptRoundTrip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := []string{`{"v":"a","n":1}`, `{"v":"a","n":-9223372036854775808}`, `{"v":"","n":null}`, `{"v":null,"n":7}`, `{"v":"é \"日本\"\n","n":0}`, `{"v":"` + strings.Repeat("x", 5000) + `","n":2}`}
	writeLines(t, dir, in...)
	const fields = `[{"name":"v","type":"text"},{"name":"n","type":"int64"}]`
	encrypt := `encrypt {"do":"encrypt","fields":["v","n"],"keys":[{"name":"2026","key":"${key}"},{"name":"old","key":"${old}"}]}`
	values := map[string]string{"key": newKey, "old": oldKey}
	sealed, _, err := given(t, dir, chained(fields, secretKeys, encrypt), values)
	if err != nil || len(sealed) != len(in) {
		t.Fatal(err, sealed)
	}
	var a, b struct{ V, N *string }
	if json.Unmarshal([]byte(sealed[0]), &a) != nil || json.Unmarshal([]byte(sealed[1]), &b) != nil || *a.V == *b.V || !strings.HasPrefix(*a.V, "2026:") {
		t.Errorf("equal values become %s and %s", sealed[0], sealed[1])
	}
	if !strings.Contains(sealed[3], `"v":null`) || !strings.Contains(sealed[2], `"n":null`) {
		t.Errorf("nulls become %s and %s", sealed[3], sealed[2])
	}
	decrypt := `encrypt {"do":"decrypt","fields":["v","n"],"keys":[{"name":"old","key":"${old}"},{"name":"2026","key":{"parameter":"key"}}]}`
	back, rejects, err := given(t, dir, chained(fields, secretKeys, encrypt, decrypt, `convert {"fields":[{"name":"n","type":"int64"}]}`), values)
	if err != nil || len(rejects) > 0 {
		t.Fatal(err, rejects)
	}
	for i := range in {
		if back[i] != in[i] {
			t.Errorf("%s became %s", in[i], back[i])
		}
	}
}

// TestDecryptRejects: what cannot be decrypted is refused, and the reason says why without a key in it.
func TestDecryptRejects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeLines(t, dir, `{"v":"secret"}`)
	const fields = `[{"name":"v","type":"text"}]`
	values := map[string]string{"key": newKey, "old": oldKey}
	sealed, _, err := given(t, dir, chained(fields, secretKeys, `encrypt {"do":"encrypt","fields":["v"],"keys":[{"name":"k1","key":"${key}"}]}`), values)
	if err != nil {
		t.Fatal(err)
	}
	var good struct{ V string }
	if err := json.Unmarshal([]byte(sealed[0]), &good); err != nil {
		t.Fatal(err)
	}
	body := strings.TrimPrefix(good.V, "k1:")
	changed := "A"
	if body[20] == 'A' {
		changed = "B"
	}
	changed = body[:20] + changed + body[21:]
	wants := map[int64]string{}
	lines := []string{`{"v":"` + good.V + `"}`}
	for _, c := range []struct{ value, want string }{
		{"secret", "v cannot be decrypted: the text was not made by Encrypt: it does not begin with the name of a key and a colon"},
		{"", "v cannot be decrypted: the text was not made by Encrypt: it does not begin with the name of a key and a colon"},
		{"k9:" + body, "v cannot be decrypted: it needs the key k9, and there is only k1, k2"},
		{"k2:" + body, "v cannot be decrypted: it was changed, or the key k2 is another one than it was encrypted with"},
		{"k1:" + changed, "v cannot be decrypted: it was changed, or the key k1 is another one than it was encrypted with"},
		{"k1:" + body[:8], "v cannot be decrypted: what follows the name of the key is no base64, or cut off"},
		{"k1:***", "v cannot be decrypted: what follows the name of the key is no base64, or cut off"},
	} {
		lines = append(lines, `{"v":`+asJSON(t, c.value)+`}`)
		wants[int64(len(lines))] = c.want
	}
	writeLines(t, dir, lines...)
	out, rejects, err := given(t, dir, chained(fields, secretKeys, `encrypt {"do":"decrypt","fields":["v"],"keys":[{"name":"k1","key":"${key}"},{"name":"k2","key":"${old}"}]}`), values)
	if err != nil || len(out) != 1 || out[0] != `{"v":"secret"}` {
		t.Errorf("%v %v", err, out)
	}
	for _, r := range rejects {
		if r.Code != "decrypt.failed" || r.Field != "v" || r.Reason != wants[r.Record] {
			t.Errorf("refused %+v, want %q", r, wants[r.Record])
		}
		delete(wants, r.Record)
	}
	if len(wants) > 0 {
		t.Errorf("not refused: %v", wants)
	}
}

// TestKeySettings: a key stands in no flow, and is one.
func TestKeySettings(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`encrypt {"do":"encrypt","fields":["v"],"keys":[{"name":"k","key":"` + newKey + `"}]}`:                     `config.secret "Key" stands in the flow, where everybody sees it who sees the flow`,
		`encrypt {"do":"encrypt","fields":["v"],"keys":[{"name":"k","key":"x${key}"}]}`:                            `config.secret "Key" stands in the flow`,
		`encrypt {"do":"encrypt","fields":["v"],"keys":[{"name":"k","key":"${open}"}]}`:                            `config.secret the parameter "open" is not secret`,
		`encrypt {"do":"encrypt","fields":["v"],"keys":[{"name":"k","key":"${gone}"}]}`:                            `expr.unknown_parameter there is no parameter "gone"`,
		`encrypt {"do":"encrypt","fields":["v"],"keys":[{"name":"k","key":"${short}"}]}`:                           `encrypt.key the key k cannot be used: it has 5 octets, and AES takes 16, 24 or 32`,
		`encrypt {"do":"encrypt","fields":["v"],"keys":[{"name":"k","key":"${odd}"}]}`:                             `encrypt.key the key k cannot be used: it is neither base64 nor hexadecimal digits`,
		`encrypt {"do":"encrypt","fields":["v"],"keys":[{"name":"a b","key":"${key}"}]}`:                           `encrypt.key_name "a b" cannot be the name of this key`,
		`encrypt {"do":"encrypt","fields":["v"],"keys":[{"name":"k","key":"${key}"},{"name":"k","key":"${key}"}]}`: `encrypt.key_name "k" cannot be the name of this key`,
		`encrypt {"do":"encrypt","fields":["v"],"keys":[{"name":"k"}]}`:                                            `config.required "Key" is missing`,
		`encrypt {"do":"encrypt","fields":["b"],"keys":[{"name":"k","key":"${key}"}]}`:                             `encrypt.type "b" is of type list<text> and has no text of its own`,
		`encrypt {"do":"decrypt","fields":["n"],"keys":[{"name":"k","key":"${key}"}]}`:                             `encrypt.type "n" is of type int64, and what Encrypt writes is a text`,
		`mask {"fields":[{"name":"v","how":"hmac"}]}`:                                                              `config.required "Key" is missing`,
		`mask {"fields":[{"name":"v","how":"hmac","key":"${short}"}]}`:                                             `mask.key the key has 8 characters and needs 16`,
		`mask {"fields":[{"name":"v","how":"hmac","key":"a key in the flow itself"}]}`:                             `config.secret "Key" stands in the flow`,
		`formula {"fields":[{"name":"x","expression":"$key"}]}`:                                                    `expr.secret_parameter the parameter $key is secret`,
	} {
		dir := t.TempDir()
		writeLines(t, dir, `{"v":"a","n":1}`)
		parameters := `{"name":"key","type":"text","secret":true},{"name":"short","type":"text","secret":true},{"name":"odd","type":"text","secret":true},{"name":"open","type":"text"}`
		_, _, err := given(t, dir, chained(`[{"name":"v","type":"text"},{"name":"n","type":"int64"},{"name":"b","type":"list<text>"}]`, parameters, config),
			map[string]string{"key": newKey, "short": "MTIzNDU=", "odd": "no key at all!", "open": newKey})
		e := flows.AsError(err)
		if e == nil || !strings.HasPrefix(e.Code+" "+e.Message, want) {
			t.Errorf("%s: %v, want %s", config, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), newKey) || strings.Contains(err.Error(), "no key at all!") || strings.Contains(err.Error(), "MTIzNDU")) {
			t.Errorf("%s: the error tells the key: %v", config, err)
		}
	}
}

// TestMaskHMAC: the HMAC as the standard library makes it; equal values stay equal, a null stays null.
func TestMaskHMAC(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeLines(t, dir, `{"v":"what do ya want for nothing?","n":7}`, `{"v":null,"n":null}`, `{"v":"what do ya want for nothing?","n":7}`)
	out, _, err := given(t, dir, chained(`[{"name":"v","type":"text"},{"name":"n","type":"int64"}]`, secretKeys, `mask {"fields":[{"name":"v","how":"hmac","key":"${key}"},{"name":"n","how":"hmac","key":"${key}"}]}`),
		map[string]string{"key": "Jefe, and sixteen characters", "old": oldKey})
	const want = `{"v":"%V","n":"%N"}`
	line := strings.NewReplacer("%V", hmacOf("what do ya want for nothing?"), "%N", hmacOf("7")).Replace(want)
	if err != nil || len(out) != 3 || out[0] != line || out[2] != line || out[1] != `{"v":null,"n":null}` {
		t.Errorf("%v %q, want %s", err, out, line)
	}
}

func hmacOf(text string) string {
	h := hmac.New(sha256.New, []byte("Jefe, and sixteen characters"))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}
