// Package server is Spark's web server: pages, the API below /api/v1 and the WebSocket of every run. Every route names the
// action that it stands for and is refused unless that action is allowed; see route.go and docs/server.md.
package server
