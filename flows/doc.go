// Package flows holds the words of Spark: types, records' schemas, flow documents, errors, identities and
// the states of a run. It depends on the standard library only; everything else is built around it.
package flows
