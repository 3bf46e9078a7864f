package run

import (
	"encoding/json"
	"fmt"
	"maps"

	"spark/flows"
	"spark/flows/node"
)

// Sealer encrypts and decrypts; what was sealed with other associated data does not open.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// secretsOf are the values of the secret parameters of a flow.
func secretsOf(doc *flows.Flow, given map[string]string) []string {
	var values []string
	for _, p := range doc.Parameters {
		if v := given[p.Name]; p.Secret && v != "" {
			values = append(values, v)
		}
	}
	return values
}

// associatedRun binds sealed values to their run.
func associatedRun(id string) []byte { return []byte("run " + id) }

// sealParameters parts what is given for a run into what everybody may see, and the secret values, sealed.
func (s *Service) sealParameters(doc *flows.Flow, id string, given map[string]string) (shown map[string]string, sealed []byte, err error) {
	secrets := map[string]string{}
	shown = maps.Clone(given)
	for _, p := range doc.Parameters {
		if v, ok := given[p.Name]; ok && p.Secret {
			secrets[p.Name], shown[p.Name] = v, node.Hidden
		}
	}
	if len(secrets) == 0 {
		return shown, nil, nil
	}
	if s.Sealer == nil {
		return nil, nil, &flows.Error{Code: "parameter.sealed", Message: "secret parameters cannot be kept here", Suggestion: "give this server a key of secrets"}
	}
	plain, err := json.Marshal(secrets)
	if err != nil {
		return nil, nil, fmt.Errorf("secret parameters: %w", err)
	}
	sealed, err = s.Sealer.Seal(plain, associatedRun(id))
	return shown, sealed, err
}

// openParameters are the parameters of a run with the secret values among them.
func (s *Service) openParameters(r flows.Run) (map[string]string, error) {
	if len(r.Sealed) == 0 {
		return r.Parameters, nil
	}
	broken := &flows.Error{Code: "parameter.sealed", Params: flows.Params{"run": r.ID}, Message: "the secret parameters of the run cannot be opened with this server's key",
		Suggestion: "start the server with the key of before, or start a new run"}
	if s.Sealer == nil {
		return nil, broken
	}
	plain, err := s.Sealer.Open(r.Sealed, associatedRun(r.ID))
	if err != nil {
		return nil, broken
	}
	all := maps.Clone(r.Parameters)
	if err := json.Unmarshal(plain, &all); err != nil {
		return nil, broken
	}
	return all, nil
}
