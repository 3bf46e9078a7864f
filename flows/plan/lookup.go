package plan

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows/expr"
	"spark/flows/node"
)

// readByLookup lists what a lookup reads of an input. Its records are read by the keys and the fields that go on, its
// reference also by its order.
func readByLookup(op node.Enrich, in Input, needed []string) []string {
	if in.Port == node.Reference {
		return append(readByOrder(op.Order), readBySide(node.Right, op.Keys, op.Fields, needed)...)
	}
	return readBySide(node.Left, op.Keys, op.Fields, needed)
}

// readBySide lists what keys and needed fields read of one side.
func readBySide(side string, keys []node.JoinKey, fields []node.JoinField, needed []string) []string {
	var all []string
	for _, k := range keys {
		key := k.Left
		if side == node.Right {
			key = k.Right
		}
		all = append(all, expr.Fields(key)...)
	}
	for _, f := range fields {
		if f.Side == side && slices.Contains(needed, f.As) {
			all = append(all, f.Field)
		}
	}
	return all
}

func describeLookup(op node.Enrich, in, reference string) string {
	keys := make([]string, len(op.Keys))
	for i, k := range op.Keys {
		keys[i] = fmt.Sprintf("%s = %s", k.Left, k.Right)
	}
	s := fmt.Sprintf("lookup %s in %s on %s, none: %s, several: %s", in, reference, strings.Join(keys, " and "), op.NoMatch, op.Many)
	if len(op.Order) > 0 {
		s += " by " + order(op.Order)
	}
	return s
}
