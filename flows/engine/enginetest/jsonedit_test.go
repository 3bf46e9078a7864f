package enginetest_test

import (
	"strings"
	"testing"

	"spark/flows"
)

// TestJSONEdit: what each change does, and that everything else stays as it is written.
func TestJSONEdit(t *testing.T) {
	t.Parallel()
	const doc = `{"id": 12345678901234567890.10, "a b": {"c": [1, {"d": null}], "e": "\u00e9\/"}, "n": null, "t": true}`
	const refused = "!"
	for changes, want := range map[string]string{
		`{"do":"remove","path":"$.gone"}`:                        doc,
		`{"do":"remove","path":"$.id.x"}`:                        doc,
		`{"do":"set","path":"$.id","value":"n"}`:                 `{"id":7,"a b":{"c": [1, {"d": null}], "e": "\u00e9\/"},"n":null,"t":true}`,
		`{"do":"set","path":"$['a b'].c[1].d","value":"'x\"é'"}`: `{"id":12345678901234567890.10,"a b":{"c":[1,{"d":"x\"é"}],"e":"\u00e9\/"},"n":null,"t":true}`,
		`{"do":"set","path":"$.n.x[0].y","value":"true"}`:        `{"id":12345678901234567890.10,"a b":{"c": [1, {"d": null}], "e": "\u00e9\/"},"n":{"x":[{"y":true}]},"t":true}`,
		`{"do":"set","path":"$['a b'].c[2]","value":"cast(null as text)"},{"do":"remove","path":"$['a b'].c[0]"}`: `{"id":12345678901234567890.10,"a b":{"c":[{"d": null},null],"e":"\u00e9\/"},"n":null,"t":true}`,
		`{"do":"set","path":"$","value":"parse_json_x"}`:                                                          refused + "settings",
		`{"do":"set","path":"$","value":"n"}`:                                                                     `7`,
		`{"do":"set","path":"$.new","value":"j"},{"do":"remove","path":"$['a b']"}`:                               `{"id":12345678901234567890.10,"n":null,"t":true,"new":{"b":1.50}}`,
		`{"do":"rename","path":"$['a b'].c","name":"q\"c"}`:                                                       `{"id":12345678901234567890.10,"a b":{"q\"c":[1, {"d": null}],"e":"\u00e9\/"},"n":null,"t":true}`,
		`{"do":"rename","path":"$.n","name":"n"}`:                                                                 `{"id":12345678901234567890.10,"a b":{"c": [1, {"d": null}], "e": "\u00e9\/"},"n":null,"t":true}`,
		`{"do":"move","path":"$['a b'].e","to":"$.id"},{"do":"remove","path":"$['a b']"}`:                         `{"id":"\u00e9\/","n":null,"t":true}`,
		`{"do":"move","path":"$.t","to":"$.t.t"},{"do":"remove","path":"$['a b']"}`:                               `{"id":12345678901234567890.10,"n":null,"t":{"t":true}}`,
		`{"do":"rename","path":"$.n","name":"t"}`:                                                                 refused + `$.n cannot be renamed: there is a member "t" already`,
		`{"do":"remove","path":"$.gone","missing":"reject"}`:                                                      refused + "$.gone is missing",
		`{"do":"set","path":"$.id.x","value":"1"}`:                                                                refused + "$.id.x cannot be set: what stands before step 2 of it is a number",
		`{"do":"set","path":"$['a b'].x.y[0]","value":"1"},{"do":"set","path":"$['a b'].x[0]","value":"1"}`:       refused + "$['a b'].x[0] cannot be set: what stands before step 3 of it is an object",
		`{"do":"set","path":"$['a b'].c[3]","value":"1"}`:                                                         refused + "$['a b'].c[3] cannot be set: the list has 2 elements",
	} {
		t.Run(changes, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeLines(t, dir, `{"v":`+asJSON(t, doc)+`,"n":7,"j":{"b":1.50}}`, `{"v":null,"n":8}`)
			out, rejects, err := given(t, dir, chained(`[{"name":"v","type":"text"},{"name":"n","type":"int64"},{"name":"j","type":"json"}]`, "", `json.edit {"field":"v","changes":[`+changes+`]}`), nil)
			reason, is := strings.CutPrefix(want, refused)
			spaces := strings.NewReplacer(`": `, `":`, `, "`, `,"`)
			switch {
			case reason == "settings":
				if err == nil {
					t.Error("accepted")
				}
			case err != nil:
				t.Fatal(err)
			case is && (len(rejects) != 1 || rejects[0].Code != "json.edit" || rejects[0].Reason != "v cannot be changed so: "+reason):
				t.Errorf("%+v, want %s", rejects, reason)
			case !is && (len(rejects) > 0 || len(out) != 2 || spaces.Replace(valueIn(t, out[0])) != spaces.Replace(want) || !strings.HasPrefix(out[1], `{"v":null`)):
				t.Errorf("%s %+v, want\n%s", out, rejects, want)
			}
		})
	}
}

// TestJSONEditUgly: what is no JSON is refused, however it is wrong; deep JSON does no harm.
func TestJSONEditUgly(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		``: "it is no JSON", `{`: "it is no JSON", `{"a":1}x`: "it is no JSON", `[1,]`: "it is no JSON", `NaN`: "it is no JSON", `"\ud800"`: "it is no JSON",
		`{"a":1,"b":{"x":1,"x":2}}`:                                     "an object has a member twice",
		strings.Repeat("[", 200000) + strings.Repeat("]", 200000):       "it is no JSON",
		strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000): "", ` [ ] `: "$.z cannot be set: what stands before step 1 of it is a list", `null`: "",
	} {
		dir := t.TempDir()
		writeLines(t, dir, `{"v":`+asJSON(t, doc)+`,"n":7}`)
		_, rejects, err := given(t, dir, chained(jsonField, "", `json.edit {"field":"v","changes":[{"do":"set","path":"$.z","value":"n"}]}`), nil)
		if err != nil || want == "" && len(rejects) > 0 || want != "" && (len(rejects) != 1 || rejects[0].Reason != "v cannot be changed so: "+want) {
			t.Errorf("%.40s: %v %.300v, want %s", doc, err, rejects, want)
		}
	}
}

// TestJSONEditSettings: what is wrong with a change is said at its place.
func TestJSONEditSettings(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{
		`{"do":"set","path":"a","value":"1"}`:        "changes[0].path \"a\" is no path: a path begins with $",
		`{"do":"set","path":"$.a"}`:                  "changes[0].value an expression is missing",
		`{"do":"set","path":"$.a","value":"1 / n"}`:  "changes[0].value the value cannot be computed for every record",
		`{"do":"rename","path":"$.a[0]","name":"x"}`: "changes[0].path $.a[0] is no member of an object and has no name",
		`{"do":"rename","path":"$.a"}`:               `changes[0].name "New name" is missing`,
		`{"do":"move","path":"$.a"}`:                 `changes[0].to "To" is missing`,
		`{"do":"remove","path":"$"}`:                 "changes[0].path $ is the whole, which can only be set",
		`{"do":"paint","path":"$.a"}`:                `changes[0].do "paint" is not a value of "Change"`,
	} {
		dir := t.TempDir()
		writeLines(t, dir, `{}`)
		_, _, err := given(t, dir, chained(jsonField, "", `json.edit {"field":"v","changes":[`+change+`]}`), nil)
		if e := flows.AsError(err); e == nil || !strings.HasPrefix(e.Path.Field+" "+e.Message, want) {
			t.Errorf("%s: %v, want %s", change, err, want)
		}
	}
}
