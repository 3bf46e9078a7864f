package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
)

// connectionFile is the flag of commands that use connections without a server.
type connectionFile struct {
	Connections string `help:"JSON file with the connections that the flow names: {\"warehouse\": {\"type\": \"postgres\", \"settings\": {…}}}. In the place of settings, {\"environments\": {\"development\": {…}}} has those of each environment. A setting {\"env\": \"NAME\"} is read from the environment." placeholder:"FILE" type:"path" env:"SPARK_CONNECTIONS"`
	Tokens      string `help:"File that keeps the tokens that servers give out, such as a refresh token in the place of another one. It is made where it is missing. Default: the name of the file of connections with .tokens." placeholder:"FILE" type:"path" env:"SPARK_TOKENS"`
}

// load reads the connections as they are in an environment. Settings may come from the environment, so that the file need hold no secret.
func (c connectionFile) load(environment string) (node.ConnectionSet, error) {
	if c.Connections == "" {
		return node.ConnectionSet{}, nil
	}
	at := flows.Path{File: c.Connections}
	info, err := os.Stat(c.Connections)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &flows.Error{Code: "connection.file", Path: at, Message: "the file of connections does not exist", Suggestion: "check the path", Cause: err}
	}
	if err != nil {
		return nil, fmt.Errorf("connections: %w", err)
	}
	b, err := os.ReadFile(c.Connections)
	if err != nil {
		return nil, fmt.Errorf("connections: %w", err)
	}
	var set map[string]struct {
		Type     string                     `json:"type"`
		Settings map[string]json.RawMessage `json:"settings"`
		// Environments has the settings of each, instead.
		Environments map[string]map[string]json.RawMessage `json:"environments"`
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&set); err != nil {
		return nil, &flows.Error{Code: "connection.file", Path: at, Message: "the file of connections cannot be read: " + strings.TrimPrefix(err.Error(), "json: "),
			Suggestion: `write {"name": {"type": "postgres", "settings": {…}}}`, Cause: err}
	}
	out := node.ConnectionSet{}
	for name, spec := range set {
		inFile := false
		if len(spec.Environments) > 0 {
			settings, ok := spec.Environments[environment]
			switch {
			case spec.Settings != nil:
				return nil, &flows.Error{Code: "connection.file", Path: at, Message: fmt.Sprintf("the connection %s has settings and environments", name), Suggestion: "write the settings into the environments"}
			case !ok && environment == "":
				return nil, &flows.Error{Code: "connection.file", Path: at, Message: fmt.Sprintf("the connection %s leads somewhere else in each environment, and none is chosen", name), Suggestion: "choose one with --environment, such as " + slices.Sorted(maps.Keys(spec.Environments))[0]}
			case !ok:
				out[name] = node.ConnectionSpec{Type: spec.Type, Missing: environment}
				continue
			}
			spec.Settings = settings
		}
		secrets := node.SecretMembers(spec.Type)
		for member, raw := range spec.Settings {
			var ref struct{ Env string }
			if json.Unmarshal(raw, &ref) == nil && ref.Env != "" {
				value, ok := os.LookupEnv(ref.Env)
				if !ok {
					return nil, &flows.Error{Code: "connection.env", Path: at, Message: fmt.Sprintf("%s of the connection %s comes from the variable %s, which is not set", member, name, ref.Env), Suggestion: "set it"}
				}
				if spec.Settings[member], err = json.Marshal(value); err != nil {
					return nil, fmt.Errorf("connections: %w", err)
				}
			} else if slices.Contains(secrets, member) || member == node.AddressMember { // which may hold one
				inFile = true
			}
		}
		if inFile && info.Mode().Perm()&0o077 != 0 {
			return nil, &flows.Error{Code: "connection.file_open", Path: at, Message: "the file holds a secret and others may read it", Suggestion: "chmod 600 it, or take the secret from the environment"}
		}
		settings, err := json.Marshal(spec.Settings)
		if err != nil {
			return nil, fmt.Errorf("connections: %w", err)
		}
		settings, ignored, err := node.SplitAddress(spec.Type, settings)
		if err != nil {
			e := flows.AsError(err).At(at)
			e.Message = fmt.Sprintf("connection %s: %s", name, e.Message)
			return nil, e
		}
		if len(ignored) > 0 {
			fmt.Fprintf(os.Stderr, "connection %s: ignored in its address: %s\n", name, strings.Join(ignored, ", "))
		}
		out[name] = node.ConnectionSpec{Type: spec.Type, Settings: settings}
	}
	return out, nil
}
