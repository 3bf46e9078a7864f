package executor

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"spark/flows"
	"spark/flows/node"
)

// given is a token source that counts.
type given struct{ n int }

func (g *given) Token(_ context.Context, refused string) (node.AccessToken, error) {
	g.n++
	if refused != "" {
		return node.AccessToken{}, errors.New("there is no other one")
	}
	return node.AccessToken{Access: "access-token-7"}, nil
}

// TestTokensOfACallOnly: a guest gets tokens of connections that it works with at the time, and its answers do not show them.
func TestTokensOfACallOnly(t *testing.T) {
	t.Parallel()
	h, source := &Host{run: &Callbacks{}}, &given{}
	ask := func(grant, refused string) (node.AccessToken, error) {
		body, err := json.Marshal(tokenBody{Grant: grant, Refused: refused})
		if err != nil {
			t.Fatal(err)
		}
		return h.giveToken(t.Context(), frame{Method: methodToken, Body: body})
	}
	set := node.ConnectionSet{"shop": {Grant: "g1", Tokens: source}, "plain": {}}
	first, other := h.tokens.open(set), h.tokens.open(nil)
	for grant, ok := range map[string]bool{"g1": true, "g2": false, "": false} {
		if token, err := ask(grant, ""); (err == nil) != ok || ok && token.Access != "access-token-7" {
			t.Errorf("grant %q: %v", grant, err)
		}
	}
	if _, err := ask("g1", "access-token-7"); err == nil {
		t.Error("a refused token came again")
	}
	if text := h.scrub.Text("you sent access-token-7"); text != "you sent ***" {
		t.Errorf("events say %q", text)
	}
	if text := flows.NewScrubber(h.tokens.close(first)).Text("you sent access-token-7"); text != "you sent ***" {
		t.Errorf("the answer says %q", text)
	}
	if tokens := h.tokens.close(other); len(tokens) != 0 {
		t.Errorf("a call without connections was given %q", tokens)
	}
	if _, err := ask("g1", ""); err == nil || source.n != 2 {
		t.Errorf("after its call a guest gets tokens: %v, asked %d times", err, source.n)
	}
}
