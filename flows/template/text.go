// Package template reads templates in which [field] stands for a value of a record: texts, and JSON.
package template

import (
	"fmt"
	"strings"

	"spark/flows"
)

// Piece is a part of a text: as it is, or a field.
type Piece struct{ Plain, Field string }

// Text reads a text in which [field] stands for a value, and [[ for a bracket.
func Text(s string, fields flows.Schema) ([]Piece, error) {
	var pieces []Piece
	var plain strings.Builder
	for rest := s; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "[["):
			plain.WriteByte('[')
			rest = rest[2:]
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, fmt.Errorf("the bracket in %q is not closed; write [[ for a bracket", s)
			}
			name := rest[1:end]
			if _, ok := fields.Find(name); !ok {
				hint := flows.DidYouMean(name, fields.Names())
				if hint != "" {
					hint = "; " + hint
				}
				return nil, fmt.Errorf("there is no field %q at the input%s; write [[ for a bracket", name, hint)
			}
			if plain.Len() > 0 {
				pieces = append(pieces, Piece{Plain: plain.String()})
				plain.Reset()
			}
			pieces = append(pieces, Piece{Field: name})
			rest = rest[end+1:]
		default:
			plain.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	if plain.Len() > 0 {
		pieces = append(pieces, Piece{Plain: plain.String()})
	}
	return pieces, nil
}

// TextExpr is the expression of what a text with fields makes of a record; null is nothing.
func TextExpr(s string, fields flows.Schema) (string, error) {
	pieces, err := Text(s, fields)
	parts := []string{"''"}
	for _, p := range pieces {
		if p.Field == "" {
			parts = append(parts, quote(p.Plain))
			continue
		}
		f, _ := fields.Find(p.Field)
		parts = append(parts, "coalesce("+TextOf(f)+", '')")
	}
	return strings.Join(parts, " || "), err
}
