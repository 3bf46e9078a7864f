package csv

import "testing"

// one is a file of one quoted column, a record per value.
func one(name, typ, options, want string, values ...string) scene {
	s := scene{name: name, fields: []string{"v " + typ}, options: options, want: want, text: "v\n"}
	for _, v := range values {
		s.text += `"` + v + "\"\n"
	}
	return s
}

func TestNumbers(t *testing.T) {
	runScenes(t, []scene{
		one("int8", "int8", "", `127
-128
0
7
reject csv.range line 6 record 5 field "v": "128" does not fit into int8, which goes from -128 to 127 <"128">
reject csv.range line 7 record 6 field "v": "-129" does not fit into int8, which goes from -128 to 127 <"-129">
`, "127", "-128", "-0", "+007", "128", "-129"),
		one("int64", "int64", "", `9223372036854775807
-9223372036854775808
1234567890123456
12345678
123456789
0
reject csv.range line 8 record 7 field "v": "9223372036854775808" does not fit into int64, which goes from -9223372036854775808 to 9223372036854775807 <"9223372036854775808">
reject csv.range line 9 record 8 field "v": "123456789012345678901234567890" does not fit into int64, which goes from -9223372036854775808 to 9223372036854775807 <"123456789012345678901234567890">
`, "9223372036854775807", "-9223372036854775808", "1234567890123456", "12345678", "123456789", "00000000000000000000000000000000", "9223372036854775808", "123456789012345678901234567890"),
		one("no whole numbers", "int32", "", `reject csv.type line 2 record 1 field "v": "1.5" is not a whole number: it has a decimal separator <"1.5">
reject csv.type line 3 record 2 field "v": "1e3" is not a whole number: it has an exponent <"1e3">
reject csv.type line 4 record 3 field "v": "1_000" is not a whole number <"1_000">
reject csv.type line 5 record 4 field "v": "0x1F" is not a whole number <"0x1F">
reject csv.type line 6 record 5 field "v": " 1" is not a whole number <" 1">
reject csv.type line 7 record 6 field "v": "1,000" is not a whole number <"1,000">
reject csv.type line 8 record 7 field "v": "-" is not a whole number <"-">
reject csv.type line 9 record 8 field "v": "١" is not a whole number <"١">
`, "1.5", "1e3", "1_000", "0x1F", " 1", "1,000", "-", "١"),
		one("int128", "int128", "", `170141183460469231731687303715884105727
-170141183460469231731687303715884105728
0
5
reject csv.range line 6 record 5 field "v": "170141183460469231731687303715884105728" does not fit into int128 <"170141183460469231731687303715884105728">
`, "170141183460469231731687303715884105727", "-170141183460469231731687303715884105728", "-000", "+5", "170141183460469231731687303715884105728"),
		one("decimal", "decimal(10,2)", "", `1.5
-0.05
12345678.99
1
0.5
5
0
reject csv.precision line 9 record 8 field "v": "1.555" has 3 digits after the point and decimal(10,2) holds 2 <"1.555">
reject csv.precision line 10 record 9 field "v": "123456789.1" has 9 digits before the point and decimal(10,2) holds 8 <"123456789.1">
reject csv.type line 11 record 10 field "v": "1e3" has an exponent, which may stand for lost digits; a decimal is written out <"1e3">
reject csv.type line 12 record 11 field "v": "." is not a number <".">
reject csv.type line 13 record 12 field "v": "1.2.3" is not a number <"1.2.3">
reject csv.type line 14 record 13 field "v": "NaN" is not a number <"NaN">
reject csv.precision line 15 record 14 field "v": "123456789" has 9 digits before the point and decimal(10,2) holds 8 <"123456789">
`, "1.50000", "-.05", "12345678.99", "1", "0.5", "5.", "-0.00", "1.555", "123456789.1", "1e3", ".", "1.2.3", "NaN", "123456789"),
		one("wide decimal", "decimal(38,10)", "", `1234567890123456789012345678.0123456789
-1234567890123456789012345678.0123456789
1e-10
reject csv.precision line 5 record 4 field "v": "12345678901234567890123456789" has 29 digits before the point and decimal(38,10) holds 28 <"12345678901234567890123456789">
`, "1234567890123456789012345678.0123456789", "-1234567890123456789012345678.0123456789", "0.0000000001", "12345678901234567890123456789"),
		one("all scale", "decimal(18,18)", "", `0.5
0.123456789012345678
reject csv.precision line 4 record 3 field "v": "99.5" has 2 digits before the point and decimal(18,18) holds 0 <"99.5">
reject csv.precision line 5 record 4 field "v": "18.5" has 2 digits before the point and decimal(18,18) holds 0 <"18.5">
`, "0.5", "0.123456789012345678", "99.5", "18.5"),
		one("narrow decimal", "decimal(4,2)", "", `99.99
-99.9
reject csv.precision line 4 record 3 field "v": "100.00" has 3 digits before the point and decimal(4,2) holds 2 <"100.00">
reject csv.precision line 5 record 4 field "v": "999.5" has 3 digits before the point and decimal(4,2) holds 2 <"999.5">
`, "99.99", "-99.9", "100.00", "999.5"),
		one("decimal comma", "decimal(10,2)", `{"decimalSeparator": ",", "groupSeparator": "."}`, `1234567.89
0.5
1234
reject csv.type line 5 record 4 field "v": "12.34" is not a number <"12.34">
reject csv.type line 6 record 5 field "v": "1.2345.678" is not a number <"1.2345.678">
reject csv.type line 7 record 6 field "v": "1234.567" is not a number <"1234.567">
`, "1.234.567,89", ",5", "1.234", "12.34", "1.2345.678", "1234.567"),
		one("double", "double", "", `1.5
-1e+100
0.1
5e-324
1.2345678901234568e+29
reject csv.range line 7 record 6 field "v": "1e999" does not fit into double <"1e999">
reject csv.type line 8 record 7 field "v": "inf" is not a number <"inf">
reject csv.type line 9 record 8 field "v": "nan" is not a number <"nan">
reject csv.type line 10 record 9 field "v": "0x1p3" is not a number <"0x1p3">
reject csv.type line 11 record 10 field "v": "1_0.5" is not a number <"1_0.5">
`, "1.5", "-1E100", ".1", "5e-324", "123456789012345678901234567890", "1e999", "inf", "nan", "0x1p3", "1_0.5"),
		one("boolean", "boolean", "", "true\nfalse\ntrue\nreject csv.type line 5 record 4 field \"v\": \"1\" is neither \"true\" nor \"false\" <\"1\">\n", "true", "FALSE", "True", "1"),
		one("boolean words", "boolean", `{"trueValues": ["Y", "ja"], "falseValues": ["N"]}`, "true\nfalse\ntrue\nreject csv.type line 5 record 4 field \"v\": \"true\" is neither \"Y\" or \"ja\" nor \"N\" <\"true\">\n", "y", "n", "JA", "true"),
	})
}

func TestTimes(t *testing.T) {
	runScenes(t, []scene{
		one("date", "date", "", `2024-02-29
1970-01-01
1899-12-31
9999-12-31
0001-01-01
reject csv.date line 7 record 6 field "v": "2023-02-29" is not a date: February 2023 has the days 1 to 28 <"2023-02-29">
reject csv.date line 8 record 7 field "v": "2023-04-31" is not a date: April 2023 has the days 1 to 30 <"2023-04-31">
reject csv.date line 9 record 8 field "v": "2023-13-01" is not a date: there is no month 13 <"2023-13-01">
reject csv.date line 10 record 9 field "v": "0000-01-01" is not a date: the year must be 1 to 9999 <"0000-01-01">
reject csv.date line 11 record 10 field "v": "03/04/2026" is not a date of the form YYYY-MM-DD; other forms need the field's format <"03/04/2026">
reject csv.date line 12 record 11 field "v": "2024-1-1" is not a date of the form YYYY-MM-DD; other forms need the field's format <"2024-1-1">
reject csv.date line 13 record 12 field "v": "2024-01-01 00:00:00" is not a date of the form YYYY-MM-DD; other forms need the field's format <"2024-01-01 00:00:00">
reject csv.date line 14 record 13 field "v": "2024-01-00" is not a date: January 2024 has the days 1 to 31 <"2024-01-00">
`, "2024-02-29", "1970-01-01", "1899-12-31", "9999-12-31", "0001-01-01", "2023-02-29", "2023-04-31", "2023-13-01", "0000-01-01", "03/04/2026", "2024-1-1", "2024-01-01 00:00:00", "2024-01-00"),
		one("timestamp", "timestamp", "", `2024-08-25T14:06:09
2024-08-25T14:06:00
2024-08-25T14:06:09.123456
1969-12-31T23:59:59.5
reject csv.precision line 6 record 5 field "v": "2024-08-25 14:06:09.1234567" is finer than a microsecond, which is the finest that is kept <"2024-08-25 14:06:09.1234567">
reject csv.date line 7 record 6 field "v": "2024-08-25 24:00:00" is not a time: there is no hour 24 <"2024-08-25 24:00:00">
reject csv.date line 8 record 7 field "v": "2024-08-25 23:59:60" is not a time: there is no second 60 <"2024-08-25 23:59:60">
reject csv.zone line 9 record 8 field "v": "2024-08-25 14:06:09Z" has an offset from UTC and timestamp has none; choose the type timestamptz <"2024-08-25 14:06:09Z">
reject csv.date line 10 record 9 field "v": "2024-08-25" has no time of day and the field is a timestamp; a format such as %Y-%m-%d reads it as midnight <"2024-08-25">
reject csv.date line 11 record 10 field "v": "2024-02-30 10:00:00" is not a date: February 2024 has the days 1 to 29 <"2024-02-30 10:00:00">
`, "2024-08-25 14:06:09", "2024-08-25T14:06", "2024-08-25 14:06:09.123456000", "1969-12-31 23:59:59.5", "2024-08-25 14:06:09.1234567", "2024-08-25 24:00:00", "2024-08-25 23:59:60",
			"2024-08-25 14:06:09Z", "2024-08-25", "2024-02-30 10:00:00"),
		one("timestamptz", "timestamptz", "", `2024-08-25T14:06:09Z
2024-08-25T12:06:09Z
2024-08-25T19:36:09Z
2024-08-25T12:06:09Z
reject csv.zone line 6 record 5 field "v": "2024-08-25 14:06:09" has no offset from UTC; set the field's time zone <"2024-08-25 14:06:09">
reject csv.date line 7 record 6 field "v": "2024-08-25 14:06:09 CEST" is not a timestamptz: "CEST" after the time is no offset from UTC <"2024-08-25 14:06:09 CEST">
`, "2024-08-25 14:06:09Z", "2024-08-25T14:06:09+02:00", "2024-08-25 14:06:09-0530", "2024-08-25 14:06:09 +02", "2024-08-25 14:06:09", "2024-08-25 14:06:09 CEST"),
		one("time", "time", "", "14:06:09.000000\n00:00:00.000000\n23:59:59.999999\nreject csv.date line 5 record 4 field \"v\": \"24:00\" is not a time: there is no hour 24 <\"24:00\">\n",
			"14:06:09", "00:00", "23:59:59.999999", "24:00"),
		one("interval", "interval", "", `14 months 10 days 9005250000 microseconds
0 months -7 days 0 microseconds
reject csv.type line 4 record 3 field "v": "1 day" is not an ISO 8601 duration such as P1Y2M3DT4H5M6S <"1 day">
reject csv.type line 5 record 4 field "v": "PT" is not an ISO 8601 duration such as P1Y2M3DT4H5M6S <"PT">
`, "P1Y2M10DT2H30M5.25S", "-P1W", "1 day", "PT"),
	})
}

func TestOtherTypes(t *testing.T) {
	runScenes(t, []scene{
		one("uuid", "uuid", "", `0190b0a1-0000-7000-8000-00000000abcd
reject csv.type line 3 record 2 field "v": "0190b0a1000070008000000000000abc" is not a UUID <"0190b0a1000070008000000000000abc">
reject csv.type line 4 record 3 field "v": "0190b0a1-0000-7000-8000-00000000abcg" is not a UUID <"0190b0a1-0000-7000-8000-00000000abcg">
`, "0190B0A1-0000-7000-8000-00000000ABCD", "0190b0a1000070008000000000000abc", "0190b0a1-0000-7000-8000-00000000abcg"),
		one("bytes", "bytes", "", "AAEC\nreject csv.type line 3 record 2 field \"v\": \"AAE\" is not base64 <\"AAE\">\n", "AAEC", "AAE"),
		one("json", "json", "", `{"a": [1, 2.50]}
reject csv.type line 3 record 2 field "v": "{\"a\": 1,}" is not JSON <"{""a"": 1,}">
reject csv.type line 4 record 3 field "v": "{\"a\": 1, \"a\": 2}" is not JSON <"{""a"": 1, ""a"": 2}">
`, `{""a"": [1, 2.50]}`, `{""a"": 1,}`, `{""a"": 1, ""a"": 2}`),
	})
}

func TestFormats(t *testing.T) {
	runScenes(t, []scene{
		one("day first", "date | %d/%m/%Y", "", `2026-04-03
2026-12-31
reject csv.date line 4 record 3 field "v": "31/13/2026" is not a date: there is no month 13 <"31/13/2026">
reject csv.date line 5 record 4 field "v": "2026-04-03" does not have the format %d/%m/%Y <"2026-04-03">
reject csv.date line 6 record 5 field "v": "3/4/26" does not have the format %d/%m/%Y <"3/4/26">
reject csv.date line 7 record 6 field "v": "30/02/2026" is not a date: February 2026 has the days 1 to 28 <"30/02/2026">
`, "3/4/2026", "31/12/2026", "31/13/2026", "2026-04-03", "3/4/26", "30/02/2026"),
		one("compact", "date | %Y%m%d", "", "2026-04-03\nreject csv.date line 3 record 2 field \"v\": \"202643\" does not have the format %Y%m%d <\"202643\">\n", "20260403", "202643"),
		one("month name", "timestamp | %d %b %Y %I:%M:%S.%f %p", "", `2026-03-01T00:05:06.5
2026-03-01T12:05:06.123456
reject csv.precision line 4 record 3 field "v": "1 Mar 2026 1:05:06.1234567 pm" is finer than a microsecond, which is the finest that is kept <"1 Mar 2026 1:05:06.1234567 pm">
reject csv.date line 5 record 4 field "v": "1 Mar 2026 13:05:06.5 PM" does not have the format %d %b %Y %I:%M:%S.%f %p <"1 Mar 2026 13:05:06.5 PM">
`, "1 mar 2026 12:05:06.5 AM", "01 MAR 2026 12:05:06.123456000 pm", "1 Mar 2026 1:05:06.1234567 pm", "1 Mar 2026 13:05:06.5 PM"),
		one("day of year and full month", "date | %Y %j", "", "2024-12-31\n2024-02-29\nreject csv.date line 4 record 3 field \"v\": \"2023 366\" is not a date: December 2023 has the days 1 to 31 <\"2023 366\">\n",
			"2024 366", "2024 60", "2023 366"),
		one("two-digit years", "date | %B %d, %y", "", "1969-01-02\n2068-01-02\n", "January 2, 69", "January 02, 68"),
		one("percent and midnight", "timestamp | %%%Y-%m-%d", "", "2026-01-02T00:00:00\n", "%2026-01-02"),
		one("offset", "timestamptz | %Y-%m-%d %H:%M %z", "", "2026-01-02T09:04:00Z\n2026-01-02T10:04:00Z\n", "2026-01-02 10:04 +0100", "2026-01-02 10:04 Z"),
		one("time", "time | %H.%M", "", "08:05:00.000000\n", "8.05"),
		one("zone", "timestamptz |  | Europe/Berlin", "", `2026-01-01T11:00:00Z
2026-07-01T10:00:00Z
2026-03-29T00:59:59Z
2026-03-29T01:00:00Z
2026-10-25T00:30:00Z
2026-10-25T02:00:00Z
2026-07-01T12:00:00Z
reject csv.zone line 4 record 3 field "v": "2026-03-29 02:30:00" does not exist in Europe/Berlin: the clocks were put forward then <"2026-03-29 02:30:00">
`, "2026-01-01 12:00:00", "2026-07-01 12:00:00", "2026-03-29 02:30:00", "2026-03-29 01:59:59", "2026-03-29 03:00:00", "2026-10-25 02:30:00", "2026-10-25 03:00:00", "2026-07-01 12:00:00Z"),
	})
}
