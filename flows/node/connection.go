package node

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"spark/flows"
	"spark/flows/expr"
)

// ConnectionType is a kind of external system that connections lead to.
type ConnectionType struct {
	ID       string // such as "postgres"; persisted
	Title    string // such as "PostgreSQL"
	Summary  string // one sentence
	Synonyms []string
	// New returns the settings with their defaults: a pointer to a config struct. Members of type Secret are its secrets.
	New func() ConnectionSettings
	// Test reaches the system.
	Test func(ctx context.Context, c Connection) (ConnectionReport, error)
	// SignInIf is the condition under which people sign in, such as "auth=code"; "": they never do. See GrantedSettings.
	SignInIf string
	// Dialect reads and writes tables; nil where the system is no database.
	Dialect Dialect
	// Address is an example of an address that other programs use, such as postgres://user@host:5432/database, and Parse
	// splits one into settings. Empty and nil where the system has none. The error of Parse never quotes the address,
	// which may hold a password.
	Address string
	Parse   func(address string) (ParsedAddress, error)
}

// ParsedAddress is what an address says.
type ParsedAddress struct {
	Settings ConnectionSettings
	Ignored  []string // parameters without an effect, by their names
}

// AddressMember is the member of settings that may stand in place of those that its address says.
const AddressMember = "address"

// SplitAddress puts the settings that an address says in its place; members that stand beside it overrule them. Settings
// without an address stay as they are. ignored are the parameters of the address that have no effect.
func SplitAddress(typeID string, settings json.RawMessage) (split json.RawMessage, ignored []string, err error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(settings, &members) != nil || members[AddressMember] == nil {
		return settings, nil, nil // what is no object is reported by who reads it
	}
	at := flows.Path{Field: AddressMember}
	var address string
	if err := json.Unmarshal(members[AddressMember], &address); err != nil {
		return nil, nil, &flows.Error{Code: "connection.address", Path: at, Message: "the address is no text", Suggestion: "write it in quotes"}
	}
	t, ok := LookupConnectionType(typeID)
	if !ok {
		return nil, nil, unknownConnectionType(typeID)
	}
	if t.Parse == nil {
		return nil, nil, &flows.Error{Code: "connection.address", Path: at, Message: fmt.Sprintf("a connection to %s has no address of that kind", t.Title), Suggestion: "fill in the fields"}
	}
	parsed, err := t.Parse(address)
	if err != nil {
		return nil, nil, err
	}
	revealed, err := RevealSettings(parsed.Settings)
	if err != nil {
		return nil, nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(revealed, &all); err != nil {
		return nil, nil, fmt.Errorf("connection settings: %w", err)
	}
	delete(members, AddressMember)
	maps.Copy(all, members)
	split, err = json.Marshal(all)
	return split, parsed.Ignored, err
}

// ConnectionSettings are the settings of a connection.
type ConnectionSettings interface {
	// Check reports what is wrong with them, with the member in the error's field.
	Check() flows.Problems
	// Place is where the secrets are sent to, such as host:port. Secrets are bound to it: where it changes they have to
	// be given again.
	Place() string
}

// ConnectionReport is what a test of a connection found.
type ConnectionReport struct {
	Place   string        `json:"place"`          // what was reached
	User    string        `json:"user,omitempty"` // as whom
	Version string        `json:"version,omitempty"`
	Took    time.Duration `json:"took"`
	// Ignored are the parameters of the address that the test was given which have no effect, by their names.
	Ignored []string `json:"ignored,omitempty"`
	// Of an API: the status of its answer, such as 200 and OK, and how the answer begins.
	Status     int    `json:"status,omitempty"`
	StatusText string `json:"statusText,omitempty"`
	Answer     string `json:"answer,omitempty"`
}

// Connection is a connection with its settings, secrets included. It is never stored or sent as it is.
type Connection struct {
	Name     string
	Type     *ConnectionType
	Settings ConnectionSettings
	// Tokens gives access tokens where the settings have a grant; nil: nobody does.
	Tokens TokenSource
	// Shared is what all nodes of the run have in common that use the connection; nil: each is alone.
	Shared *Shared
}

// Datasets answers a plan's questions about what connections lead to.
type Datasets struct {
	Context     context.Context
	Connections Connections
}

// Database finds a connection that leads to a database.
func Database(cs Connections, name string) (Connection, Dialect, error) {
	at := flows.Path{Field: "connection"}
	c, err := cs.Connection(name)
	if err != nil {
		return c, nil, flows.AsError(err).At(at)
	}
	if c.Type.Dialect == nil {
		return c, nil, &flows.Error{Code: "connection.no_database", Path: at, Message: fmt.Sprintf("%s is a connection to %s, which is no database", name, c.Type.Title), Suggestion: "choose a connection to a database"}
	}
	return c, c.Type.Dialect, nil
}

// DescribeDataset returns the schema of a selection.
func (d Datasets) DescribeDataset(connection string, from Select) (flows.Schema, error) {
	c, dialect, err := Database(d.Connections, connection)
	if err != nil {
		return nil, err
	}
	return dialect.Describe(d.Context, c, from)
}

// Window counts what an incremental selection would read.
func (d Datasets) Window(connection string, from Select, after Offset) (flows.CursorWindow, error) {
	c, dialect, err := Database(d.Connections, connection)
	if err != nil {
		return flows.CursorWindow{}, err
	}
	return dialect.Window(d.Context, c, from, after)
}

// Tables lists the tables of a database.
func (d Datasets) Tables(connection, search string) ([]flows.Table, error) {
	c, dialect, err := Database(d.Connections, connection)
	if err != nil {
		return nil, err
	}
	return dialect.Tables(d.Context, c, search)
}

// Columns lists the columns of a table.
func (d Datasets) Columns(connection, table string) ([]flows.Column, error) {
	c, dialect, err := Database(d.Connections, connection)
	if err != nil {
		return nil, err
	}
	return dialect.Columns(d.Context, c, table)
}

// Connections resolves the names that nodes use.
type Connections interface {
	// Connection returns the connection of a name. The error says which ones there are.
	Connection(name string) (Connection, error)
}

// ConnectionSpec is a connection on its way to the process that uses it: the settings with their secrets revealed.
type ConnectionSpec struct {
	Type     string          `json:"type"`
	Settings json.RawMessage `json:"settings"`
	// Missing is the environment in which the connection leads nowhere, although it does in others; "": it leads somewhere.
	Missing string `json:"missing,omitempty"`
	// Grant names what its access tokens come from; "": it has no grant. The process that uses the connection asks its host
	// for tokens by this name, and only for those of connections that it was given.
	Grant string `json:"grant,omitempty"`
	// Tokens and Shared are those of the process that holds the spec; see Connection.
	Tokens TokenSource `json:"-"`
	Shared *Shared     `json:"-"`
}

// ConnectionSet is Connections by name.
type ConnectionSet map[string]ConnectionSpec

var _ Connections = ConnectionSet{}

// Dialect is that of a connection, nil where it has none.
func (s ConnectionSet) Dialect(name string) Dialect {
	if t, ok := LookupConnectionType(s[name].Type); ok {
		return t.Dialect
	}
	return nil
}

// Connection reads the settings.
func (s ConnectionSet) Connection(name string) (Connection, error) {
	spec, ok := s[name]
	if !ok {
		names := make([]string, 0, len(s))
		for n := range s {
			names = append(names, n)
		}
		slices.Sort(names)
		e := &flows.Error{Code: "connection.unknown", Params: flows.Params{"connection": name}, Message: fmt.Sprintf("there is no connection %q", name),
			Suggestion: flows.DidYouMean(name, names)}
		if e.Suggestion == "" {
			e.Suggestion = "add it to the project, or choose another one"
		}
		return Connection{}, e
	}
	if spec.Missing != "" {
		return Connection{}, &flows.Error{Code: "connection.environment", Params: flows.Params{"connection": name, "environment": spec.Missing},
			Message: fmt.Sprintf("the connection %q leads nowhere in the environment %s", name, spec.Missing), Suggestion: "say on the page of the connections where it leads there, or choose another environment"}
	}
	return LoadConnection(name, spec)
}

// ConnectionNames returns the connections that a flow's nodes use with these values of its parameters, in order.
func ConnectionNames(f *flows.Flow, params []expr.Param) []string {
	var names []string
	for _, n := range f.Nodes {
		t, ok := Lookup(n.Type)
		if !ok || n.Disabled {
			continue
		}
		var members map[string]any
		if json.Unmarshal(Bound(n, params), &members) != nil {
			continue // reported by Load
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(t.New()).Elem()) {
			if name, ok := members[memberName(f)].(string); ok && name != "" && f.Tag.Get("widget") == "connection" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// LoadConnection reads and checks the settings of a connection.
func LoadConnection(name string, spec ConnectionSpec) (Connection, error) {
	t, ok := LookupConnectionType(spec.Type)
	if !ok {
		return Connection{}, unknownConnectionType(spec.Type)
	}
	settings := t.New()
	raw := spec.Settings
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	ps := decodeConfig("", raw, settings)
	if !ps.Failed() {
		ps = append(ps, settings.Check()...)
	}
	if ps.Failed() {
		for _, p := range ps {
			p.Message = fmt.Sprintf("connection %s: %s", name, p.Message)
		}
		return Connection{}, ps
	}
	return Connection{Name: name, Type: t, Settings: settings, Tokens: spec.Tokens, Shared: spec.Shared}, nil
}

func unknownConnectionType(id string) error {
	return &flows.Error{Code: "connection.type", Params: flows.Params{"type": id}, Message: fmt.Sprintf("there is no connection type %q", id), Suggestion: flows.DidYouMean(id, connectionTypeNames())}
}

// RevealSettings writes settings with their secrets: for the process that uses them, never for people.
func RevealSettings(settings ConnectionSettings) (json.RawMessage, error) {
	b, err := json.Marshal(settings)
	if err != nil {
		return nil, fmt.Errorf("connection settings: %w", err)
	}
	var members map[string]any
	if err := json.Unmarshal(b, &members); err != nil {
		return nil, fmt.Errorf("connection settings: %w", err)
	}
	for name, s := range Secrets(settings) {
		members[name] = s.Reveal()
	}
	return json.Marshal(members)
}

// Secrets returns the secret members of settings by their JSON name, empty ones left out.
func Secrets(settings ConnectionSettings) map[string]Secret {
	out := map[string]Secret{}
	v := reflect.ValueOf(settings).Elem()
	for i := range v.NumField() {
		if s, ok := v.Field(i).Interface().(Secret); ok && !s.IsZero() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			out[name] = s
		}
	}
	return out
}

// SecretMembers are the JSON names of the secret settings of a connection type; none where there is no such type.
func SecretMembers(typeID string) (names []string) {
	t, ok := LookupConnectionType(typeID)
	if !ok {
		return nil
	}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(t.New()).Elem()) {
		if f.Type == reflect.TypeFor[Secret]() {
			names = append(names, memberName(f))
		}
	}
	return names
}

// RegisterConnectionType adds a connection type. It panics on an incomplete one or a taken id.
func RegisterConnectionType(t *ConnectionType) {
	catalogue.Lock()
	defer catalogue.Unlock()
	switch {
	case t.ID == "" || t.Title == "" || t.New == nil || t.Test == nil:
		panic(fmt.Sprintf("connection type %q is incomplete", t.ID))
	case catalogue.connections[t.ID] != nil:
		panic(fmt.Sprintf("connection type %q is registered twice", t.ID))
	}
	if catalogue.connections == nil {
		catalogue.connections = map[string]*ConnectionType{}
	}
	catalogue.connections[t.ID] = t
}

// LookupConnectionType returns the connection type with that id.
func LookupConnectionType(id string) (*ConnectionType, bool) {
	catalogue.RLock()
	defer catalogue.RUnlock()
	t, ok := catalogue.connections[id]
	return t, ok
}

// ConnectionTypes returns all connection types in order of their titles.
func ConnectionTypes() []*ConnectionType {
	catalogue.RLock()
	defer catalogue.RUnlock()
	list := make([]*ConnectionType, 0, len(catalogue.connections))
	for _, t := range catalogue.connections {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *ConnectionType) int { return strings.Compare(a.Title, b.Title) })
	return list
}

func connectionTypeNames() []string {
	var names []string
	for _, t := range ConnectionTypes() {
		names = append(names, t.ID)
	}
	return names
}
