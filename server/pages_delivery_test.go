package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/plan"
	"spark/server/api"
)

// variant is a node with settings on which a promise depends.
type variant struct {
	title string
	node  map[string]any
}

// variantsOf are the settings of a node that change a promise: a choice of modes, or those that are named here.
func variantsOf(n api.NodeType) (list []variant) {
	add := func(title string, config map[string]any) {
		list = append(list, variant{title, map[string]any{"type": n.ID, "version": n.Version, "config": config}})
	}
	properties, _ := n.Schema["properties"].(map[string]any)
	mode, _ := properties["mode"].(map[string]any)
	modes, _ := json.Marshal(mode["enum"])
	var names []string
	_ = json.Unmarshal(modes, &names) // null where there is no choice
	for _, name := range names {
		add(n.Title+", "+name, map[string]any{"mode": name})
		if name == "incremental" {
			add(n.Title+", incremental with overlap", map[string]any{"mode": name, "overlap": "1"})
		}
	}
	switch {
	case n.ID == "rest.output":
		add(n.Title+", no key", map[string]any{"keyHeader": ""})
		add(n.Title+", key of the run", map[string]any{})
		add(n.Title+", key made of the record", map[string]any{"key": "order-[id]"})
	case len(names) == 0:
		add(n.Title, map[string]any{})
	}
	return list
}

// deliveryPage is the table of what is promised for each pair of a source and an output.
func deliveryPage(c api.Catalogue) string {
	var sources, outputs []variant
	for _, n := range c.Nodes {
		switch n.Category {
		case "source":
			sources = append(sources, variantsOf(n)...)
		case "output":
			outputs = append(outputs, variantsOf(n)...)
		}
	}
	var b strings.Builder
	b.WriteString("# Delivery\n\nWhat is promised for the records between a source and an output, computed from the settings of both. It stands on the\n" +
		"edge into the output, in its settings, and on the page of a run, with its reason. *Several outputs* are those of one flow.\n\n" +
		"- **exactly once**: no record is lost, none is there twice.\n" +
		"- **effectively once**: a record may be written again, and that changes nothing.\n" +
		"- **at least once**: no record is lost, and after a crash some may be there twice.\n")
	for _, out := range outputs {
		fmt.Fprintf(&b, "\n## Into %s\n\n| from | the only output | one of several outputs |\n|---|---|---|\n", out.title)
		var rows []string
		from := map[string][]string{} // by row
		for _, in := range sources {
			row := fmt.Sprintf("| %s | %s |\n", promised(in, out, false), promised(in, out, true))
			if from[row] == nil {
				rows = append(rows, row)
			}
			from[row] = append(from[row], in.title)
		}
		for _, row := range rows {
			fmt.Fprintf(&b, "| %s %s", strings.Join(from[row], "<br>"), row)
		}
	}
	return b.String()
}

// promised is the guarantee of a flow of two nodes, or of one with a second output, with its reason.
func promised(in, out variant, several bool) string {
	var f flows.Flow
	nodes := []map[string]any{placed(in, "in"), placed(out, "out")}
	edges := []map[string]any{{"from": map[string]string{"node": "in", "port": "out"}, "to": map[string]string{"node": "out", "port": "in"}}}
	if several {
		nodes = append(nodes, placed(out, "other"))
		edges = append(edges, map[string]any{"from": map[string]string{"node": "in", "port": "out"}, "to": map[string]string{"node": "other", "port": "in"}})
	}
	doc, err := json.Marshal(map[string]any{"format": 1, "name": "pair", "nodes": nodes, "edges": edges})
	if err == nil {
		err = json.Unmarshal(doc, &f)
	}
	if err != nil {
		panic(err)
	}
	list := plan.Deliveries(&f, nil)
	i := slices.IndexFunc(list, func(d flows.Delivery) bool { return d.Node == "out" })
	return fmt.Sprintf("**%s**: %s", strings.ReplaceAll(string(list[i].Guarantee), "-", " "), cell(list[i].Reason))
}

func placed(v variant, id string) map[string]any {
	n := map[string]any{"id": id, "name": id}
	for k, x := range v.node {
		n[k] = x
	}
	return n
}
