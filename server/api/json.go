package api

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// encoding writes empty lists and maps as [] and {}, never as null: clients go through them without asking.
var encoding = json.JoinOptions(jsonv1.OmitEmptyWithLegacySemantics(true), jsonv1.FormatDurationAsNano(true),
	json.Deterministic(true), jsontext.AllowInvalidUTF8(true), jsontext.EscapeForHTML(true))

// Encode writes a type of the API as JSON.
func Encode(v any) ([]byte, error) { return json.Marshal(v, encoding) }

// Decode reads JSON strictly: unknown and repeated members, other capitals and anything behind the value are errors.
func Decode(b []byte, v any) error {
	return json.Unmarshal(b, v, json.RejectUnknownMembers(true), jsonv1.FormatDurationAsNano(true))
}
