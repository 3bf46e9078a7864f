package plan

import (
	"slices"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

// Deliveries computes what is promised for every output of a flow, from the settings of its sources and outputs alone:
// also where other nodes have problems.
func Deliveries(f *flows.Flow, params []expr.Param) []flows.Delivery {
	reads, writes := promises(f, params)
	list := []flows.Delivery{}
	for _, n := range f.Nodes {
		w, ok := writes[n.ID]
		if !ok {
			continue
		}
		var from node.ReadPromise
		for id := range f.Above(n.ID) {
			from.Incremental = from.Incremental || reads[id].Incremental
			from.Overlap = from.Overlap || reads[id].Incremental && reads[id].Overlap
		}
		g, reason := promise(from, w, len(writes) > 1)
		list = append(list, flows.Delivery{Node: n.ID, Guarantee: g, Reason: reason})
	}
	return list
}

// IncrementalSources returns the nodes that go on where the last run has ended.
func IncrementalSources(f *flows.Flow, params []expr.Param) []string {
	reads, _ := promises(f, params)
	var ids []string
	for id, r := range reads {
		if r.Incremental {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func promises(f *flows.Flow, params []expr.Param) (reads map[string]node.ReadPromise, writes map[string]node.WritePromise) {
	reads, writes = map[string]node.ReadPromise{}, map[string]node.WritePromise{}
	for _, n := range f.Nodes {
		if n.Disabled {
			continue
		}
		_, cfg, _ := node.Load(n, params) // what is wrong is reported by the compilation
		switch c := cfg.(type) {
		case node.PromisingSource:
			reads[n.ID] = c.ReadPromise()
		case node.PromisingTarget:
			writes[n.ID] = c.WritePromise()
		}
	}
	return reads, writes
}

// promise is the table of guarantees, which docs/decisions/20261127-delivery.md explains.
func promise(from node.ReadPromise, to node.WritePromise, several bool) (flows.Guarantee, string) {
	switch {
	case to.Kind == node.WriteSend && to.Keyed:
		return flows.EffectivelyOnce, "each request has a key that is made of the record: a server that honours it takes none twice"
	case to.Kind == node.WriteSend && to.Repeats:
		return flows.AtLeastOnce, "within a run each request has a key, by which a server that honours it takes none twice; another run that sends the same records uses other keys. Give a key that is made of the record"
	case to.Kind == node.WriteSend:
		return flows.AtLeastOnce, "a request without an answer is sent again, and the server cannot know it: give it a key"
	case to.Kind == node.WriteKeyed:
		return flows.EffectivelyOnce, "records are found by their key, so that one that is written again changes nothing"
	case to.Kind == node.WriteWhole && !from.Incremental:
		return flows.ExactlyOnce, "the " + to.What + " is replaced as a whole, or stays as it was; a run that is repeated writes the same again"
	case from.Overlap && to.Offsets:
		return flows.AtLeastOnce, "the source reads its overlap again, and the " + to.What + " does not know records that it has; choose upsert"
	case from.Overlap:
		return flows.AtLeastOnce, "the source reads its overlap again, and the " + to.What + " does not know records that came before; a table with upsert does"
	case from.Incremental && several:
		return flows.AtLeastOnce, "the outputs commit one after the other: after a crash in between, the next run reads the same records again"
	case from.Incremental && to.Offsets && to.Kind == node.WriteWhole:
		return flows.ExactlyOnce, "records and cursor are committed in one transaction; the " + to.What + " holds those of the last run"
	case from.Incremental && to.Offsets:
		return flows.ExactlyOnce, "records and cursor are committed in one transaction"
	case from.Incremental:
		return flows.AtLeastOnce, "the cursor moves after the " + to.What + " was written: after a crash in between, the next run reads the same records again"
	case several:
		return flows.AtLeastOnce, "the outputs commit one after the other: after a crash in between, a run that is repeated adds the same records again"
	}
	return flows.ExactlyOnce, "the records of a run are committed in one transaction, with a row that proves it; each run adds all records that it reads"
}
