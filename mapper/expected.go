package mapper

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// appendExpected says in words what the bounds of an expectation ask for. Members of sets, regexes and queries may be row
// values and are only counted or named.
func appendExpected(dst []byte, e *gx.Expectation) []byte {
	start := len(dst)
	dst = appendBetween(dst, e)
	for i := range e.Kwargs {
		before := len(dst)
		if before > start {
			dst = append(dst, "; "...)
		}
		said := len(dst)
		if dst = appendKwarg(dst, &e.Kwargs[i]); len(dst) == said {
			dst = dst[:before]
		}
	}
	return dst
}

// appendKwarg says what one keyword asks for.
func appendKwarg(dst []byte, k *gx.Kwarg) []byte {
	switch k.Name {
	case "value", "sum_total":
		return appendPrefixed(dst, "= ", k.Value)
	case "threshold":
		return appendPrefixed(dst, "threshold ", k.Value)
	case "value_set", "type_list", "value_pairs_set":
		if k.Count >= 0 {
			return strconv.AppendInt(append(dst, "in a set of "...), int64(k.Count), 10)
		}
	case "column_list", "column_set":
		if k.Count >= 0 {
			return append(strconv.AppendInt(dst, int64(k.Count), 10), " columns"...)
		}
	case "type_":
		if name := typeName(k.Value); name != nil {
			return append(append(dst, "type "...), name...)
		}
	case "regex", "like_pattern", "strftime_format":
		return append(append(dst, "a given "...), strings.TrimSuffix(k.Name, "_format")...)
	case "mostly":
		if f, ok := number(k.Value); ok && f < 1 {
			return append(appendPercent(append(dst, "at least "...), f*100), " of values"...)
		}
	}
	return dst
}

func appendPrefixed(dst []byte, prefix string, raw json.RawMessage) []byte {
	before := len(dst)
	dst = append(dst, prefix...)
	if said := len(dst); len(appendBound(dst, raw)) == said {
		return dst[:before]
	}
	return appendBound(dst, raw)
}

// appendBetween is the text of min_value and max_value, strict or not.
func appendBetween(dst []byte, e *gx.Expectation) []byte {
	low, high := limit(e, "min_value"), limit(e, "max_value")
	strictLow, strictHigh := isTrue(e, "strict_min"), isTrue(e, "strict_max")
	if low != nil && high != nil && !strictLow && !strictHigh {
		dst = appendBound(append(dst, "between "...), low)
		return appendBound(append(dst, " and "...), high)
	}
	if low != nil {
		dst = appendCompare(dst, '>', strictLow, low)
	}
	if low != nil && high != nil {
		dst = append(dst, " and "...)
	}
	if high != nil {
		dst = appendCompare(dst, '<', strictHigh, high)
	}
	return dst
}

func appendCompare(dst []byte, op byte, strict bool, raw json.RawMessage) []byte {
	dst = append(dst, op)
	if !strict {
		dst = append(dst, '=')
	}
	return appendBound(append(dst, ' '), raw)
}

// limit is a bound that has a text, nil where there is none.
func limit(e *gx.Expectation, name string) json.RawMessage {
	k := kwarg(e, name)
	if k == nil || !hasBound(k.Value) {
		return nil
	}
	return k.Value
}

func isTrue(e *gx.Expectation, name string) bool {
	k := kwarg(e, name)
	return k != nil && string(k.Value) == "true"
}

// boundText is a bound as text: a number, a boolean, a date or time, or the name of a $PARAMETER; else nothing.
func boundText(raw json.RawMessage) string { return string(appendBound(nil, raw)) }

func hasBound(raw json.RawMessage) bool {
	return isNumber(raw) || isBoolean(raw) || isTime(plainText(raw)) || parameter(raw) != nil
}

func appendBound(dst []byte, raw json.RawMessage) []byte {
	if isNumber(raw) || isBoolean(raw) {
		return append(dst, raw...)
	}
	if text := plainText(raw); isTime(text) {
		return append(dst, text...)
	}
	if name := parameter(raw); name != nil {
		return append(append(dst, '$'), name...)
	}
	return dst
}

// parameter is the name in {"$PARAMETER": name}, nil if raw is none.
func parameter(raw json.RawMessage) []byte {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	if name := plainText(member(raw, "$PARAMETER")); isIdentifier(name) {
		return name
	}
	return nil
}

// isIdentifier reports whether text is a name that code gives, not data: of a type, a parameter, a class. A type may have
// its sizes behind it, as in DECIMAL(10, 2).
func isIdentifier(text []byte) bool {
	n := 0
	for n < len(text) && (letter(text[n]) || n > 0 && (text[n] == '.' || digit(text[n]))) {
		n++
	}
	if n == 0 || n > 64 {
		return false
	}
	sizes := text[n:]
	if len(sizes) == 0 {
		return true
	}
	if len(sizes) < 2 || sizes[0] != '(' || sizes[len(sizes)-1] != ')' {
		return false
	}
	for _, c := range sizes[1 : len(sizes)-1] {
		if !digit(c) && c != ',' && c != ' ' {
			return false
		}
	}
	return true
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }

// typeName is the text of a type; other strings are left out.
func typeName(raw json.RawMessage) []byte {
	if text := plainText(raw); isIdentifier(text) {
		return text
	}
	return nil
}

// number reads a finite JSON number.
func number(raw json.RawMessage) (float64, bool) {
	if len(raw) == 0 || raw[0] != '-' && !digit(raw[0]) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// isNumber reports whether valid JSON is a number within the range of a double: a larger one would come back from a
// backend as the text "Infinity".
func isNumber(raw json.RawMessage) bool {
	if len(raw) == 0 || raw[0] != '-' && !digit(raw[0]) {
		return false
	}
	short := len(raw) < 300 // no exponent, no more than a double holds
	for _, c := range raw {
		if !digit(c) && c != '.' && c != '-' {
			short = false
		}
	}
	if short && len(raw) < 20 {
		return raw[len(raw)-1] != '-' && raw[len(raw)-1] != '.'
	}
	_, ok := number(raw)
	return ok
}

func appendPercent(dst []byte, p float64) []byte {
	if n := math.Round(p * 100); n >= 0 && n < 1e9 { // hundredths, as the shortest text of n/100 has them
		whole, part := int64(n)/100, byte(int64(n)%100)
		dst = strconv.AppendInt(dst, whole, 10)
		if part > 0 {
			dst = append(dst, '.', '0'+part/10)
		}
		if part%10 > 0 {
			dst = append(dst, '0'+part%10)
		}
		return append(dst, " %"...)
	}
	return append(strconv.AppendFloat(dst, math.Round(p*100)/100, 'f', -1, 64), " %"...)
}
