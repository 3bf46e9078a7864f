package enginetest_test

import (
	"strings"
	"testing"

	"spark/flows/plan"
)

// TestListParameters: a list is searched by expressions and is the whole of a setting that takes one.
func TestListParameters(t *testing.T) {
	t.Parallel()
	document := func(condition string) string {
		return strings.Replace(originFlow(`"sample.data","version":1,"config":{"dataset":"orders","records":1000}`,
			`"filter","version":1,"config":{"condition":"`+condition+`"}`,
			`"expectations","version":1,"config":{"rules":[{"expect":"set","field":"status","values":{"parameter":"states"},"otherwise":"fail"}]}`,
			`"aggregate","version":1,"config":{"groupBy":{"parameter":"fields"},"aggregates":[{"name":"n","expression":"count()"}]}`,
			`"sort","version":1,"config":{"keys":[{"field":"status"}]}`), `"nodes":`,
			`"parameters":[{"name":"states","type":"list<text>"},{"name":"fields","type":"list<text>","default":["status"]},{"name":"ids","type":"list<int64>","default":"1, 2, 3"}],"nodes":`, 1)
	}
	dir := t.TempDir()
	if err := runUntil(t, dir, document("status in ($states)"), plan.Options{Parameters: map[string]string{"states": "paid, cancelled"}}); err != nil {
		t.Fatal(err)
	}
	got := content(t, dir, "out.csv")
	if lines := strings.Split(strings.TrimSpace(got), "\n"); len(lines) != 3 || lines[0] != "status,n" || !strings.HasPrefix(lines[1], "cancelled,") || !strings.HasPrefix(lines[2], "paid,") {
		t.Errorf("%s", got)
	}
	if err := runUntil(t, dir, document("not list_contains($states, status) or order_id not in ($ids)"), plan.Options{Parameters: map[string]string{"states": `["paid"]`}}); err == nil || !strings.Contains(err.Error(), "status") {
		t.Errorf("what is not in the list passes: %v", err)
	}
	if err := runUntil(t, dir, document("order_id in ($ids)"), plan.Options{Parameters: map[string]string{"states": "cancelled,delivered,new,paid,shipped,returned,processing"}}); err != nil {
		t.Error(err)
	}
}
