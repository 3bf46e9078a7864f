package jsonextract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"spark/flows/expr"
)

// whyInvalid says where a text is no JSON, and why.
func whyInvalid(text string) string {
	if strings.TrimSpace(text) == "" {
		return "it is empty"
	}
	if deep := deeper(text); deep > 0 {
		return place(text, deep) + " values are nested more than 1000 deep"
	}
	var syntax *json.SyntaxError
	var any json.RawMessage
	if errors.As(json.Unmarshal([]byte(text), &any), &syntax) {
		if strings.HasSuffix(syntax.Error(), "after top-level value") {
			return place(text, int(syntax.Offset)) + " more follows behind the value"
		}
		return fmt.Sprintf("%s %s", place(text, int(syntax.Offset)), strings.TrimPrefix(syntax.Error(), "json: "))
	}
	return `a \u escape in it is half of a character`
}

// deeper is the place, from 1, of the first value that is nested too deep; 0 where there is none, or no JSON before it.
func deeper(text string) int {
	dec := json.NewDecoder(strings.NewReader(text))
	for depth := 0; ; {
		switch tok, err := dec.Token(); {
		case err != nil:
			return 0
		case tok == json.Delim('{') || tok == json.Delim('['):
			if depth++; depth > 1000 {
				return int(dec.InputOffset())
			}
		case tok == json.Delim('}') || tok == json.Delim(']'):
			depth--
		}
	}
}

// place writes a byte of a text as line and column.
func place(text string, offset int) string {
	before := text[:min(max(offset-1, 0), len(text))]
	line := strings.Count(before, "\n") + 1
	column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
	return fmt.Sprintf("at line %d, column %d", line, column)
}

const shown = 60 // characters of a value that a message shows

// found tells what stands at a path instead of what is wanted; nil where nothing does. In the text of a reject of an element
// that is the first one.
func found(path, code string) func(string) string {
	if code != "json.wrong_type" {
		return nil
	}
	if outer, inner, element := cut(path); element {
		path = outer + "[0]" + inner[1:]
	}
	steps, err := expr.ParsePath(path)
	if err != nil {
		return nil
	}
	return func(text string) string {
		raw := json.RawMessage(text)
		for _, step := range steps {
			if raw = part(raw, step); raw == nil {
				return ""
			}
		}
		value := []rune(string(bytes.TrimSpace(raw)))
		if len(value) > shown {
			return "it is " + string(value[:shown]) + "…"
		}
		return "it is " + string(value)
	}
}

func part(raw json.RawMessage, step expr.Step) json.RawMessage {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if step.Key == nil {
		var list []json.RawMessage
		if dec.Decode(&list) != nil || step.Index >= len(list) {
			return nil
		}
		return list[step.Index]
	}
	var members map[string]json.RawMessage
	if err := dec.Decode(&members); err != nil && err != io.EOF {
		return nil
	}
	return members[*step.Key]
}
