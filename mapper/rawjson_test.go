package mapper

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

// Of valid JSON the readers find what encoding/json finds; of anything else they find less and do not panic.
func FuzzRawJSON(f *testing.F) {
	for _, s := range []string{`{"self":1,"other":[1,{"self":2}]}`, `{"quantiles":[0.5,0.9],"values":[1,"x\"]"]}`, ` { "self" : "a" } `, `[]`, `[1,[2,3],{"a":"]"}]`, `"self"`, `{"self`, `[1,`, `{}`, `"2024-02-30"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := member(raw, "self")
		var items [][]byte
		for e := (elements{raw: raw}); ; {
			item := e.next()
			if item == nil {
				break
			}
			items = append(items, item)
		}
		if !json.Valid(raw) {
			return
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) == nil && !bytes.Contains(raw, []byte(`\u`)) && !bytes.Equal(got, object["self"]) {
			t.Fatalf("%s: self is %s, want %s", raw, got, object["self"])
		}
		var array []json.RawMessage
		if json.Unmarshal(raw, &array) == nil {
			if len(items) != len(array) {
				t.Fatalf("%s: %d elements, want %d", raw, len(items), len(array))
			}
			for i := range items {
				if !bytes.Equal(items[i], array[i]) {
					t.Fatalf("%s: element %d is %s, want %s", raw, i, items[i], array[i])
				}
			}
		}
	})
}

// isTime says what the time package says.
func FuzzIsTime(f *testing.F) {
	for _, s := range []string{"2024-02-29", "2023-02-29", "2024-01-01T00:00:00", "2024-01-01 23:59:60", "2024-01-01T00:00:00.123456Z", "2024-01-01 00:00:00+02:00", "2024-01-01T00:00:00.Z", "2024-13-01",
		"2024-01-01T00:00:00,5", "2024-01-01T24:00:00", "2024-01-01T00:00:00-24:00", "2024-01-01T00:00:00+24:01", "2024-01-01T00:00:00+23:60", "0000-01-01", "2024-01-01Z", "2024-01-01T0:00:00"} {
		f.Add(s)
	}
	forms := []string{time.RFC3339Nano, "2006-01-02", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00"}
	f.Fuzz(func(t *testing.T, s string) {
		want := false
		for _, form := range forms {
			_, err := time.Parse(form, s)
			want = want || err == nil
		}
		if got := isTime([]byte(s)); got && !want || want && !got && len(s) >= 10 && len(s) < 36 && s[10:] == "" {
			t.Fatalf("%q: %v, want %v", s, got, want)
		}
	})
}
