package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

// text is a scalar after expansion; hidden: it came from a variable or a file, or belongs to a secret key.
type text struct {
	value  string
	hidden bool
}

func (t text) shown() string {
	if t.hidden {
		return "the value"
	}
	return strconv.Quote(t.value)
}

// assign parses t for f into the configuration.
func (f field) assign(c *Config, t text) error {
	t.hidden = t.hidden || f.secret
	if f.typ == "string" && f.enum != nil && t.value != "" {
		if err := f.check(&t); err != nil {
			return err
		}
	}
	switch p := f.at(c).(type) {
	case *string:
		*p = t.value
	case *bool:
		b, err := parseBool(t.value)
		if err != nil {
			return fmt.Errorf("%s must be true or false, not %s", f.path, t.shown())
		}
		*p = b
	case *int:
		n, err := parseInt(f, t)
		if err != nil {
			return err
		}
		*p = n
	case *float64:
		n, err := strconv.ParseFloat(t.value, 64)
		if err != nil || n < 0 || n > math.MaxInt32 || math.IsNaN(n) {
			return fmt.Errorf("%s must be a number such as 20 or 0.5, not %s", f.path, t.shown())
		}
		*p = n
	case *time.Duration:
		d, err := parseDuration(t.value)
		if err != nil {
			return fmt.Errorf("%s must be a time above zero such as 500ms, 5s or 2m, not %s", f.path, t.shown())
		}
		*p = d
	case *[]string:
		*p = (*p)[:0:0]
		for item := range strings.SplitSeq(t.value, ",") {
			if err := f.appendItem(p, text{strings.TrimSpace(item), t.hidden}); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("%s must be a mapping of keys and values", f.path)
	}
	return nil
}

func (f field) appendItem(p *[]string, t text) error {
	if t.value == "" {
		return fmt.Errorf("%s must not hold an empty name", f.path)
	}
	if f.enum != nil {
		if err := f.check(&t); err != nil {
			return err
		}
	}
	*p = append(*p, t.value)
	return nil
}

// check makes an enumerated value canonical (letter case, the Java client's apiKey) or says which was meant.
func (f field) check(t *text) error {
	for _, allowed := range f.enum {
		if strings.EqualFold(strings.ReplaceAll(allowed, "_", ""), strings.ReplaceAll(t.value, "_", "")) {
			t.value = allowed
			return nil
		}
	}
	msg := fmt.Sprintf("%s must be one of %s, not %s", f.path, strings.Join(f.enum, ", "), t.shown())
	if near := nearest.Name(t.value, f.enum); near != "" && !f.secret { // a word of ours, whatever the value is
		msg += fmt.Sprintf(": did you mean %q?", near)
	}
	return errors.New(msg)
}

// parseBool also takes the words that YAML 1.1, and so PyYAML, takes.
func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "yes", "on":
		return true, nil
	case "no", "off":
		return false, nil
	}
	return strconv.ParseBool(s)
}

func parseInt(f field, t text) (int, error) {
	if f.typ == "int" {
		n, err := strconv.Atoi(t.value)
		if err != nil || n < 1 || n > math.MaxInt32 {
			return 0, fmt.Errorf("%s must be a whole number above zero, not %s", f.path, t.shown())
		}
		return n, nil
	}
	m := regexp.MustCompile(`(?i)^(\d+) ?(|b|kib|mib|gib|kb|mb|gb)$`).FindStringSubmatch(t.value)
	if m != nil {
		units := map[string]int{"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 1e3, "mb": 1e6, "gb": 1e9}
		unit := units[strings.ToLower(m[2])]
		n, err := strconv.Atoi(m[1])
		if err == nil && n <= math.MaxInt32/unit && (n > 0 || f.def == "0") {
			return n * unit, nil
		}
	}
	return 0, fmt.Errorf("%s must be a size such as 33554432 or 32MiB, below 2 GiB, not %s", f.path, t.shown())
}

// parseDuration takes Go's form and, as openlineage.yml writes it, plain seconds.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if seconds, numErr := strconv.ParseFloat(s, 64); numErr == nil && seconds < 1e6 {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err == nil && d <= 0 {
		err = errors.New("not above zero")
	}
	return d, err
}

func envName(path string) string {
	return "GX_OL_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(path))
}

func scalar(f field) bool {
	return !slices.Contains([]string{"map", "properties", "datasources", "rules", "filter", "transports"}, f.typ)
}
