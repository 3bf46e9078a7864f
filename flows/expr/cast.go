package expr

import (
	"fmt"
	"math/big"

	"spark/flows"
)

// castable reports whether a conversion exists, and if not, what to write instead.
func castable(from, to flows.Type, format, zone bool) (ok bool, hint string) {
	switch {
	case format && zone:
		return from.Kind == flows.Text && to.Kind == flows.TimestampTZ, "a format with a zone reads a text as timestamptz"
	case format:
		moment := func(t flows.Type) bool { return t.IsTemporal() && t.Kind != flows.Time }
		return from.Kind == flows.Text && moment(to) || to.Kind == flows.Text && moment(from),
			"a format converts between text and date, timestamp or timestamptz"
	case zone:
		ok = from.Kind == flows.Timestamp && to.Kind == flows.TimestampTZ || from.Kind == flows.Text && to.Kind == flows.TimestampTZ ||
			from.Kind == flows.TimestampTZ && (to.Kind == flows.Timestamp || to.Kind == flows.Date)
		return ok, "a zone converts between timestamp and timestamptz"
	case from.Equal(to), from.IsNumeric() && to.IsNumeric():
		return true, ""
	case from.Kind == flows.Text:
		return castFromText(to)
	case to.Kind == flows.Text:
		return castToText(from)
	case from.Kind == flows.Date && to.Kind == flows.Timestamp,
		from.Kind == flows.Timestamp && (to.Kind == flows.Date || to.Kind == flows.Time):
		return true, ""
	}
	return false, castAlternative(from, to)
}

func castFromText(to flows.Type) (bool, string) {
	switch to.Kind {
	case flows.Bytes:
		return false, "use encode_utf8, decode_hex or decode_base64"
	case flows.List, flows.Struct:
		return false, "use a JSON Extract node"
	}
	return true, ""
}

func castToText(from flows.Type) (bool, string) {
	switch from.Kind {
	case flows.Bytes:
		return false, "use decode_utf8, encode_hex or encode_base64"
	case flows.List, flows.Struct:
		return false, "use to_json, or list_join for a list"
	}
	return true, ""
}

func castAlternative(from, to flows.Type) string {
	switch {
	case from.Kind == flows.TimestampTZ && to.IsTemporal():
		return "name the zone: cast(x as timestamp zone 'Europe/Berlin')"
	case to.Kind == flows.TimestampTZ:
		return "name the zone: cast(x as timestamptz zone 'Europe/Berlin')"
	case from.Kind == flows.Boolean && to.IsNumeric():
		return "use if(x, 1, 0)"
	case to.Kind == flows.Boolean && from.IsNumeric():
		return "use x <> 0"
	case from.Kind == flows.JSON:
		return "take a text out of it with json_extract_text and convert that"
	case to.Kind == flows.JSON:
		return "use to_json"
	case from.IsTemporal() && to.IsNumeric():
		return "use epoch_seconds, or year, month and day"
	case to.IsTemporal() && from.IsNumeric():
		return "use from_epoch or make_date"
	case from.Kind == flows.Text || to.Kind == flows.Text:
		return "convert it through text"
	}
	return "there is no such conversion"
}

// CanFail reports whether the conversion itself, X aside, can be an error for some record (with Try: null instead).
func (e *Cast) CanFail() bool {
	from, to := e.X.Type(), e.typ
	if v, ok := Constant(e.X); ok && v == nil {
		return false
	}
	switch {
	case e.Format != nil:
		return to.Kind != flows.Text
	case e.Zone != nil:
		return to.Kind == flows.TimestampTZ
	case from.Equal(to), to.Kind == flows.Text:
		return false
	case from.Kind == flows.Text:
		return true
	case from.IsNumeric():
		return !holds(to, e.X)
	}
	return false
}

// holds reports whether every value of the number x fits the numeric type to without loss; a double takes any number
// and rounds.
func holds(to flows.Type, x Expr) bool {
	from := x.Type()
	switch {
	case to.Kind == flows.Double:
		return true
	case from.Kind == flows.Double:
		return false
	case from.IsInteger() && to.IsInteger():
		return to.Kind >= from.Kind || magnitude(x).Cmp(kindMost(to.Kind)) < 0
	case from.IsInteger():
		return magnitude(x).Cmp(pow10(to.Precision-to.Scale)) < 0
	case to.IsInteger():
		return from.Scale == 0 && pow10(from.Precision).Cmp(kindMost(to.Kind)) <= 0
	}
	return to.Scale >= from.Scale && to.Precision-to.Scale >= from.Precision-from.Scale
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// checkCastConstants checks the format and the zone of a conversion.
func checkCastConstants(e *Cast) *flows.Error {
	if e.Zone != nil {
		if err := checkConstant(nil, Arg{Name: "zone", Accepts: "zone"}, e.Zone); err != nil {
			return err
		}
	}
	if e.Format == nil {
		return nil
	}
	if err := checkConstant(nil, Arg{Name: "format", Accepts: "format"}, e.Format); err != nil {
		return err
	}
	if e.typ.Kind == flows.Text {
		return checkPrintFormat(e.Format, e.X.Type().Kind)
	}
	if err := checkParseFormat(e.Format, e.typ.Kind, e.Zone != nil); err != nil {
		return err
	}
	return nil
}

// FailureMessage says what a failed conversion is called; engines use it for the error of a record.
func (e *Cast) FailureMessage() string {
	return fmt.Sprintf("not a valid %s, or digits would be lost", e.typ)
}
