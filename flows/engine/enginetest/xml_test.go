package enginetest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"spark/flows"
)

// TestXMLToJSON: what each piece of XML becomes, and what is refused, with its place.
func TestXMLToJSON(t *testing.T) {
	t.Parallel()
	const refused = "!"
	for xml, want := range map[string]string{
		`<a/>`: `{"a":""}`, `<a></a>`: `{"a":""}`, `<a> x </a>`: `{"a":" x "}`, "<a>\n</a>": `{"a":"\n"}`,
		`<a>12345678901234567890.10</a>`:                      `{"a":"12345678901234567890.10"}`,
		`<a id="7" x=""><b>1</b></a>`:                         `{"a":{"@id":"7","@x":"","b":"1"}}`,
		`<a id="7"> t </a>`:                                   `{"a":{"@id":"7","#text":" t "}}`,
		"<a>\n <b>1</b>\n <c/><b>2</b>\n</a>":                 `{"a":{"b":["1","2"],"c":""}}`,
		`<a><x><i>1</i></x><y><i>2</i></y></a>`:               `{"a":{"x":{"i":["1"]},"y":{"i":"2"}}}`,
		`<a><always>1</always></a>`:                           `{"a":{"always":["1"]}}`,
		`<s:E xmlns:s="urn:x" xmlns="urn:y"><s:B/><B/></s:E>`: `{"s:E":{"@xmlns:s":"urn:x","@xmlns":"urn:y","s:B":"","B":""}}`,
		`<a>&lt;&amp;&gt;&quot;&apos;&#233;&#x1F600;</a>`:     `{"a":"<&>\"'é😀"}`,
		`<a><![CDATA[<b>&amp;]]> x</a>`:                       `{"a":"<b>&amp; x"}`,
		"\uFEFF<?xml version=\"1.0\" encoding=\"ISO-8859-1\" standalone=\"yes\"?><!-- c --><!DOCTYPE a SYSTEM \"http://x/y.dtd\"><?pi x?><a>é</a>\n": `{"a":"é"}`,
		`<日本 ß="ü"/>`:                    `{"日本":{"@ß":"ü"}}`,
		``:                               refused + "there is no element in it",
		`   `:                            refused + "there is no element in it",
		`{"a":1}`:                        refused + "line 1, character 8: there is text outside of the root element",
		`<a>`:                            refused + "it ends inside of the element /a",
		`<a><b>`:                         refused + "it ends inside of the element /a/b",
		`<a></b>`:                        refused + "line 1, character 8: </b> stands where <a> ends",
		`</a>`:                           refused + "line 1, character 5: </a> ends nothing",
		`<a/><b/>`:                       refused + "line 1, character 9: there is a second root element, b",
		`<a/>x`:                          refused + "line 1, character 6: there is text outside of the root element",
		`<a x="1" x="2"/>`:               refused + "line 1, character 17: the element a has the attribute x twice",
		`<a x=1/>`:                       refused + "line 1, character 7: unquoted or missing attribute value in element",
		`<a x/>`:                         refused + "line 1, character 6: attribute name without = in element",
		"<a>\n  <b>x</b> tail</a>":       refused + "line 2, character 20: the element /a has text beside elements",
		`<a>&nbsp;</a>`:                  refused + "line 1, character 10: invalid character entity &nbsp;",
		`<a>&#0;</a>`:                    refused + "line 1, character 8: illegal character code U+0000",
		"<a>\x01</a>":                    refused + "line 1, character 5: illegal character code U+0001",
		`<html><body><br></body></html>`: refused + "line 1, character 24: </body> stands where <br> ends",
		`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`:                         refused + "line 1, character 31: the document type declares something of its own, such as entities, which are never expanded",
		`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`: refused + "line 1, character 55: the document type declares",
		strings.Repeat("<a>", 100000):                                      refused + "line 1, character 3004: elements are nested deeper than 1000",
		strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000):         strings.Repeat(`{"a":`, 1000) + `""` + strings.Repeat("}", 1000),
	} {
		t.Run(xml[:min(len(xml), 40)], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeLines(t, dir, `{"v":`+asJSON(t, xml)+`,"n":1}`, `{"v":null,"n":2}`)
			out, rejects, err := given(t, dir, chained(jsonField, "", `xml.json {"field":"v","to":"json","arrays":["/a/x/i","always"]}`, `convert {"fields":[{"name":"v","type":"text"}]}`), nil)
			reason, is := strings.CutPrefix(want, refused)
			switch {
			case err != nil:
				t.Fatal(err)
			case is && (len(rejects) != 1 || rejects[0].Code != "xml.invalid" || !strings.HasPrefix(rejects[0].Reason, "v is no XML that can be read: "+reason)):
				t.Errorf("%+v, want %s", rejects, reason)
			case !is && (len(rejects) > 0 || len(out) != 2 || valueIn(t, out[0]) != want || out[1] != `{"v":null,"n":2}`):
				t.Errorf("%.300s %+v, want %.300s", out, rejects, want)
			}
		})
	}
}

// TestXMLJoined: text beside elements becomes one text where that is asked for.
func TestXMLJoined(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeLines(t, dir, `{"v":"<p>one <b>two</b> three</p>","n":1}`)
	out, _, err := given(t, dir, chained(jsonField, "", `xml.json {"field":"v","to":"json","mixed":"join","as":"j"}`), nil)
	if err != nil || out[0] != `{"v":"<p>one <b>two</b> three</p>","n":1,"j":{"p":{"b":"two","#text":"one  three"}}}` {
		t.Error(out, err)
	}
}

// TestJSONToXML: the other direction, and back again.
func TestJSONToXML(t *testing.T) {
	t.Parallel()
	const refused = "!"
	for doc, want := range map[string]string{
		`{"a":null}`: `<a/>`, `{"a":""}`: `<a/>`, `{"a":{}}`: `<a/>`, `{"a":{"b":[]}}`: `<a/>`,
		`{"a":12345678901234567890.10e-2}`:                 `<a>12345678901234567890.10e-2</a>`,
		`{"a":{"b":[1,null,"x",{"c":true}],"@id":"<\"&"}}`: `<a id="&lt;&quot;&amp;"><b>1</b><b/><b>x</b><b><c>true</c></b></a>`,
		`{"a":{"#text":"x\r\n\ty","@q":1}}`:                `<a q="1">x&#13;&#10;&#9;y</a>`,
		`{"s:E":{"@xmlns:s":"urn:x","s:B":"日本 ]]>"}}`:      `<s:E xmlns:s="urn:x"><s:B>日本 ]]&gt;</s:B></s:E>`,
		`{"a":{"unit price":1}}`:                           refused + `/a/unit price: "unit price" cannot be the name of an element`,
		`{"a":{"x/y~z":1}}`:                                refused + `/a/x~1y~0z: "x/y~z" cannot be the name of an element`,
		`{"a":{"b":[[1]]}}`:                                refused + "/a/b/0: a list in a list has no form in XML",
		`{"a":{"@id":{"b":1}}}`:                            refused + "/a/@id: an attribute or a text is one value, and no object or list",
		`{"a":{"@":1}}`:                                    refused + `/a/@: "" cannot be the name of an attribute`,
		`{"a":"\u0001"}`:                                   refused + "/a: the character U+0001 cannot stand in XML",
		`{"a":1,"a":2}`:                                    refused + "an object has a member twice",
		`{"a":1,"b":2}`:                                    refused + "it is not an object with one member",
		`[1]`:                                              refused + "it is not an object with one member",
		`{"a":[1]}`:                                        refused + "it is not an object with one member",
		`{"a":1} 2`:                                        refused + "something follows the JSON",
		`{"a":`:                                            refused + "it is no JSON",
		`{"a":01}`:                                         refused + "it is no JSON",
		``:                                                 refused + "it is no JSON",
		strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2000): refused + "it is nested deeper than 1000",
	} {
		t.Run(doc[:min(len(doc), 40)], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeLines(t, dir, `{"v":`+asJSON(t, doc)+`,"n":1}`)
			out, rejects, err := given(t, dir, chained(jsonField, "", `xml.json {"field":"v","to":"xml"}`), nil)
			reason, is := strings.CutPrefix(want, refused)
			switch {
			case err != nil:
				t.Fatal(err)
			case is && (len(rejects) != 1 || rejects[0].Code != "json.to_xml" || !strings.HasPrefix(rejects[0].Reason, "v has no form in XML: "+reason)):
				t.Errorf("%+v, want %s", rejects, reason)
			case !is && (len(rejects) > 0 || valueIn(t, out[0]) != want):
				t.Errorf("%s %+v, want %s", out, rejects, want)
			}
		})
	}
}

// TestXMLSettings: what is wrong with the settings is said before a run; a root stands around a value.
func TestXMLSettings(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`{"field":"n","to":"json"}`:                                       `xml.type "n" is of type int64 and not a text`,
		`{"field":"v","to":"xml","root":"a b"}`:                           `xml.name "a b" cannot be the name of an element`,
		`{"field":"x","to":"json"}`:                                       `schema.unknown_field there is no field "x" at the input`,
		`{"field":"v","to":"yaml"}`:                                       `config.enum "yaml" is not a value of "Becomes"`,
		`{"field":"v","to":"xml","root":"r","declaration":true,"as":"n"}`: ``,
	} {
		dir := t.TempDir()
		writeLines(t, dir, `{"v":"{\"b\":1,\"@c\":2}"}`)
		out, _, err := given(t, dir, chained(jsonField, "", "xml.json "+config), nil)
		e := flows.AsError(err)
		if want == "" && (err != nil || out[0] != `{"v":"{\"b\":1,\"@c\":2}","n":"<?xml version=\"1.0\" encoding=\"UTF-8\"?><r c=\"2\"><b>1</b></r>"}`) || want != "" && (e == nil || !strings.HasPrefix(e.Code+" "+e.Message, want)) {
			t.Errorf("%s: %v %v, want %s", config, err, out, want)
		}
	}
}

// valueIn is the text v of a line.
func valueIn(t *testing.T, line string) string {
	t.Helper()
	var r struct{ V string }
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatal(err, line)
	}
	return r.V
}
