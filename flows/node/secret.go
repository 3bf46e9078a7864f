package node

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Hidden is what is shown in place of a secret.
const Hidden = "***"

// Secret is a text that is never shown: whatever prints, logs or marshals it writes Hidden. Only Reveal gives it away.
type Secret struct{ text string }

var (
	_ fmt.Formatter  = Secret{}
	_ slog.LogValuer = Secret{}
	_ json.Marshaler = Secret{}
)

// NewSecret hides a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text, for whoever has to send it to where it belongs.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.text == "" }

// String is Hidden, or empty where there is no text.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return Hidden
}

// Format writes String for every verb, %#v included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON writes String.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads the text.
func (s *Secret) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &s.text) }
