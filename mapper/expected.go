package mapper

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// expected says in words what the bounds of an expectation ask for. Members of sets, regexes and queries may be row
// values and are only counted or named.
func expected(e *gx.Expectation) string {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	add(between(e))
	for _, k := range e.Kwargs {
		switch k.Name {
		case "value", "sum_total":
			add(prefixed("= ", boundText(k.Value)))
		case "threshold":
			add(prefixed("threshold ", boundText(k.Value)))
		case "value_set", "type_list", "value_pairs_set":
			if k.Count >= 0 {
				add(fmt.Sprintf("in a set of %d", k.Count))
			}
		case "column_list", "column_set":
			if k.Count >= 0 {
				add(fmt.Sprintf("%d columns", k.Count))
			}
		case "type_":
			add(prefixed("type ", typeName(k.Value)))
		case "regex", "like_pattern", "strftime_format":
			add("a given " + strings.TrimSuffix(k.Name, "_format"))
		case "mostly":
			if f, ok := number(k.Value); ok && f < 1 {
				add("at least " + percent(f*100) + " of values")
			}
		}
	}
	return strings.Join(parts, "; ")
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// between is the text of min_value and max_value, strict or not.
func between(e *gx.Expectation) string {
	low, high := limit(e, "min_value"), limit(e, "max_value")
	strictLow, strictHigh := isTrue(e, "strict_min"), isTrue(e, "strict_max")
	switch {
	case low != "" && high != "" && !strictLow && !strictHigh:
		return "between " + low + " and " + high
	case low != "" && high != "":
		return compare('>', strictLow, low) + " and " + compare('<', strictHigh, high)
	case low != "":
		return compare('>', strictLow, low)
	case high != "":
		return compare('<', strictHigh, high)
	}
	return ""
}

func compare(op byte, strict bool, text string) string {
	if strict {
		return string(op) + " " + text
	}
	return string(op) + "= " + text
}

func limit(e *gx.Expectation, name string) string {
	if k := kwarg(e, name); k != nil {
		return boundText(k.Value)
	}
	return ""
}

func isTrue(e *gx.Expectation, name string) bool {
	k := kwarg(e, name)
	return k != nil && string(k.Value) == "true"
}

// boundText is a bound as text: a number, a boolean, a date or time, or the name of a $PARAMETER; else nothing.
func boundText(raw json.RawMessage) string {
	if isNumber(raw) || string(raw) == "true" || string(raw) == "false" {
		return string(raw)
	}
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil && isTime(s) {
		return s
	}
	var p struct {
		Name string `json:"$PARAMETER"`
	}
	if len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, &p) == nil && identifier.MatchString(p.Name) {
		return "$" + p.Name
	}
	return ""
}

// identifier is a name that code gives, not data: of a type, a parameter, a class.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]{0,63}(\([0-9, ]*\))?$`)

// typeName is the text of a type; other strings are left out.
func typeName(raw json.RawMessage) string {
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil && identifier.MatchString(s) {
		return s
	}
	return ""
}

// timeForms are the dates and times that GX writes for observed values and bounds.
var timeForms = []string{time.RFC3339Nano, "2006-01-02", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00"}

func isTime(s string) bool {
	for _, form := range timeForms {
		if _, err := time.Parse(form, s); err == nil {
			return true
		}
	}
	return false
}

// number reads a finite JSON number.
func number(raw json.RawMessage) (float64, bool) {
	if !isNumber(raw) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// isNumber reports whether valid JSON is a number within the range of a double: a larger one would come back from a
// backend as the text "Infinity".
func isNumber(raw json.RawMessage) bool {
	if len(raw) == 0 || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return err == nil && !math.IsInf(f, 0)
}

func percent(p float64) string {
	return strconv.FormatFloat(math.Round(p*100)/100, 'f', -1, 64) + " %"
}
