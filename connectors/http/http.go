// Package http holds connections to APIs that are called over HTTP, and the node types that call them. Every call goes
// through internal/netguard; credentials are sent to the server of the connection only, and stand in nothing that is
// shown.
package http
