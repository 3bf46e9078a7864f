package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"spark/flows"
	"spark/internal/testserver"
)

// mysql makes connections to MariaDB, one that works and others that fail, and runs and asks over each of them.
func (k *canaryServer) mysql() (ended []flows.Run) {
	t := k.canaries.t
	address := testserver.MariaDB(t)
	u, err := url.Parse(address)
	must(t, err)
	db, err := testserver.OpenMariaDB(address)
	must(t, err)
	defer db.Close()
	password := k.plant("password of MySQL")
	user := "canary_" + strings.Trim(u.Path, "/")
	for _, sql := range []string{"SET sql_mode = 'NO_BACKSLASH_ESCAPES'", fmt.Sprintf("CREATE USER %s IDENTIFIED BY '%s'", user, strings.ReplaceAll(password, "'", "''")), fmt.Sprintf("GRANT ALL ON %s.* TO %s", strings.Trim(u.Path, "/"), user)} {
		db.SetMaxOpenConns(1)
		_, err := db.ExecContext(t.Context(), sql)
		must(t, err)
	}
	settings := func(more map[string]any) string {
		m := map[string]any{"host": u.Hostname(), "port": json.Number(u.Port()), "database": strings.Trim(u.Path, "/"), "user": user, "tls": "disable", "password": password}
		for member, v := range more {
			m[member] = v
		}
		b, err := json.Marshal(m)
		must(t, err)
		return string(b)
	}
	inAddress := k.plant("password in an address of MySQL")
	for name, s := range map[string]string{
		"maria":         settings(nil),
		"maria wrong":   settings(map[string]any{"password": k.plant("wrong password of MySQL")}),
		"maria down":    settings(map[string]any{"port": 1}),
		"maria no tls":  settings(map[string]any{"tls": "verify-full"}),
		"maria address": fmt.Sprintf(`{"address":%q}`, fmt.Sprintf("jdbc:mysql://canary:%s@127.0.0.1:1/shop", url.PathEscape(inAddress))),
	} {
		body := fmt.Sprintf(`{"name":%q,"type":"mysql","settings":%s}`, name, s)
		k.probe(k.serving, http.MethodPost, "/api/v1/connections/test", body)
		code, b := k.probe(k.serving, http.MethodPost, "/api/v1/connections", body)
		var made flows.Connection
		if err := json.Unmarshal(b, &made); err != nil || code != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, code, b)
		}
		k.ids[name] = made.ID
		k.probe(k.serving, http.MethodGet, "/api/v1/connections/"+made.ID+"/tables", "")
		k.probe(k.serving, http.MethodGet, "/api/v1/connections/"+made.ID+"/columns?table=orders", "")
		doc := strings.Replace(k.reading("SELECT 1 AS id"), "warehouse", name, 1)
		k.lab(doc)
		if name == "maria" {
			load := chain(step("in", "sample.data", `{"dataset":"orders","records":1000}`), step("out", "database.output", `{"connection":"maria","table":"orders","mode":"replace"}`))
			ended = append(ended, k.watched(k.flow(doc, `{}`), flows.RunSucceeded), k.watched(k.flow(load, `{}`), flows.RunSucceeded))
		}
	}
	refused := k.plant("password of a refused address of MySQL")
	for _, a := range []string{"jdbc:mysql://db/shop?user=a&allowLoadLocalInfile=true&password=" + url.QueryEscape(refused), "mysql://a:" + url.PathEscape(refused) + "@db:x/shop", "a:" + url.PathEscape(refused) + "@tcp(db:x)/shop", "jdbc:oracle:thin:a/" + url.PathEscape(refused) + "@db:1521/shop"} {
		b, err := json.Marshal(map[string]any{"type": "mysql", "address": a})
		must(t, err)
		if code, answer := k.probe(k.serving, http.MethodPost, "/api/v1/connections/split", string(b)); code < 400 {
			t.Errorf("%s is split: %s", a, answer)
		}
	}
	return ended
}
