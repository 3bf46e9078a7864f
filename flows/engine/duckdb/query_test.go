package duckdb_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
	"spark/flows/engine/duckdb"
	"spark/flows/node"
)

func field(name string, t flows.Type) flows.Field { return flows.Field{Name: name, Type: t} }

var question = node.QueryQuestion{
	Tables: []node.QueryTable{
		{Name: "orders", Schema: flows.Schema{field("id", flows.Of(flows.Int64)), field("customer", flows.Of(flows.Int32)), field("price", flows.DecimalOf(10, 2)),
			field("tags", flows.ListOf(flows.Of(flows.Text))), field("to", flows.StructOf(field("zip", flows.Of(flows.Text)), field("n", flows.Of(flows.Int128))))}},
		{Name: "customers", Schema: flows.Schema{field("customer", flows.Of(flows.Int32)), field("name", flows.Of(flows.Text)), field("since", flows.Of(flows.TimestampTZ))}},
	},
	Params:  []flows.Field{field("least", flows.DecimalOf(10, 2)), field("name", flows.Of(flows.Text))},
	Secrets: []string{"token"},
}

// TestDescribeQuery: the fields of what a SELECT may be.
func TestDescribeQuery(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		`select * from orders;`: `id int64, customer int32, price decimal(10,2), tags list<text>, to struct<zip: text, n: int128>`,
		"select name, count(*) as n, sum(price) total\nfrom orders o join customers c using (customer) where price > $least group by all order by n desc -- $comment": `name text, n int64, total decimal(38,2)`,
		`with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) select n from t`:                                                                 `n int32`,
		`with big as materialized (select * from orders where price > 5) select (select max(name) from customers) as m, b.id from big b, big c`:                       `m text, id int64`,
		`select unnest(tags) as tag, row_number() over (partition by customer order by id) as "Row" from orders qualify "Row" = 1`:                                    `tag text, Row int64`,
		`select '$least' as a, $name as b, $$ $least $$ as c, "to".zip as d from orders /* $x */`:                                                                     `a text, b text, c text, d text`,
		`select * from (pivot orders on customer in (1, 2) using sum(price) group by id)`:                                                                             `id int64, 1 decimal(38,2), 2 decimal(38,2)`,
		`select x::utinyint as a, 1.5::float as b, since at time zone 'Europe/Berlin' as c, uuid() as d, interval 1 day as e from customers, range(3) t(x)`:           `a int16, b double, c timestamp, d uuid, e interval`,
		`values (1, 'a')`: `col0 int32, col1 text`,
		`select list_transform(tags, lambda x: x || '!') l from ORDERS`:   `l list<text>`,
		`from customers select name`:                                      `name text`,
		`select * exclude (since) from customers union all select 1, 'x'`: `customer int32, name text`,
	} {
		q := question
		q.SQL = sql
		s, err := (&duckdb.Engine{}).DescribeQuery(q)
		var got []string
		for _, f := range s {
			got = append(got, f.Name+" "+f.Type.String())
		}
		if d := cmp.Diff(want, strings.Join(got, ", ")); d != "" || err != nil {
			t.Errorf("%s: %v %s", sql, err, d)
		}
	}
}

// TestRefusedQueries: what is no SELECT, reads more than its tables, or is wrong, is told with a sentence.
func TestRefusedQueries(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		`insert into orders select * from orders`: "sql.not_select: this is not a SELECT statement",
		`copy orders to '/tmp/x.csv'`:             "sql.not_select: this is not a SELECT statement",
		`attach '/tmp/x.db'`:                      "sql.not_select: this is not a SELECT statement",
		`set memory_limit = '1GB'`:                "sql.not_select: this is not a SELECT statement",
		`pragma database_list`:                    "sql.not_select: this is not a SELECT statement",
		`select 1; drop table orders`:             "sql.not_select: this is not a SELECT statement",
		`select 1; select 2`:                      "sql.statements: there are 2 statements",
		``:                                        "sql.statements: there are 0 statements",
		`select * from '/etc/passwd'`:             `sql.table_unknown: there is no table "/etc/passwd"`,
		`select * from read_csv('/etc/passwd')`:   `sql.function: the table function "read_csv" is not allowed`,
		`select (select content from read_text('/etc/passwd'))`: `sql.function: the table function "read_text" is not allowed`,
		`select * from glob('/etc/*')`:                          `sql.function: the table function "glob" is not allowed`,
		`select * from duckdb_settings()`:                       `sql.function: the table function "duckdb_settings" is not allowed`,
		`select * from query('select 1')`:                       `sql.function: the table function "query" is not allowed`,
		`select current_setting('temp_directory')`:              `sql.function: the function "current_setting" is not allowed`,
		`select * from orders where tap(1)`:                     `sql.function: the function "tap" is not allowed`,
		`select * from orders where TAPX(1, 1, '', '', 1)`:      `sql.function: the function "tapx" is not allowed`,
		`select go_apply(0, '') from orders`:                    `sql.function: the function "go_apply" is not allowed`,
		`select * from information_schema.tables`:               `sql.table_unknown: there is no table "information_schema.tables"`,
		`select * from memory.main.orders`:                      `sql.table_unknown: there is no table "main.orders"`,
		`select * from s0_0`:                                    `sql.table_unknown: there is no table "s0_0"`,
		`select $token`:                                         `expr.secret_parameter: the parameter "token" is secret`,
		`select $lest`:                                          `parameter.unknown: the flow has no parameter "lest"`,
		"select id,\nnam from customers":                        `sql.error: Binder Error: Referenced column "id" not found in FROM clause! Candidate bindings: "since"`,
		`selekt 1`:                                              `sql.error: syntax error at or near "selekt"`,
		`select count(* from orders`:                            `sql.error: syntax error at or near "from"`,
		`select map {'a': 1} as m`:                              "type.unsupported: values of type MAP(VARCHAR, INTEGER) cannot be read",
	} {
		q := question
		q.SQL = sql
		s, err := (&duckdb.Engine{}).DescribeQuery(q)
		e := flows.AsError(err)
		if e == nil || !strings.HasPrefix(e.Code+": "+e.Message, want) || e.Suggestion == "" {
			t.Errorf("%s:\n  %v %v\n  expected %s", sql, s, err, want)
		}
	}
}
