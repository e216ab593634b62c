package results

import (
	"fmt"
	"strconv"
	"strings"
)

type (
	field struct {
		key   string
		value any
	}
	object []field
	list   []any
)

// dump appends v as Python's json.dumps writes it: blanks after colons and commas, ASCII only, 100.0 for a float without fraction.
func dump(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		s := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return append(b, s...)
	case string:
		return strconv.AppendQuoteToASCII(b, v) // of our letters it makes what JSON takes
	case list:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = dump(b, e)
		}
		return append(b, ']')
	case object:
		b = append(b, '{')
		for i, f := range v {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(strconv.AppendQuote(b, f.key), ": "...)
			b = dump(b, f.value)
		}
		return append(b, '}')
	}
	panic(fmt.Sprintf("no JSON for a %T", v))
}
