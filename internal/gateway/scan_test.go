package gateway

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzBodies(f *testing.F) {
	f.Add([]byte(runEvent), "")
	f.Add([]byte("["+runEvent+",1]"), "")
	f.Add([]byte(`{"test_suite_name":"s","data_asset_name":"a","validation_results":[]}`), "")
	f.Add([]byte(packed(runEvent)), "gzip")
	g, w := newGateway(func(c *Config) {
		c.Tokens = []Token{{Name: "t", Now: func() string { return "a-token-for-fuzzing" }, Namespace: "etl"}}
		c.Rewrite = true
	})
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		for _, path := range []string{"/api/v1/lineage", "/api/v1/lineage/batch", "/v1/results"} {
			w.recs = nil
			a := post(g, path, string(body), "Content-Encoding", encoding, "Authorization", "Bearer a-token-for-fuzzing")
			if a.Code >= 500 || a.Code == 201 && len(w.recs) != 1 {
				t.Fatalf("%s: %d %s, %d records", path, a.Code, a.Body, len(w.recs))
			}
			if path == "/v1/results" {
				continue
			}
			for _, rec := range w.recs {
				if !json.Valid(rec.Value) || len(rec.Key) == 0 {
					t.Fatalf("%s: %s", path, rec.Value)
				}
			}
		}
		if n := g.inFlight.Load(); n != 0 {
			t.Fatalf("%d bytes stay in flight", n)
		}
	})
}

// What is passed over must be JSON too: the scanner takes what encoding/json takes, but for what nests too deep, and reads of it the same.
func FuzzTheScannerTakesWhatJSONIs(f *testing.F) {
	for _, text := range []string{runEvent, `{"a":[1,-0.5e+3,true,false,null,"\u00e9\n"]}`, `[}`, `01`, `"\x"`, `{"a" 1}`, "\x00", `{"inputs":[{"n\u0061me":"x","facets":{"a":1,"schema":{"fields":[{"name":7}]}}}]}`, `1 2`, `-`, `[1,]`, `{"a":1,}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		got, bad := scan([]byte(text), wantedOfEvents)
		if bad != nil && strings.Contains(bad.message, "deep") {
			return
		}
		if valid := json.Valid([]byte(text)); valid != (bad == nil) {
			t.Fatalf("%q: JSON %t, taken %t", text, valid, bad == nil)
		}
		if bad != nil || repeated([]byte(text)) != "" || strings.Contains(text, "\\u") && len(text) > oddBytes {
			return // which of two equal names counts, and how long a text with escapes is, is told apart below only for what is written plainly
		}
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		var all any
		if err := dec.Decode(&all); err != nil {
			t.Fatal(err)
		}
		if want := pruned(all, wantedOfEvents); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, want %#v", text, got, want)
		}
	})
}

// pruned is what is wanted of a tree.
func pruned(v any, w *wanted) any {
	switch v := v.(type) {
	case map[string]any:
		var out map[string]any
		keep := func(k string, m any) {
			if out == nil {
				out = map[string]any{}
			}
			out[k] = m
		}
		for k, m := range v {
			if want := w.members[k]; want != nil {
				if text, ok := m.(string); want.odd && ok && text != "" && len(text) <= oddBytes && !strings.ContainsAny(text, "\\\"") {
					continue
				}
				keep(k, pruned(m, want))
			} else if w.names {
				keep(k, true)
			}
		}
		return out
	case []any:
		var out []any
		for _, m := range v {
			if w.items != nil {
				out = append(out, pruned(m, w.items))
			}
		}
		return out
	}
	return v
}
