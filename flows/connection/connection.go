// Package connection keeps the connections of projects: their settings as everybody may see them, and their secrets
// sealed, bound to the connection and to the place that they are sent to.
package connection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
)

// Store keeps connections with their sealed secrets.
type Store interface {
	// Create stores a new connection. A name that is taken is an error with code connection.name_taken.
	Create(ctx context.Context, scope flows.Scope, c flows.Connection, sealed []byte) (flows.Connection, error)
	// Update replaces it if etag is still its etag.
	Update(ctx context.Context, scope flows.Scope, etag string, c flows.Connection, sealed []byte) (flows.Connection, error)
	Get(ctx context.Context, scope flows.Scope, id string) (c flows.Connection, sealed []byte, err error)
	// Named returns the connection with a name as it is in an environment, and whether there is one.
	Named(ctx context.Context, scope flows.Scope, name, environment string) (c flows.Connection, sealed []byte, found bool, err error)
	// NameGrant notes the grant of a connection that was saved before there were any.
	NameGrant(ctx context.Context, scope flows.Scope, id, key string) error
	// List returns all of a project, in order of their names.
	List(ctx context.Context, scope flows.Scope) ([]flows.Connection, error)
	Delete(ctx context.Context, scope flows.Scope, id string) error
}

// Sealer encrypts and decrypts; what was sealed with other associated data does not open.
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// Service is what the server offers about connections.
type Service struct {
	Store  Store
	Sealer Sealer
	NewID  func() string
	// Environments of the projects; nil where there is one without a name.
	Environments Environments
	// Grants give access tokens; nil where there are none.
	Grants *Grants
	// SignIns keeps those that have begun.
	SignIns SignInStore
}

// Environments are those of the projects.
type Environments interface {
	// Environment returns the name of an environment that exists: of the default one where name is empty.
	Environment(ctx context.Context, scope flows.Scope, name string) (string, error)
}

func (s *Service) environment(ctx context.Context, scope flows.Scope, name string) (string, error) {
	if s.Environments == nil {
		return name, nil
	}
	return s.Environments.Environment(ctx, scope, name)
}

// Input is a connection as somebody has filled it in. A secret member that is missing, or node.Hidden, stays as it is.
type Input struct {
	Name string
	// Environment of a new entry; "": the default one. That of a stored one stays.
	Environment string
	Type        string
	Settings    json.RawMessage
}

// List returns the connections of a project.
func (s *Service) List(ctx context.Context, scope flows.Scope) ([]flows.Connection, error) {
	return s.Store.List(ctx, scope)
}

// Get returns a connection.
func (s *Service) Get(ctx context.Context, scope flows.Scope, id string) (flows.Connection, error) {
	c, _, err := s.Store.Get(ctx, scope, id)
	return c, err
}

// Delete removes a connection with its secrets, for good.
func (s *Service) Delete(ctx context.Context, scope flows.Scope, id string) error {
	return s.Store.Delete(ctx, scope, id)
}

// Create stores a new connection.
func (s *Service) Create(ctx context.Context, scope flows.Scope, in Input) (flows.Connection, error) {
	in, err := split(in)
	if err != nil {
		return flows.Connection{}, err
	}
	loaded, err := load(in, nil)
	if err != nil {
		return flows.Connection{}, err
	}
	c, sealed, err := s.seal(scope, s.NewID(), in.Name, loaded)
	if err != nil {
		return flows.Connection{}, err
	}
	if c.Environment, err = s.environment(ctx, scope, in.Environment); err != nil {
		return flows.Connection{}, err
	}
	return s.Store.Create(ctx, scope, c, sealed)
}

// Update replaces a connection. Where its place changes, the secrets have to be given again: nobody can have them sent
// somewhere else who does not know them.
func (s *Service) Update(ctx context.Context, scope flows.Scope, id, etag string, in Input) (flows.Connection, error) {
	loaded, err := s.merged(ctx, scope, id, in)
	if err != nil {
		return flows.Connection{}, err
	}
	c, sealed, err := s.seal(scope, id, in.Name, loaded)
	if err != nil {
		return flows.Connection{}, err
	}
	return s.Store.Update(ctx, scope, etag, c, sealed)
}

// Spec is the connection of an input for a process that works with it. id names the stored one that its secrets come
// from; "" where there is none.
func (s *Service) Spec(ctx context.Context, scope flows.Scope, id string, in Input) (node.ConnectionSpec, error) {
	loaded, err := s.merged(ctx, scope, id, in)
	if err != nil {
		return node.ConnectionSpec{}, err
	}
	return s.Grants.Spec(scope, id, loaded)
}

// Resolve returns the named connections with their secrets; see run.Connections.
func (s *Service) Resolve(ctx context.Context, scope flows.Scope, environment string, names []string) (node.ConnectionSet, error) {
	environment, err := s.environment(ctx, scope, environment)
	if err != nil {
		return nil, err
	}
	set := node.ConnectionSet{}
	for _, name := range names {
		c, sealed, found, err := s.Store.Named(ctx, scope, name, environment)
		if err != nil {
			return nil, err
		}
		if !found {
			if err := s.elsewhere(ctx, scope, environment, name, set); err != nil {
				return nil, err
			}
			continue
		}
		secrets, err := s.open(c, sealed)
		if err != nil {
			return nil, err
		}
		loaded, err := load(Input{Name: c.Name, Type: c.Type, Settings: c.Settings}, secrets)
		if err != nil {
			return nil, err
		}
		if set[name], err = s.Grants.Spec(scope, c.ID, loaded); err != nil {
			return nil, err
		}
		if key := set[name].Grant; key != "" && c.Grant == "" {
			if err := s.Store.NameGrant(ctx, scope, c.ID, key); err != nil {
				return nil, err
			}
		}
	}
	return set, nil
}

// elsewhere notes a connection that leads nowhere in the environment, although it does in others.
func (s *Service) elsewhere(ctx context.Context, scope flows.Scope, environment, name string, set node.ConnectionSet) error {
	all, err := s.Store.List(ctx, scope)
	if i := slices.IndexFunc(all, func(c flows.Connection) bool { return c.Name == name }); i >= 0 {
		set[name] = node.ConnectionSpec{Type: all[i].Type, Missing: environment}
	}
	return err
}

// merged loads an input with the secrets of the stored connection that it changes.
func (s *Service) merged(ctx context.Context, scope flows.Scope, id string, in Input) (node.Connection, error) {
	in, err := split(in)
	if err != nil {
		return node.Connection{}, err
	}
	if id == "" {
		return load(in, nil)
	}
	c, sealed, err := s.Store.Get(ctx, scope, id)
	if err != nil {
		return node.Connection{}, err
	}
	if c.Type != in.Type {
		return node.Connection{}, &flows.Error{Code: "connection.type", Message: "the type of a connection cannot be changed", Suggestion: "create another connection"}
	}
	secrets, err := s.open(c, sealed)
	if err != nil {
		return node.Connection{}, err
	}
	loaded, err := load(in, secrets)
	if err != nil {
		return node.Connection{}, err
	}
	if place := loaded.Settings.Place(); place != c.Place && len(secrets) > 0 {
		for name := range secrets {
			if !given(in.Settings, name) {
				return node.Connection{}, &flows.Error{Code: "connection.secret_again", Path: flows.Path{Field: name}, Params: flows.Params{"place": place},
					Message: fmt.Sprintf("the connection now leads to %s, and its secrets were given for %s", place, c.Place), Suggestion: "give the secret again"}
			}
		}
	}
	return loaded, nil
}

// split puts settings in the place of an address.
func split(in Input) (Input, error) {
	settings, _, err := node.SplitAddress(in.Type, in.Settings)
	in.Settings = settings
	return in, err
}

// given reports whether an input has a new value for a secret.
func given(settings json.RawMessage, name string) bool {
	var members map[string]json.RawMessage
	var text string
	if json.Unmarshal(settings, &members) != nil || len(members[name]) == 0 {
		return false
	}
	return json.Unmarshal(members[name], &text) == nil && text != node.Hidden
}

// load checks an input; secrets are taken where it gives none.
// The settings may hold an address, which is split before: the input has all that it gives.
func load(in Input, secrets map[string]string) (node.Connection, error) {
	if name := strings.TrimSpace(in.Name); name == "" || name != in.Name || len(name) > 100 || strings.ContainsAny(name, "\x00\r\n\t") {
		return node.Connection{}, &flows.Error{Code: "connection.name", Path: flows.Path{Field: "name"}, Message: "the connection needs a name of up to 100 characters, without spaces around it", Suggestion: "call it what it leads to, such as warehouse"}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(in.Settings, &members); err != nil {
		return node.Connection{}, &flows.Error{Code: "connection.settings", Message: "the settings are no JSON object", Suggestion: "write {\"host\": …}", Cause: err}
	}
	for name, text := range secrets {
		if given(in.Settings, name) {
			continue
		}
		b, err := json.Marshal(text)
		if err != nil {
			return node.Connection{}, fmt.Errorf("connection: %w", err)
		}
		members[name] = b
	}
	settings, err := json.Marshal(members)
	if err != nil {
		return node.Connection{}, fmt.Errorf("connection: %w", err)
	}
	return node.LoadConnection(in.Name, node.ConnectionSpec{Type: in.Type, Settings: settings})
}

// associated binds sealed secrets to their connection and place.
func associated(id, place string) []byte { return []byte("connection " + id + " " + place) }

func (s *Service) seal(scope flows.Scope, id, name string, loaded node.Connection) (flows.Connection, []byte, error) {
	shown, err := json.Marshal(loaded.Settings)
	if err != nil {
		return flows.Connection{}, nil, fmt.Errorf("connection: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(shown, &members); err != nil {
		return flows.Connection{}, nil, fmt.Errorf("connection: %w", err)
	}
	secrets := map[string]string{}
	for member, secret := range node.Secrets(loaded.Settings) {
		secrets[member] = secret.Reveal()
		delete(members, member)
	}
	c := flows.Connection{ID: id, Name: name, Type: loaded.Type.ID, Secrets: slices.Sorted(maps.Keys(secrets)), Place: loaded.Settings.Place(), Grant: grantKey(scope, id, loaded.Settings)}
	if c.Settings, err = json.Marshal(members); err != nil {
		return c, nil, fmt.Errorf("connection: %w", err)
	}
	if len(secrets) == 0 {
		return c, nil, nil
	}
	plain, err := json.Marshal(secrets)
	if err != nil {
		return c, nil, fmt.Errorf("connection: %w", err)
	}
	sealed, err := s.Sealer.Seal(plain, associated(id, c.Place))
	return c, sealed, err
}

// errUnsealed hides why: what the cipher says is of no use to people.
var errUnsealed = errors.New("the sealed secrets do not open")

func (s *Service) open(c flows.Connection, sealed []byte) (map[string]string, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	plain, err := s.Sealer.Open(sealed, associated(c.ID, c.Place))
	if err != nil {
		return nil, &flows.Error{Code: "connection.sealed", Params: flows.Params{"connection": c.Name}, Message: fmt.Sprintf("the secrets of the connection %s cannot be opened with this server's key", c.Name),
			Suggestion: "bring back the key file that the server had, or give the secrets again", Cause: errUnsealed}
	}
	var secrets map[string]string
	if err := json.Unmarshal(plain, &secrets); err != nil {
		return nil, fmt.Errorf("connection %s: %w", c.Name, errUnsealed)
	}
	return secrets, nil
}
