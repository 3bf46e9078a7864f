package address

import (
	"fmt"
	"strings"
	"testing"

	"spark/flows"
)

// TestForeign: what the address of a system without a connection type says is told, but for its password.
func TestForeign(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		`jdbc:sqlserver://db\SALES:1433;databaseName=shop;user=ann;password=canary7f;trustServerCertificate=true;encrypt=true`: `SQL Server: Host=db Instance=SALES Port=1433 Database=shop User=ann Password=given, and not shown; ignored: trustServerCertificate, encrypt`,
		`jdbc:sqlserver://db;password={can;ary7f};database=shop`:                                                               `SQL Server: Host=db Password=given, and not shown Database=shop; ignored: `,
		`jdbc:sqlserver://db;password=x;canary7f=1`:                                                                            `SQL Server: Host=db Password=given, and not shown; ignored: one that is not known`,
		`jdbc:sqlserver://;serverName=::1;portNumber=1433`:                                                                     `SQL Server: Host=::1 Port=1433; ignored: `,
		`jdbc:sqlserver://[::1]:1433`:                                                                                          `SQL Server: Host=::1 Port=1433; ignored: `,
		`sqlserver://ann:canary7f@db:1433?database=shop&encrypt=disable`:                                                       `SQL Server: Host=db Port=1433 User=ann Password=given, and not shown Database=shop; ignored: encrypt`,
		`jdbc:oracle:thin:@//db:1521/ORCL.example.com`:                                                                         `Oracle: Host=db Port=1521 Service=ORCL.example.com; ignored: `,
		`jdbc:oracle:thin:ann/canary7f@db:1521:XE`:                                                                             `Oracle: Host=db Port=1521 SID=XE User=ann Password=given, and not shown; ignored: `,
		`jdbc:oracle:thin:ann/can@ary7f@db:1521/XE`:                                                                            `Oracle: Host=db Port=1521 Service=XE User=ann Password=given, and not shown; ignored: `,
		`jdbc:oracle:thin:@tcps://db:2484/shop?wallet_location=/w&retry_count=3`:                                               `Oracle: TLS=yes Host=db Port=2484 Service=shop; ignored: wallet_location, retry_count`,
		`jdbc:oracle:thin:@shop_high`:                                                                                          `Oracle: TNS name=shop_high; ignored: `,
		`jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCPS)(HOST=db)(PORT=1521))(ADDRESS=(PROTOCOL=tcp)(HOST=db2)(PORT=1522))(CONNECT_DATA=(SERVER=DEDICATED)(SERVICE_NAME=shop)))`: `Oracle: TLS=yes Host=db Port=1521 Service=shop; ignored: another host, another port, SERVER`,
		`jdbc:oracle:thin:canary7f`: `Oracle: ; ignored: one that is not known`,
		`JDBC:SQLServer://`:         `SQL Server: ; ignored: `,
	} {
		e := flows.AsError(Other(address))
		if e == nil || e.Code != "connection.unsupported" || e.Suggestion == "" {
			t.Errorf("%s: %+v", address, e)
			continue
		}
		var parts []string
		for _, f := range e.Params["fields"].([]map[string]string) {
			parts = append(parts, f["title"]+"="+f["value"])
		}
		got := fmt.Sprintf("%s: %s; ignored: %s", e.Params["system"], strings.Join(parts, " "), strings.Join(e.Params["ignored"].([]string), ", "))
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", address, got, want)
		}
		if strings.Contains(fmt.Sprintf("%+v %v", e, e.Params), "ary7f") {
			t.Errorf("%s gives the password away: %+v", address, e)
		}
	}
	if err := Other("db.example.com"); err != nil {
		t.Error(err)
	}
}

// FuzzForeign: nothing that is pasted gives a password away or ends the program.
func FuzzForeign(f *testing.F) {
	f.Add(`db\I:1433;user=a;x={`, `jdbc:sqlserver://`)
	f.Add(`@(DESCRIPTION=(HOST=`, `jdbc:oracle:thin:`)
	f.Fuzz(func(t *testing.T, rest, prefix string) {
		if err := Other(prefix + rest); err != nil && strings.Contains(err.Error(), "canary7f") {
			t.Error(err)
		}
	})
}
