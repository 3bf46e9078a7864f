package database

import "spark/flows/node"

var (
	_ node.PromisingSource = (*Input)(nil)
	_ node.PromisingTarget = (*Output)(nil)
)

// ReadPromise says whether records are read again.
func (in *Input) ReadPromise() node.ReadPromise {
	return node.ReadPromise{Incremental: in.Mode == "incremental", Overlap: in.Overlap != ""}
}

// WritePromise says what becomes of records that are written again.
func (out *Output) WritePromise() node.WritePromise {
	p := node.WritePromise{Kind: node.WriteAppend, Offsets: true, What: "table"}
	switch mode := node.LoadMode(out.Mode); {
	case mode.Keyed():
		p.Kind = node.WriteKeyed
	case mode != node.LoadAppend:
		p.Kind = node.WriteWhole
	}
	return p
}
