// Package expr is the expression language of Spark: text that computes one value of a record, or of a group.
//
// Parse reads the source into a syntax tree; Compile checks it against the fields and parameters and returns a typed
// tree of literals, references, calls of catalogue functions and a few forms (case, cast, in, between, like). Engines
// render that tree; plans and goldens hold its canonical text. The catalogue is the allow-list: what has no entry
// cannot be said, so there is no way to files, settings, subselects or statements.
//
// The meaning is ours and the same on every engine; docs/expressions.md has it in full. In short:
//
//   - Null in, null out, unless the function's help says otherwise; and, or and not are three-valued.
//   - Nothing is converted silently. Numbers widen exactly (integer to decimal, any number to double); everything else
//     takes a cast, and a cast that would lose something is an error.
//   - Errors are values, not crashes: every record either has a result or one error, with a code and the place in the
//     expression. The node's policy decides what happens to the record. A double that would be infinite or not a
//     number is an error, and so are overflow and division by zero.
//   - and, or, case, if, coalesce and ifnull evaluate from left to right and only what they need; what is not
//     evaluated is not in error.
//   - Text is compared by code point. Dates and timestamps reach from the year 1 to 9999; an engine relies on its
//     sources for that.
package expr
