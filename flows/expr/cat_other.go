package expr

import (
	"fmt"
	"slices"

	"spark/flows"
)

func init() {
	register("conditional",
		&Func{Name: "coalesce", Signatures: signatures("x T, y T … → T"), Help: "Returns the first value that is not null; what stands behind it is not evaluated.",
			Example: "coalesce(null, 'b', 'c')", Result: "'b'"},
		&Func{Name: "ifnull", Signatures: signatures("x T, y T → T"), Help: "Returns y where x is null.", Example: "ifnull(null, 0)", Result: "0"},
		&Func{Name: "nullif", Signatures: signatures("x C, y C → C"), Help: "Returns null where both are equal, else x.", Example: "nullif('n/a', 'n/a')", Result: "cast(null as text)"},
		&Func{Name: "if", Signatures: signatures("condition boolean, then T, [else T] → T"), Help: "Returns then where the condition is true, else the other value or null; only the chosen one is evaluated.",
			Example: "if(2 > 1, 'yes', 'no')", Result: "'yes'"},
	)
	register("hash",
		&Func{Name: "md5", Signatures: signatures("x text → text", "x bytes → text"), Help: "MD5 in 32 hexadecimal digits; not for secrets.", Example: "md5('a')", Result: "'0cc175b9c0f1b6a831c399e269772661'"},
		&Func{Name: "sha1", Signatures: signatures("x text → text", "x bytes → text"), Help: "SHA-1 in 40 hexadecimal digits; not for secrets.", Example: "sha1('a')", Result: "'86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'"},
		&Func{Name: "sha256", Signatures: signatures("x text → text", "x bytes → text"), Help: "SHA-256 in 64 hexadecimal digits.", Example: "sha256('a')",
			Result: "'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'"},
		&Func{Name: "hash64", Signatures: signatures("x text → int64", "x bytes → int64"), Help: "A number from 0 to 2^63 - 1 that is the same on every engine: the first 64 bits of MD5 without the highest one.",
			Example: "hash64('a')", Result: "2933798017325973772"},
	)
	register("uuid",
		&Func{Name: "uuid", Signatures: signatures(" → uuid"), Help: "Makes a random UUID (version 4), a new one for every record."},
		&Func{Name: "is_uuid", Signatures: signatures("x text → boolean"), Help: "True when the text is a UUID with hyphens.", Example: "is_uuid('6fa459ea-ee8a-4ca4-894e-db77e160355e')", Result: "true"},
		&Func{Name: "to_uuid", Signatures: signatures("x text → uuid"), Help: "Reads a UUID with hyphens.", Example: "to_uuid('6FA459EA-ee8a-4ca4-894e-db77e160355e')",
			Result: "uuid '6fa459ea-ee8a-4ca4-894e-db77e160355e'", Failures: []Failure{notValid}},
	)
	register("bytes",
		&Func{Name: "encode_base64", Signatures: signatures("x bytes → text"), Help: "Writes bytes as Base64.", Example: "encode_base64(encode_utf8('ab'))", Result: "'YWI='"},
		&Func{Name: "decode_base64", Signatures: signatures("x text → bytes"), Help: "Reads Base64 with its padding.", Example: "decode_utf8(decode_base64('YWI='))", Result: "'ab'", Failures: []Failure{notValid}},
		&Func{Name: "encode_hex", Signatures: signatures("x bytes → text"), Help: "Writes bytes as hexadecimal digits in lower case.", Example: "encode_hex(encode_utf8('é'))", Result: "'c3a9'"},
		&Func{Name: "decode_hex", Signatures: signatures("x text → bytes"), Help: "Reads hexadecimal digits.", Example: "decode_utf8(decode_hex('C3A9'))", Result: "'é'", Failures: []Failure{notValid}},
		&Func{Name: "encode_utf8", Signatures: signatures("x text → bytes"), Help: "Turns text into its UTF-8 bytes.", Example: "encode_hex(encode_utf8('a'))", Result: "'61'"},
		&Func{Name: "decode_utf8", Signatures: signatures("x bytes → text"), Help: "Reads bytes as UTF-8; other bytes, and NUL, are an error.", Example: "decode_utf8(encode_utf8('é'))", Result: "'é'", Failures: []Failure{notValid}},
		&Func{Name: "byte_length", Signatures: signatures("x bytes → int64"), Help: "Counts the bytes.", Example: "byte_length(encode_utf8('é'))", Result: "2"},
	)
	registerJSON()
	registerList()
}

func registerJSON() {
	path := signatures("x json, path path → json")
	register("json",
		&Func{Name: "parse_json", Signatures: signatures("x text → json"), Help: "Reads a text as JSON.", Example: `json_type(parse_json('[1, 2]'))`, Result: "'array'", Failures: []Failure{notValid}},
		&Func{Name: "is_json", Signatures: signatures("x text → boolean"), Help: "True when the text is valid JSON.", Example: `is_json('{"a": 1')`, Result: "false"},
		&Func{Name: "json_extract", Signatures: path, Help: "Takes a part as JSON; null when it is absent.", Example: `cast(json_extract(parse_json('{"a": {"b": [1]}}'), '$.a.b') as text)`, Result: "'[1]'"},
		&Func{Name: "json_extract_text", Signatures: signatures("x json, path path → text"), Help: "Takes a part as text, without the quotes of a JSON string; null when it is absent or JSON null.",
			Example: `json_extract_text(parse_json('{"items": [{"id": 7}]}'), '$.items[0].id')`, Result: "'7'"},
		&Func{Name: "json_exists", Signatures: signatures("x json, path path → boolean"), Help: "True when the part exists, even as JSON null.", Example: `json_exists(parse_json('{"a": null}'), '$.a')`, Result: "true"},
		&Func{Name: "json_array_length", Signatures: signatures("x json, [path path] → int64"), Help: "Counts the elements of an array; null for anything else.", Example: `json_array_length(parse_json('[1, 2]'))`, Result: "2"},
		&Func{Name: "json_elements", Signatures: signatures("x json → list<json>"), Help: "Lists the elements of an array, as they are written; null for anything else.", Example: `list_length(json_elements(parse_json('[1, [2, 3]]')))`, Result: "2"},
		&Func{Name: "json_type", Signatures: signatures("x json, [path path] → text"), Help: "Returns object, array, text, number, boolean or null.", Example: `json_type(parse_json('{"a": 1.5}'), '$.a')`, Result: "'number'"},
		&Func{Name: "json_keys", Signatures: signatures("x json, [path path] → list<text>"), Help: "Lists the keys of an object.", Example: `list_join(json_keys(parse_json('{"b": 1, "a": 2}')), ',')`, Result: "'b,a'"},
		&Func{Name: "json_read", Signatures: signatures("x text, form form, path path, [more name …] → struct", "x json, form form, path path, [more name …] → struct"),
			Help: "Takes several parts of a JSON text in one pass, as they are written. Forms and paths stand in turn; a form is 'text', 'value' (a text, but null for an object or a list), 'number' (without exponent and needless zeros) or 'json'. " +
				"Of the struct, place is null, or the place in bytes at which the text is no JSON. For each path, from 1 on, kind1 is a letter for what is there (m missing, z null, s text, n number, b boolean, " +
				"o object, a array, u a text with the character NUL, d in an object that has its key twice), and part1 the part; null where it is m, z, u or d, and as a value where it is o or a.",
			Example: `get_field(json_read('{"id": 1e2, "a": null}', 'text', '$.a', 'number', '$.id'), 'part2')`, Result: "'100'", rule: jsonReadRule},
		&Func{Name: "to_json", Signatures: signatures("x any → json"), Help: "Writes any value as JSON; dates and the like as text.", Example: `cast(to_json('a"b') as text)`, Result: `'"a\"b"'`,
			Failures: []Failure{notFinite}, rule: toJSONRule, fails: anyDouble},
		&Func{Name: "json_object", Signatures: signatures("key name, value any … → json"), Help: "Makes an object of keys and values in turn.", Example: `cast(json_object('id', 7, 'name', 'Ada') as text)`,
			Result: `'{"id":7,"name":"Ada"}'`, Failures: []Failure{notFinite}, rule: jsonObjectRule, fails: anyDouble},
		&Func{Name: "json_array", Signatures: signatures("value any … → json"), Help: "Makes an array of values.", Example: `cast(json_array(1, 'a', true) as text)`, Result: `'[1,"a",true]'`,
			Failures: []Failure{notFinite}, rule: toJSONRule, fails: anyDouble},
	)
}

// jsonReadRule takes a text and pairs of a form and a path.
func jsonReadRule(k *checker, c *Call) *flows.Error {
	text := flows.Of(flows.Text)
	for i := range c.As {
		c.As[i] = text
	}
	if t := c.Args[0].Type(); t.Kind == flows.JSON {
		c.As[0] = t
	} else if t.Kind != flows.Text && !isUntypedNull(c.Args[0]) {
		return k.mismatch(c)
	}
	if len(c.Args)%2 != 1 {
		return problemAt("expr.arguments", c, nil, "json_read takes forms and paths in turn", "write json_read(x, 'text', '$.name', 'number', '$.price')")
	}
	for i := 1; i < len(c.Args); i += 2 {
		form, _ := ConstantText(c.Args[i])
		if !slices.Contains(JSONForms, form) {
			return problemAt("expr.arguments", c.Args[i], nil, "the form of a part is 'text', 'value', 'number' or 'json'", "")
		}
		if err := checkConstant(c, Arg{Name: "path", Accepts: "path"}, c.Args[i+1]); err != nil {
			return err
		}
	}
	members := []flows.Field{{Name: "place", Type: text}}
	for i := range len(c.Args) / 2 {
		members = append(members, flows.Field{Name: fmt.Sprintf("kind%d", i+1), Type: text}, flows.Field{Name: fmt.Sprintf("part%d", i+1), Type: text})
	}
	c.typ = flows.StructOf(members...)
	return nil
}

// JSONForms are the forms in which json_read takes parts.
var JSONForms = []string{"text", "value", "number", "json"}

// toJSONRule takes any value but bytes, which JSON has no form for.
func toJSONRule(_ *checker, c *Call) *flows.Error {
	for i, e := range c.Args {
		c.As[i] = e.Type()
		switch {
		case isUntypedNull(e):
			c.As[i] = flows.Of(flows.Text)
		case e.Type().Kind == flows.Bytes:
			return problemAt("expr.type", e, nil, "bytes have no form in JSON", "use encode_base64")
		}
	}
	c.typ = flows.Of(flows.JSON)
	return nil
}

func jsonObjectRule(k *checker, c *Call) *flows.Error {
	if len(c.Args)%2 != 0 {
		return problemAt("expr.arguments", c, nil, "json_object takes keys and values in turn", "write json_object('id', id, 'name', name)")
	}
	seen := map[string]bool{}
	for i := 0; i < len(c.Args); i += 2 {
		key, ok := ConstantText(c.Args[i])
		if !ok || c.Args[i].Type().Kind != flows.Text || seen[key] {
			return problemAt("expr.arguments", c.Args[i], nil, "every key is a different text in quotes", "")
		}
		seen[key] = true
	}
	return toJSONRule(k, c)
}

func registerList() {
	register("list",
		&Func{Name: "list", Signatures: signatures("x T … → list<T>"), Help: "Makes a list of values of one type.", Example: "list_length(list(1, 2, null))", Result: "3"},
		&Func{Name: "list_length", Signatures: signatures("x list → int64"), Help: "Counts the elements, nulls included.", Example: "list_length(list('a', 'b'))", Result: "2"},
		&Func{Name: "list_get", Signatures: signatures("x list, position integer → rule"), Help: "Takes the element at a position, counted from 1; null when there is none.", Example: "list_get(list('a', 'b'), 2)", Result: "'b'", rule: listGetRule},
		&Func{Name: "list_contains", Signatures: signatures("x list<C>, value C → boolean"), Help: "True when the list has the value.", Example: "list_contains(list(1, 2), 2)", Result: "true"},
		&Func{Name: "list_join", Signatures: signatures("x list<text>, separator name → text"), Help: "Joins texts with a separator and skips nulls.", Example: "list_join(list('a', null, 'b'), '-')", Result: "'a-b'"},
		&Func{Name: "list_sort", Signatures: signatures("x list<C> → list<C>"), Help: "Sorts the elements, nulls last.", Example: "list_get(list_sort(list(3, 1, 2)), 1)", Result: "1"},
		&Func{Name: "list_distinct", Signatures: signatures("x list<C> → list<C>"), Help: "Removes repeated elements and nulls; sorted.", Example: "list_length(list_distinct(list(1, 1, 2)))", Result: "2"},
		&Func{Name: "split", Signatures: signatures("x text, separator text → list<text>"), Help: "Splits a text at a separator.", Example: "list_length(split('a,b,c', ','))", Result: "3"},
		&Func{Name: "get_field", Signatures: signatures("x struct, name name → rule"), Help: "Takes a part of a struct by its name.", rule: getFieldRule},
	)
}

func listGetRule(k *checker, c *Call) *flows.Error {
	t, at := c.Args[0].Type(), c.Args[1].Type()
	if t.Kind != flows.List || !at.IsInteger() || at.Kind == flows.Int128 {
		return k.mismatch(c)
	}
	return c.set(*t.Elem, t, flows.Of(flows.Int64))
}

func getFieldRule(k *checker, c *Call) *flows.Error {
	t := c.Args[0].Type()
	name, ok := ConstantText(c.Args[1])
	if t.Kind != flows.Struct || !ok {
		return k.mismatch(c)
	}
	for _, f := range t.Fields {
		if f.Name == name {
			return c.set(f.Type, t, flows.Of(flows.Text))
		}
	}
	return problemAt("expr.unknown_field", c.Args[1], flows.Params{"field": name},
		fmt.Sprintf("the struct has no part %q", clip(name)), flows.DidYouMean(name, flows.Schema(t.Fields).Names()))
}
