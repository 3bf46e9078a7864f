package duckdb

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
	"spark/flows/expr"
)

// semantics are expressions over literals, what they give, or the code of their error behind "!".
var semantics = []struct{ src, want string }{
	// Arithmetic.
	{"1 / 0", "!value.division_by_zero"}, {"0 / 0", "!value.division_by_zero"}, {"1.5 / 0.0", "!value.division_by_zero"},
	{"1e0 / 0e0", "!value.division_by_zero"}, {"null / 0", "null"}, {"0 / 5", "0.0"}, {"7 / 2", "3.5"},
	{"div(7, 0)", "!value.division_by_zero"}, {"div(7, 2)", "3"}, {"div(-7, 2)", "-3"}, {"div(7, -2)", "-3"},
	{"7 % 0", "!value.division_by_zero"}, {"7 % -3", "1"}, {"-7 % 3", "-1"}, {"7.5 % 2", "1.5"}, {"7.5e0 % 0", "!value.division_by_zero"},
	{"-9223372036854775808 % -1", "0"}, {"div(-9223372036854775808, -1)", "!value.overflow"}, {"div(-9223372036854775808, 2)", "-4611686018427387904"},
	{"9223372036854775807 + 1", "!value.overflow"}, {"-9223372036854775808 - 1", "!value.overflow"}, {"9223372036854775807 + 0", "9223372036854775807"},
	{"4611686018427387904 * 2", "!value.overflow"}, {"4611686018427387904 * -2", "-9223372036854775808"},
	{"-(-9223372036854775808)", "!value.overflow"}, {"abs(-9223372036854775808)", "!value.overflow"}, {"abs(-9223372036854775807)", "9223372036854775807"},
	{"170141183460469231731687303715884105727 + 1", "!value.overflow"}, {"9223372036854775808 + 1", "9223372036854775809"},
	{"85070591730234615865843651857942052864 * 2", "!value.overflow"}, {"85070591730234615865843651857942052863 * 2", "170141183460469231731687303715884105726"},
	{"div(-170141183460469231731687303715884105728, -1)", "!value.overflow"}, {"-170141183460469231731687303715884105728 % -1", "0"},
	{"1e308 * 10", "!value.not_finite"}, {"1e308 + 1e308", "!value.not_finite"}, {"-1e308 - 1e308", "!value.not_finite"}, {"power(10, 400)", "!value.not_finite"},
	{"exp(1000)", "!value.not_finite"}, {"ln(0)", "!value.argument"}, {"ln(-1)", "!value.argument"}, {"sqrt(-1)", "!value.argument"}, {"log10(0)", "!value.argument"},
	{"null + 1", "null"}, {"1.10 + 2.205", "3.305"}, {"1.10 * 1.10", "1.2100"}, {"0.1 + 0.2", "0.3"}, {"0.1 + 0.2 = 0.3", "true"}, {"1.5 - 2", "-0.5"},
	{"99999999.99 * 9999999999", "999999999800000000.01"}, {"999999999999999999 + 0.1", "999999999999999999.1"},
	{"9999999999999999.99 + 9999999999999999.99", "19999999999999999.98"}, {"999999999.999999999 * 999999999.999999999", "999999999999999998.000000000000000001"},
	{"1e0 + 1", "2.0"},
	{"(9223372036854775807 + 1) + cast('1' as int64)", "!value.overflow"}, {"9223372036854775807 + 1 - 1", "!value.overflow"}, {"(9223372036854775807 + 1) * 0", "!value.overflow"},
	{"1 / (1e308 * 10)", "!value.not_finite"}, {"(1e308 * 10) * 0", "!value.not_finite"}, {"1e308 * 10 - 1e308 * 10", "!value.not_finite"}, {"null * (1e308 * 10)", "null"}, {"(9223372036854775807 + 1) + null", "null"},
	// Rounding.
	{"round(2.5)", "3"}, {"round(-2.5)", "-3"}, {"round(2.675, 2)", "2.68"}, {"round(9.99, 1)", "10.0"}, {"round(1234, -2)", "1200"}, {"round(1250, -2)", "1300"},
	{"round(-1250, -2)", "-1300"}, {"round(95, -2)", "100"}, {"round(95.5, -2)", "100"}, {"round(9223372036854775807, -1)", "!value.overflow"}, {"round(5, 2)", "5"},
	{"round(2.5e0)", "3.0"}, {"round(-2.5e0)", "-3.0"}, {"floor(-1.5)", "-2"}, {"ceil(9.99)", "10"}, {"ceil(-1.5)", "-1"}, {"trunc(-1.9)", "-1"}, {"trunc(1.9e0)", "1.0"}, {"floor(7)", "7"},
	{"sign(0)", "0"}, {"sign(-2e0)", "-1"}, {"format_number(1234567, 0)", "1,234,567"}, {"format_number(-0.5, 2)", "-0.50"}, {"format_number(-0.001, 2)", "0.00"},
	{"format_number(999.995, 2)", "1,000.00"}, {"format_number(1e300, 2)", "!value.overflow"},
	// Null logic.
	{"null and false", "false"}, {"null and true", "null"}, {"null or true", "true"}, {"null or false", "null"}, {"not null", "null"},
	{"cast(null as int64) = 1", "null"}, {"cast(null as int64) in (1, 2)", "null"}, {"3 not in (1, 2)", "true"}, {"null is null", "true"}, {"1 is not null", "true"},
	{"5 between 1 and 10", "true"}, {"5 not between 1 and 10", "false"}, {"5 between cast(null as int64) and 10", "null"}, {"5 between 10 and cast(null as int64)", "false"},
	{"coalesce(null, 2)", "2"}, {"coalesce(1.5, 2)", "1.5"}, {"greatest(1, null, 3)", "3"}, {"concat('a', null)", "a"}, {"'a' || null", "null"}, {"nullif(1, 1)", "null"}, {"nullif(1, 2)", "1"},
	{"case when null then 1 else 2 end", "2"}, {"case 1 when 1.0 then 'a' else 'b' end", "a"}, {"case when false then 1 end", "null"}, {"if(null, 1, 2)", "2"}, {"if(true, null, 2)", "null"},
	// Lazy branches.
	{"false and 1 / 0 = 1", "false"}, {"true and 1 / 0 = 1", "!value.division_by_zero"}, {"null and 1 / 0 = 1", "!value.division_by_zero"}, {"1 / 0 = 1 and false", "!value.division_by_zero"},
	{"true or 1 / 0 = 1", "true"}, {"false or 1 / 0 = 1", "!value.division_by_zero"}, {"null or 1 / 0 = 1", "!value.division_by_zero"}, {"true and false and 1 / 0 = 1", "false"},
	{"if(true, 1, 1 % 0)", "1"}, {"if(false, 1, 1 % 0)", "!value.division_by_zero"}, {"if(1 % 0 = 0, 1, 2)", "!value.division_by_zero"}, {"coalesce(1, 1 % 0)", "1"},
	{"coalesce(null, 1 % 0)", "!value.division_by_zero"}, {"coalesce(1 % 0, 1)", "!value.division_by_zero"}, {"case when true then 1 when 1 % 0 = 0 then 2 end", "1"},
	{"case when false then 1 when 1 % 0 = 0 then 2 end", "!value.division_by_zero"}, {"case when false then 1 % 0 else 5 end", "5"}, {"case when true then 1 % 0 else 5 end", "!value.division_by_zero"},
	{"case 3 when 3 then 1 when 1 % 0 then 2 end", "1"}, {"case 4 when 3 then 1 when 1 % 0 then 2 end", "!value.division_by_zero"}, {"case 1 % 0 when 3 then 1 end", "!value.division_by_zero"},
	{"case when 2 % 0 = 1 then 1 when true then 2 end", "!value.division_by_zero"}, {"1 % 0 in (1, 2)", "!value.division_by_zero"}, {"1 in (1, 1 % 0)", "!value.division_by_zero"},
	{"case when true then 1 when 1 % 0 = 0 then 2 when 1 / 0 = 1 then 3 else 1 % 0 end", "1"},
	// Comparison.
	{"1 = 1.0", "true"}, {"9223372036854775807 = 9223372036854775807.0", "true"}, {"9223372036854775807 = 9223372036854775806.9", "false"}, {"9007199254740993 > 9007199254740992", "true"},
	{"'a' < 'B'", "false"}, {"'Z' < 'a'", "true"}, {"'ä' > 'z'", "true"}, {"'a' = 'A'", "false"}, {"'a' = 'a '", "false"}, {"'' < 'a'", "true"}, {"false < true", "true"},
	{"date '2026-01-31' = timestamp '2026-01-31 00:00:00'", "true"}, {"timestamptz '2026-01-31 12:00:00+01:00' = timestamptz '2026-01-31 11:00:00Z'", "true"},
	{"uuid '6FA459EA-ee8a-4ca4-894e-db77e160355e' = to_uuid('6fa459ea-ee8a-4ca4-894e-db77e160355e')", "true"},
	{"'50%' like '50\\%' escape '\\'", "true"}, {"'abc' like 'a_c'", "true"}, {"'ABC' like 'abc'", "false"}, {"'ABC' ilike 'a%'", "true"}, {"'a\\b' like 'a\\b'", "true"}, {"'abc' not like '%x%'", "true"},
	// Conversion of text.
	{"cast('12' as int64)", "12"}, {"cast('+12' as int64)", "12"}, {"cast('-12' as int8)", "-12"}, {"cast('128' as int8)", "!value.conversion"}, {"cast('-128' as int8)", "-128"}, {"cast('32768' as int16)", "!value.conversion"},
	{"cast('2147483648' as int32)", "!value.conversion"}, {"cast('9223372036854775808' as int64)", "!value.conversion"}, {"cast('9223372036854775808' as int128)", "9223372036854775808"}, {"cast('170141183460469231731687303715884105728' as int128)", "!value.conversion"},
	{"cast(' 12' as int64)", "!value.conversion"}, {"cast('12 ' as int64)", "!value.conversion"}, {"cast('1_000' as int64)", "!value.conversion"}, {"cast('0x10' as int64)", "!value.conversion"}, {"cast('1.5' as int64)", "!value.conversion"},
	{"cast('1e3' as int64)", "!value.conversion"}, {"cast('' as int64)", "!value.conversion"}, {"cast('12' || chr(10) as int64)", "!value.conversion"}, {"cast('007' as int64)", "7"}, {"cast(cast(null as text) as int64)", "null"}, {"cast('٣' as int64)", "!value.conversion"},
	{"cast('1.50' as decimal(3,2))", "1.50"}, {"cast('1.5' as decimal(3,2))", "1.50"}, {"cast('1.500' as decimal(3,2))", "1.50"}, {"cast('1.505' as decimal(3,2))", "!value.conversion"}, {"cast('10' as decimal(3,2))", "!value.conversion"},
	{"cast('.5' as decimal(3,2))", "0.50"}, {"cast('5.' as decimal(3,2))", "!value.conversion"}, {"cast('1,5' as decimal(3,2))", "!value.conversion"}, {"cast('5.00' as decimal(3,0))", "5"}, {"cast('1e2' as decimal(5,0))", "!value.conversion"},
	{"cast('1e3' as double)", "1000.0"}, {"cast('1e999' as double)", "!value.conversion"}, {"cast('nan' as double)", "!value.conversion"}, {"cast('inf' as double)", "!value.conversion"}, {"cast('1.5 ' as double)", "!value.conversion"},
	{"cast('true' as boolean)", "true"}, {"cast('FALSE' as boolean)", "false"}, {"cast('t' as boolean)", "!value.conversion"}, {"cast('1' as boolean)", "!value.conversion"}, {"cast('yes' as boolean)", "!value.conversion"}, {"cast('xfalse' as boolean)", "!value.conversion"},
	{"cast('2026-01-31' as date)", "2026-01-31"}, {"cast('2026-02-30' as date)", "!value.conversion"}, {"cast('2026-1-31' as date)", "!value.conversion"}, {"cast('31.01.2026' as date)", "!value.conversion"}, {"cast('2026-01-31 10:00:00' as date)", "!value.conversion"},
	{"cast('0000-01-01' as date)", "!value.conversion"}, {"cast('infinity' as date)", "!value.conversion"}, {"cast('0001-01-01' as date)", "0001-01-01"}, {"cast('2026/01/31' as date)", "!value.conversion"},
	{"cast('31.1.2026' as date format '%d.%m.%Y')", "2026-01-31"}, {"cast('31.2.2026' as date format '%d.%m.%Y')", "!value.conversion"}, {"cast(' 31.1.2026' as date format '%d.%m.%Y')", "!value.conversion"}, {"cast('31.1.26' as date format '%d.%m.%y')", "2026-01-31"},
	{"cast('3 März 2026' as date format '%d %B %Y')", "!value.conversion"}, {"cast('3 march 2026' as date format '%d %B %Y')", "2026-03-03"}, {"parse_date('Sat 31 Jan 2026', '%a %d %b %Y')", "2026-01-31"},
	{"cast('2026-01-31T10:00:00' as timestamp)", "2026-01-31 10:00:00"}, {"cast('2026-01-31 10:00:00.123456' as timestamp)", "2026-01-31 10:00:00.123456"}, {"cast('2026-01-31 10:00:00.1234560' as timestamp)", "2026-01-31 10:00:00.123456"},
	{"cast('2026-01-31 10:00:00.1234567' as timestamp)", "!value.conversion"}, {"cast('2026-01-31' as timestamp)", "!value.conversion"}, {"cast('2026-01-31 24:00:00' as timestamp)", "!value.conversion"}, {"cast('2026-01-31 10:00:60' as timestamp)", "!value.conversion"},
	{"cast('2026-01-31 10:00:00Z' as timestamp)", "!value.conversion"}, {"cast('2026-01-31 10:00:00' as timestamptz)", "!value.conversion"}, {"cast('2026-01-31 10:00:00+02:00' as timestamptz)", "2026-01-31 08:00:00+00"}, {"cast('2026-01-31T10:00:00Z' as timestamptz)", "2026-01-31 10:00:00+00"},
	{"cast('2026-01-31 10:00:00-0530' as timestamptz)", "2026-01-31 15:30:00+00"}, {"cast('9999-12-31 23:59:59-01:00' as timestamptz)", "!value.conversion"}, {"cast('2026-03-29 02:30:00' as timestamptz zone 'Europe/Berlin')", "!value.conversion"},
	{"cast('2026-07-01 12:00:00' as timestamptz zone 'Europe/Berlin')", "2026-07-01 10:00:00+00"}, {"cast('1.7.2026 12:00' as timestamptz format '%d.%m.%Y %H:%M' zone 'Europe/Berlin')", "2026-07-01 10:00:00+00"},
	{"cast('10:00:00.5' as time)", "10:00:00.5"}, {"cast('24:00:00' as time)", "!value.conversion"}, {"cast('10:00' as time)", "!value.conversion"},
	{"cast('6fa459ea-ee8a-4ca4-894e-db77e160355e' as uuid)", "6fa459ea-ee8a-4ca4-894e-db77e160355e"}, {"cast('6fa459eaee8a4ca4894edb77e160355e' as uuid)", "!value.conversion"}, {"cast('{6fa459ea-ee8a-4ca4-894e-db77e160355e}' as uuid)", "!value.conversion"},
	{"cast('3 days' as interval)", "3 days"}, {"cast('1 month -2 hours' as interval)", "1 month -02:00:00"}, {"cast('soon' as interval)", "!value.conversion"}, {"cast('{\"a\": 1}' as json)", `{"a": 1}`}, {"cast('{' as json)", "!value.conversion"},
	{"try_cast('x' as int64)", "null"}, {"try_cast('7' as int64)", "7"}, {"try_cast(1.5 as int64)", "null"}, {"try_cast(1 % 0 as text)", "!value.division_by_zero"}, {"try_cast('31.2.2026' as date format '%d.%m.%Y')", "null"},
	// Conversion of numbers.
	{"cast(1.50 as int64)", "!value.conversion"}, {"cast(2.00 as int64)", "2"}, {"cast(-2.5 as int64)", "!value.conversion"}, {"cast(300 as int8)", "!value.conversion"}, {"cast(127 as int8)", "127"}, {"cast(1e3 as int64)", "1000"}, {"cast(1.5e0 as int64)", "!value.conversion"},
	{"cast(1e19 as int64)", "!value.conversion"}, {"cast(9223372036854775807e0 as int64)", "!value.conversion"}, {"cast(1.25 as decimal(3,1))", "!value.conversion"}, {"cast(round(1.25, 1) as decimal(2,1))", "1.3"}, {"cast(1.20 as decimal(3,1))", "1.2"}, {"cast(99.5 as decimal(2,1))", "!value.conversion"},
	{"cast(0.1e0 as decimal(3,1))", "0.1"}, {"cast(0.15e0 as decimal(3,1))", "!value.conversion"}, {"cast(1 as decimal(3,1))", "1.0"}, {"cast(100 as decimal(3,1))", "!value.conversion"}, {"cast(1.5 as double)", "1.5"}, {"cast(9223372036854775807 as int128)", "9223372036854775807"}, {"cast(9223372036854775808 as int64)", "!value.conversion"},
	{"cast(99999999999999999999999999999999999999 as int64)", "!value.conversion"}, {"cast(9.99 as int8)", "!value.conversion"}, {"cast(-0.0 as int64)", "0"},
	{"cast(5 as text)", "5"}, {"cast(1.50 as text)", "1.50"}, {"cast(-0.50 as text)", "-0.50"}, {"cast(1e20 as text)", "1e+20"}, {"cast(true as text)", "true"}, {"cast(date '2026-01-31' as text)", "2026-01-31"}, {"cast(timestamptz '2026-01-31 10:00:00.5+01:00' as text)", "2026-01-31 09:00:00.5Z"},
	{"cast(timestamp '2026-01-31 10:00:00' as date)", "2026-01-31"}, {"cast(date '2026-01-31' as timestamp)", "2026-01-31 00:00:00"}, {"cast(timestamp '2026-01-31 10:00:00' as time)", "10:00:00"}, {"cast(date '2026-01-31' as text format '%d/%m/%Y')", "31/01/2026"},
	// Dates and zones.
	{"at_zone(timestamp '2026-03-29 02:30:00', 'Europe/Berlin')", "!value.no_such_time"}, {"at_zone(timestamp '2026-03-29 03:00:00', 'Europe/Berlin')", "2026-03-29 01:00:00+00"}, {"at_zone(timestamp '2026-03-29 01:59:59', 'Europe/Berlin')", "2026-03-29 00:59:59+00"},
	{"at_zone(timestamp '2026-10-25 02:30:00', 'Europe/Berlin')", "2026-10-25 00:30:00+00"}, {"at_zone(timestamp '2026-10-25 03:00:00', 'Europe/Berlin')", "2026-10-25 02:00:00+00"}, {"at_zone(timestamp '2026-10-25 01:59:59', 'Europe/Berlin')", "2026-10-24 23:59:59+00"},
	{"at_zone(timestamp '2026-04-05 01:45:00', 'Australia/Lord_Howe')", "2026-04-04 14:45:00+00"}, {"at_zone(timestamp '2026-10-26 12:00:00', 'Europe/Berlin')", "2026-10-26 11:00:00+00"}, {"at_zone(timestamp '2011-12-30 12:00:00', 'Pacific/Apia')", "!value.no_such_time"},
	{"to_zone(timestamptz '2026-10-25 00:30:00Z', 'Europe/Berlin')", "2026-10-25 02:30:00"}, {"cast(timestamptz '2026-01-31 23:30:00Z' as date zone 'Europe/Berlin')", "2026-02-01"}, {"cast(timestamptz '2026-01-31 23:30:00Z' as timestamp zone 'UTC')", "2026-01-31 23:30:00"},
	{"now()", "2026-01-31 23:30:00+00"}, {"today()", "2026-01-31"}, {"today('Europe/Berlin')", "2026-02-01"},
	{"run_id()", "r'1"}, {"flow_name()", "Daily"}, {"flow_revision() + 1", "8"}, {"environment()", "production"}, {"started_at()", "2026-01-31 23:29:59.9985+00"}, {"scheduled_at()", "null"}, {"scheduled_at() is null", "true"},
	{"attempt()", "2"}, {"format_date(started_at(), '%Y-%m-%d')", "2026-01-31"}, {"'orders-' || run_id() || '.csv'", "orders-r'1.csv"}, {"RUN_ID()", "r'1"}, {"run_id(1)", "#expr.arguments"}, {"run_id", "#expr.unknown_field"},
	{"date_add(date '2024-01-31', 1, 'month')", "2024-02-29"}, {"date_add(date '9999-12-31', 1, 'day')", "!value.out_of_range"}, {"date_add(date '2026-01-01', 99999999999, 'year')", "!value.out_of_range"}, {"date_add(date '2026-01-01', -3000, 'year')", "!value.out_of_range"},
	{"date_add(timestamp '2026-01-31 10:00:00', -90, 'minute')", "2026-01-31 08:30:00"}, {"date_add(date '2026-01-01', cast(null as int64), 'day')", "null"}, {"date_add(date '2026-01-01', 2, 'quarter')", "2026-07-01"},
	{"date '2026-01-31' + interval '1 month'", "2026-02-28 00:00:00"}, {"interval '2 days' + date '2026-01-31'", "2026-02-02 00:00:00"}, {"timestamp '9999-12-31 23:00:00' + interval '2 hours'", "!value.out_of_range"}, {"timestamptz '2026-01-01 00:00:00Z' - interval '1 second'", "2025-12-31 23:59:59+00"},
	{"date_trunc('week', date '2026-02-01')", "2026-01-26"}, {"date_trunc('hour', timestamp '2026-01-31 13:45:10')", "2026-01-31 13:00:00"}, {"date_trunc('day', timestamptz '2026-01-31 01:00:00+02:00')", "2026-01-30 00:00:00+00"},
	{"date_diff('month', date '2026-01-31', date '2026-02-01')", "1"}, {"date_diff('hour', timestamp '2026-01-31 10:59:00', timestamp '2026-01-31 11:00:00')", "1"}, {"date_diff('day', date '2026-02-01', date '2026-01-31')", "-1"},
	{"make_date(2026, 2, 30)", "!value.not_valid"}, {"make_date(2026, 13, 1)", "!value.not_valid"}, {"make_date(0, 1, 1)", "!value.not_valid"}, {"make_date(null, 1, 1)", "null"}, {"make_timestamp(2026, 1, 31, 24, 0, 0)", "!value.not_valid"},
	{"from_epoch(1.5)", "1970-01-01 00:00:01.5+00"}, {"from_epoch(999999999999999)", "!value.out_of_range"}, {"from_epoch(1e300)", "!value.out_of_range"}, {"epoch_seconds(timestamp '1969-12-31 23:59:59.5')", "-1"},
	{"parse_timestamp('2026-01-31 10:00:00+0200', '%Y-%m-%d %H:%M:%S%z')", "2026-01-31 08:00:00+00"}, {"parse_timestamp('12:05 AM 1/2/2026', '%I:%M %p %d/%m/%Y')", "2026-02-01 00:05:00"}, {"parse_timestamp('x', '%Y-%m-%d')", "!value.not_valid"}, {"parse_date('2026-01-31x', '%Y-%m-%d')", "!value.not_valid"},
	{"format_date(timestamp '2026-01-05 14:03:09.001', '%d. %B %Y, %I:%M %p %f %j %y %a %%')", "05. January 2026, 02:03 PM 001000 005 26 Mon %"},
	// Text.
	{"substring('äöü', 2)", "öü"}, {"substring('abc', 10, 2)", ""}, {"substring('abc', 2, 0)", ""}, {"substring('abc', 1 - 1)", "!value.argument"}, {"substring('abc', 1 + 9223372036854775806)", ""}, {"substring(null, 1 - 1)", "null"}, {"substring('abc', 2, 1 + 9223372036854775806)", "bc"},
	{"left('äöü', 2)", "äö"}, {"left('abc', 1 - 2)", "!value.argument"}, {"right('abc', 0)", ""}, {"left('abc', cast(null as int64))", "null"}, {"length('👍é')", "2"}, {"upper(null)", "null"}, {"trim(' \t\nx\r ')", "x"}, {"trim('xxaxx', 'x')", "a"},
	{"repeat('ab', 1000 * 1000)", "!value.too_long"}, {"repeat('', 1000000)", ""}, {"repeat('a', 1 - 2)", "!value.argument"}, {"length(repeat('a', 1048576))", "1048576"}, {"lpad('7', 3, '0')", "007"}, {"lpad('12345', 3)", "123"}, {"lpad('a', 3, '')", "!value.argument"}, {"lpad('a', 1000000 + 1)", "!value.argument"},
	{"replace('aaa', 'a', 'bb')", "bbbbbb"}, {"replace('abc', '', 'x')", "abc"}, {"replace(repeat('a', 100000), 'a', repeat('b', 100000))", "!value.too_long"}, {"regexp_replace(repeat('a', 1000000), 'a', repeat('b', 100))", "#expr.arguments"},
	{"split_part('a,b', ',', 5)", ""}, {"split_part('a,b', ',', 1 - 1)", "!value.argument"}, {"chr(0 + 55296)", "!value.argument"}, {"chr(233)", "é"}, {"ascii('')", "null"}, {"position('äb', 'b')", "2"}, {"position('a', 'x')", "0"},
	{"regexp_extract('abc', 'x(.)', 1)", "null"}, {"regexp_extract('axb', 'x(.)')", "xb"}, {"regexp_replace('a.b.c', '[.]', '\\\\')", `a\b\c`}, {"regexp_count('aaa', 'a')", "3"}, {"regexp_matches('a\nb', '^b$')", "false"},
	{"decode_base64('YWI')", "!value.not_valid"}, {"decode_base64('####')", "!value.not_valid"}, {"decode_hex('6')", "!value.not_valid"}, {"decode_hex('zz')", "!value.not_valid"}, {"decode_utf8(decode_hex('ff'))", "!value.not_valid"}, {"decode_utf8(decode_hex('c3a9'))", "é"},
	{"decode_utf8(decode_hex('00'))", "!value.not_valid"}, {"decode_utf8(decode_hex('eda080'))", "!value.not_valid"}, {"decode_utf8(decode_hex('f09f918d'))", "👍"}, {"decode_utf8(decode_hex('c0af'))", "!value.not_valid"}, {"decode_utf8(decode_hex(''))", ""}, {"to_uuid('x')", "!value.not_valid"}, {"is_uuid('x')", "false"},
	// JSON and lists.
	{"json_extract_text(parse_json('{\"a b\": {\"c\": [1, {\"d\": \"x\"}]}}'), '$.\"a b\".c[1].d')", "x"}, {"json_extract_text(parse_json('{\"a\": null}'), '$.a')", "null"}, {"json_extract_text(parse_json('{}'), '$.a')", "null"}, {"json_exists(parse_json('{}'), '$.a')", "false"},
	{"parse_json('{')", "!value.not_valid"}, {"json_array_length(parse_json('{}'))", "null"}, {"json_type(parse_json('null'))", "null"}, {"json_type(parse_json('true'))", "boolean"}, {"json_type(parse_json('[]'), '$.x')", "null"}, {"to_json(1e308 * 10)", "!value.not_finite"},
	{"2 in (list(1, 2))", "true"}, {"3 in (list(1, 2))", "false"}, {"3 not in (list(1, 2))", "true"}, {"'a' in (list(1, 2))", "#expr.type"},
	{"json_extract(parse_json('{\"a\": [1, 2]}'), '$.a')", "[1, 2]"},
	// As it is written: no digit is lost, no text ends early, and nothing that is no JSON is read as JSON.
	{`json_extract_text(parse_json('{"a": 12345678901234567890.1234567890}'), '$.a')`, "12345678901234567890.1234567890"}, {`json_extract(parse_json('{"a": [0.10, 1E400]}'), '$.a')`, "[0.10, 1E400]"},
	{`json_extract_text(parse_json('{"a": "x\u0000y"}'), '$.a')`, "null"}, {`json_type(parse_json('{"a": "x\u0000y"}'), '$.a')`, "text"}, {`json_extract_text(parse_json('{"a": "\ud83d\ude00\n\/"}'), '$.a')`, "😀\n/"},
	{`json_extract_text(parse_json('{"\u0061": 1}'), '$.a')`, "1"}, {`json_extract_text(parse_json('{"x*\\y": 1}'), '$[''x*\\y'']')`, "1"}, {`json_extract_text(parse_json('{"it''s": 1}'), '$."it''s"')`, "1"},
	{`is_json('[1,]')`, "false"}, {`is_json('[NaN]')`, "false"}, {`is_json('{"a": "\ud800"}')`, "false"}, {`is_json('{} {}')`, "false"}, {`is_json('')`, "false"}, {`is_json(cast(null as text))`, "null"}, {`is_json(' [01] ')`, "false"}, {`is_json(' -0 ')`, "true"},
	{`is_json(repeat('[', 1000) || repeat(']', 1000))`, "true"}, {`is_json(repeat('[', 100000) || repeat(']', 100000))`, "false"}, {`is_json('"' || chr(9) || '"')`, "false"}, {`is_json('"\u12"')`, "false"}, {`is_json('1.')`, "false"}, {`is_json('nul')`, "false"},
	{`to_json(json_read('{"a": 1, "a": 2, "b": {"c": 1}, "b": 3}', 'text', '$.a', 'text', '$.b.c'))`, `{"place":null,"kind1":"d","part1":null,"kind2":"d","part2":null}`}, {`to_json(json_read('[1, [2, 3.50]]', 'number', '$[1][1]', 'text', '$[1][1]', 'json', '$[2]', 'json', '$[1]'))`, `{"place":null,"kind1":"n","part1":"3.5","kind2":"n","part2":"3.50","kind3":"m","part3":null,"kind4":"a","part4":"[2, 3.50]"}`},
	{`to_json(json_read('[1.50, {}, [2], "x", null]', 'value', '$[0]', 'value', '$[1]', 'value', '$[2]', 'value', '$[3]', 'value', '$[4]'))`, `{"place":null,"kind1":"n","part1":"1.50","kind2":"o","part2":null,"kind3":"a","part3":null,"kind4":"s","part4":"x","kind5":"z","part5":null}`},
	{`to_json(json_read('[1e2, 1.500, -0, 1e400, 12.34E1, 0.001e5, 5e-3, 0e5, 1200e-2]', 'number', '$[0]', 'number', '$[1]', 'number', '$[2]', 'number', '$[3]', 'number', '$[4]', 'number', '$[5]', 'number', '$[6]', 'number', '$[7]', 'number', '$[8]'))`,
		`{"place":null,"kind1":"n","part1":"100","kind2":"n","part2":"1.5","kind3":"n","part3":"-0","kind4":"n","part4":"1e400","kind5":"n","part5":"123.4","kind6":"n","part6":"100","kind7":"n","part7":"0.005","kind8":"n","part8":"0","kind9":"n","part9":"12"}`},
	{`get_field(json_read('{"a": tru}', 'text', '$.a'), 'place')`, "7"}, {`get_field(json_read('{"a": true}', 'text', '$.a'), 'place')`, "null"}, {`json_read(cast(null as text), 'text', '$.a') is null`, "true"},
	{`get_field(json_read(cast(null as text), 'text', '$.a'), 'kind1')`, "null"},
	{`get_field(json_read('{"b": 1, "ab": 2, "aab": 3, "bb": 4}', 'text', '$.bb', 'text', '$.aab', 'text', '$.b'), 'part2')`, "3"}, {`get_field(json_read('{"": 1, "a": 2}', 'text', '$['''']'), 'part1')`, "1"},
	{`json_object('a', parse_json('[12345678901234567890.10]'), 'b', 'x"y', 'c', cast(null as json))`, `{"a":[12345678901234567890.10],"b":"x\"y","c":null}`}, {`json_array(parse_json('1.50'), 2)`, "[1.50,2]"}, {`to_json(parse_json('1.50'))`, "1.50"},
	{`json_object('a', list(parse_json('12345678901234567890.10'), parse_json('null'), cast(null as json)))`, `{"a":[12345678901234567890.10, null, null]}`}, {`to_json(list(json_object('a', parse_json('1.50'))))`, `[{"a":1.50}]`},
	{`json_array(cast(null as list<json>))`, "[null]"}, {`to_json(cast(null as list<json>))`, "null"},
	{`list_get(json_elements(parse_json(' [ 1.50 ,{"a": "],\""}, [2, 3] , "x" ] ')), 2)`, `{"a": "],\""}`}, {`list_get(json_elements(parse_json(' [ 1.50 ,{"a": "],\""}, [2, 3] , "x" ] ')), 1)`, "1.50"}, {`list_get(json_elements(parse_json('[1, [2, 3] , "x"]')), 3)`, `"x"`}, {`list_length(json_elements(parse_json('[ ]')))`, "0"}, {`list_length(json_elements(parse_json('{"a": []}')))`, "null"}, {`list_length(json_elements(cast(null as json)))`, "null"},
	{`json_array_length(parse_json('[1, [2, 3]]'), '$[1]')`, "2"}, {`json_array_length(parse_json('{}'))`, "null"}, {`list_join(json_keys(parse_json('{"a": {"x": 1, "y": 2}}'), '$.a'), ',')`, "x,y"}, {"json_object('a', null, 'b', list(1, 2))", `{"a":null,"b":[1,2]}`}, {"json_array(date '2026-01-31', 1.50)", `["2026-01-31",1.5]`}, {"to_json(cast(null as text))", "null"},
	{"list_get(list(1, 2), 3)", "null"}, {"list_get(list(1, 2), 0)", "null"}, {"list_get(list(1, 2), -1)", "null"}, {"list_contains(list(1.5, 2), 2)", "#expr.type"}, {"list_contains(list('a'), 'a')", "true"}, {"list(1, 2.5)", "[1.0, 2.5]"}, {"split('a,,b', ',')", "[a, '', b]"},
}

func TestSemantics(t *testing.T) {
	t.Parallel()
	c := connect(t)
	for _, s := range semantics {
		e, err := expr.Compile(s.src, expr.Env{})
		got := ""
		if err != nil {
			got = "#" + flows.AsError(err).Code
		} else if o := evaluateExpr(t, c, e, "")[0]; o.Code != "" {
			got = "!" + o.Code
		} else {
			got = o.Value
		}
		if got != s.want {
			t.Errorf("%s = %s, want %s (%v)", s.src, clipped(got), s.want, err)
		}
	}
}

func clipped(s string) string { return s[:min(len(s), 100)] }

// TestHotPath pins the SQL of what runs most: nothing that cannot fail is wrapped.
func TestHotPath(t *testing.T) {
	t.Parallel()
	env := expr.Env{Fields: flows.Schema{
		{Name: "quantity", Type: flows.Of(flows.Int32)}, {Name: "unit_price", Type: flows.DecimalOf(10, 2)}, {Name: "country", Type: flows.Of(flows.Text)},
		{Name: "ordered_at", Type: flows.Of(flows.Timestamp)}, {Name: "status", Type: flows.Of(flows.Text)}, {Name: "d", Type: flows.Of(flows.Date)}, {Name: "small", Type: flows.DecimalOf(7, 2)},
		{Name: "id", Type: flows.Of(flows.Int64)},
	}}
	for src, want := range map[string]string{
		"quantity * unit_price":                    `CAST((CAST("quantity" AS DECIMAL(19,0)) * "unit_price") AS DECIMAL(20,2))`,
		"small * small":                            `("small" * "small")`,
		"small + 1":                                `("small" + CAST('1' AS DECIMAL(1,0)))`,
		"upper(country)":                           `upper("country")`,
		"date_trunc('month', ordered_at)":          `date_trunc('month', "ordered_at")`,
		"date_trunc('month', d)":                   `CAST(date_trunc('month', "d") AS DATE)`,
		"status <> 'cancelled' and quantity > 0":   `(("status" <> 'cancelled') AND ("quantity" > (0)))`,
		"unit_price > 100":                         `("unit_price" > CAST('100' AS DECIMAL(10,2)))`,
		"quantity * quantity":                      `(CAST("quantity" AS BIGINT) * CAST("quantity" AS BIGINT))`,
		"quantity in (1, 2) or id between 5 and 9": `(("quantity" IN ((1), (2))) OR ("id" BETWEEN (5) AND (9)))`,
		"ordered_at >= date '2026-01-01'":          `("ordered_at" >= CAST(CAST('2026-01-01' AS DATE) AS TIMESTAMP))`,
		"unit_price / 2":                           `(CAST("unit_price" AS DOUBLE) / CAST('2' AS DOUBLE))`,
		"id % 10":                                  `("id" % CAST('10' AS BIGINT))`,
	} {
		e, err := expr.Compile(src, env)
		if err != nil {
			t.Fatal(err)
		}
		got, err := RenderExpr(e)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(Rendered{Value: want}, got); d != "" {
			t.Errorf("%s\n%s", src, d)
		}
	}
}

func TestErrorSites(t *testing.T) {
	t.Parallel()
	e, err := expr.Compile("1 + cast('x' as int64) / 0", expr.Env{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := RenderExpr(e)
	if err != nil {
		t.Fatal(err)
	}
	want := []ErrorSite{
		{"value.conversion", "not a valid int64, or digits would be lost", 5, 18},
		{"value.division_by_zero", "division by zero", 5, 22},
		{"value.not_finite", "the result is not a finite number", 1, 26},
	}
	if d := cmp.Diff(want, r.Errors); d != "" {
		t.Error(d)
	}
	if !strings.HasPrefix(r.Err, "COALESCE(") {
		t.Error(r.Err)
	}
}
