package main

import "strings"

func badJSON() []bad {
	in := func(at, fields string) box { return input(at, strings.Split(fields, " ")...) }
	lines := func(name, file, code string) bad {
		return bad{name: name, at: "in.jsonl", file: file, input: in("in.jsonl", "id:int64 name:text"), exit: exitFailed, code: code}
	}
	line := func(name, line, code string) bad { return lines(name, "{\"id\":1,\"name\":\"a\"}\n"+line+"\n", code) }
	reads := func(name, file, want string) bad {
		return bad{name: name, at: "in.jsonl", file: file, input: in("in.jsonl", "id:int64 name:text"), want: "id,name\n" + want}
	}
	list := func(name, file, code string) bad {
		return bad{name: name, at: "in.json", file: file, input: in("in.json", "id:int64 name:text"), exit: exitFailed, code: code}
	}
	readsList := func(name, file, want string) bad {
		return bad{name: name, at: "in.json", file: file, input: in("in.json", "id:int64 name:text"), want: "id,name\n" + want}
	}
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	as := func(kind string, b bad) bad {
		b.input = in(b.at, "id:"+kind+" name:text")
		return b
	}
	return []bad{
		line("line cut in the middle", `{"id":2,"na`, "json.syntax"),
		lines("file cut in the middle of the last line", "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b", "json.syntax"),
		line("a duplicate member", `{"id":2,"name":"b","id":3}`, "json.duplicate"),
		line("a duplicate member, once escaped", `{"id":2,"name":"b","\u0069d":3}`, "json.duplicate"),
		line("a duplicate member that nobody reads", `{"id":2,"x":1,"x":2}`, "json.duplicate"),
		line("a comma at the end", `{"id":2,"name":"b",}`, "json.syntax"),
		line("a comment", `{"id":2,"name":"b"} // two`, "json.syntax"),
		line("single quotes", `{'id':2,'name':'b'}`, "json.syntax"),
		line("names without quotes", `{id:2,name:"b"}`, "json.syntax"),
		line("NaN", `{"id":NaN,"name":"b"}`, "json.syntax"),
		line("infinity", `{"id":-Infinity,"name":"b"}`, "json.syntax"),
		line("None and True", `{"id":None,"name":True}`, "json.syntax"),
		line("a leading zero", `{"id":02,"name":"b"}`, "json.syntax"),
		line("a leading plus", `{"id":+2,"name":"b"}`, "json.syntax"),
		line("hexadecimal", `{"id":0x2,"name":"b"}`, "json.syntax"),
		line("an underscore in a number", `{"id":1_000,"name":"b"}`, "json.syntax"),
		line("half of a surrogate pair, escaped", `{"id":2,"name":"\ud83d"}`, "json.syntax"),
		line("the halves in the wrong order", `{"id":2,"name":"\ude00\ud83d"}`, "json.syntax"),
		line("an escape that does not exist", `{"id":2,"name":"\x41"}`, "json.syntax"),
		line("a control character in a text", "{\"id\":2,\"name\":\"a\tb\"}", "json.syntax"),
		line("an escaped NUL", `{"id":2,"name":"a\u0000b"}`, "json.encoding"),
		line("invalid utf-8 in JSON", "{\"id\":2,\"name\":\"\xff\"}", "json.encoding"),
		line("two objects in a line", `{"id":2}{"id":3}`, "json.syntax"),
		line("a list instead of an object", `[{"id":2,"name":"b"}]`, "json.type"),
		line("a number instead of an object", `17`, "json.type"),
		line("null instead of an object", `null`, "json.type"),
		line("a text that is a number", `{"id":"2","name":"b"}`, "json.type"),
		line("a number that is a text", `{"id":2,"name":{"first":"b"}}`, "json.type"),
		line("a fraction as int64", `{"id":2.5,"name":"b"}`, "json.precision"),
		line("30 digits as int64 in JSON", `{"id":123456789012345678901234567890,"name":"b"}`, "json.range"),
		line("1e400 as int64", `{"id":1e400,"name":"b"}`, "json.range"),
		line("a billion zeros, written short", `{"id":1e1000000000,"name":"b"}`, "json.range"),
		as("double", line("1e400 as double", `{"id":1e400,"name":"b"}`, "json.range")),
		as("decimal(38,0)", line("39 digits", `{"id":123456789012345678901234567890123456789,"name":"b"}`, "json.precision")),
		as("boolean", lines("0 as boolean", `{"id":0,"name":"b"}`, "json.type")),
		as("timestamptz", lines("a time without a zone in JSON", `{"id":"2026-01-31T12:00:00","name":"b"}`, "json.zone")),
		reads("a mark at the start", "\uFEFF{\"id\":1,\"name\":\"a\"}\n", "1,a\n"),
		reads("a mark in the middle of the files", "{\"id\":1,\"name\":\"\uFEFFa\"}\n", "1,\uFEFFa\n"),
		reads("whole numbers in other spellings", "{\"id\":1.0,\"name\":\"a\"}\n{\"id\":2e3,\"name\":\"b\"}\n{\"id\":-0,\"name\":\"c\"}\n", "1,a\n2000,b\n0,c\n"),
		reads("missing and null members", "{\"id\":1}\n{\"name\":null}\n{}\n", "1,\n,\n,\n"),
		reads("further members", `{"id":1,"more":{"x":[1,{"y":2}]},"name":"a"}`, "1,a\n"),
		reads("an empty file of JSON lines", "", ""),
		reads("blank lines between JSON lines", "\n{\"id\":1,\"name\":\"a\"}\n\n \r\n{\"id\":2,\"name\":\"b\"}", "1,a\n2,b\n"),
		reads("a pair of surrogates", `{"id":1,"name":"\ud83d\ude00"}`, "1,😀\n"),
		{name: "100 thousand levels of JSON", at: "deep.jsonl", file: `{"j":` + deep + "}\n", input: in("deep.jsonl", "j:json"), exit: exitFailed, code: "json.syntax"},
		{name: "100 thousand levels that nobody reads", at: "deep.jsonl", file: `{"id":1,"j":` + deep + "}\n", input: in("deep.jsonl", "id:int64"), exit: exitFailed, code: "json.syntax"},

		list("an empty file of JSON", "", "json.top"),
		list("a file of spaces", " \n \n", "json.top"),
		list("a text instead of a list", `"id"`, "json.top"),
		list("JSON lines read as JSON", "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b\"}\n", "json.syntax"),
		list("two lists", `[{"id":1,"name":"a"}][{"id":2}]`, "json.syntax"),
		list("a list that is not closed", `[{"id":1,"name":"a"}`, "json.syntax"),
		list("a list with a comma at the end", `[{"id":1,"name":"a"},]`, "json.syntax"),
		list("a list without a comma", `[{"id":1,"name":"a"} {"id":2,"name":"b"}]`, "json.syntax"),
		list("a comment in a list", `[/* one */{"id":1,"name":"a"}]`, "json.syntax"),
		list("a list of numbers", `[1,2]`, "json.type"),
		list("a list in a list", `[[{"id":1}]]`, "json.type"),
		list("a second list in an object", `{"data":[{"id":1,"name":"a"}]}x`, "json.syntax"),
		list("invalid utf-8 in a list", "[{\"id\":1,\"name\":\"\xff\"}]", "json.encoding"),
		list("utf-16 as JSON", utf16Text(`[{"id":1}]`, false), "file.encoding"),
		list("100 thousand levels in a list", `[{"id":1,"j":`+deep+`}]`, "json.syntax"),
		readsList("an empty list", "[]\n", ""),
		readsList("one object", "{\"id\":1,\"name\":\"a\"}\n", "1,a\n"),
	}
}
