package openlineage

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestEveryTextIsValidJSONWithoutNul(t *testing.T) {
	for in, want := range map[string]string{
		"plain <b> & \u2028": "plain <b> & \u2028", "nul\x00": "nul", "\xffx": "\ufffdx", "q\"\\\n\t\r\x01": "q\"\\\n\t\r\x01", "\U0001F600": "\U0001F600",
	} {
		var e Encoder
		e.Open('[')
		e.String(in)
		e.Close(']')
		var got []string
		if err := json.Unmarshal(e.Bytes(), &got); err != nil || got[0] != want {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
		if strings.Contains(string(e.Bytes()), nul) || strings.Contains(string(e.Bytes()), `\u003c`) {
			t.Errorf("%q: %s", in, e.Bytes())
		}
	}
}

func TestRawLosesOnlyNuls(t *testing.T) {
	for in, want := range map[string]string{
		`["a\u0000b"]`: `["ab"]`, `["a\\u0000b"]`: `["a\\u0000b"]`, `["a\\\u0000b"]`: `["a\\b"]`, `["\u00001"]`: `["1"]`, `1.50`: `1.50`,
	} {
		var e Encoder
		e.Raw([]byte(in))
		if got := string(e.Bytes()); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestRunKeyTakesTheOutermostJob(t *testing.T) {
	root, parent, own := Job{"r", "root"}, Job{"p", "parent"}, Job{"o", "own"}
	for want, got := range map[string]string{
		"run:r/root": RunKey(root, parent, own), "run:p/parent": RunKey(Job{}, parent, own), "run:o/own": RunKey(Job{}, Job{}, own),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// What encoding/json reads back of a text is the text without U+0000 and with U+FFFD for what is no UTF-8.
func FuzzEncoder(f *testing.F) {
	for _, s := range []string{"", "plain text of some length", "caf\u00e9 \u2028 \U0001F600", "q\"\\\n\t\r\x01\x1f\x7f", "nul\x00nul", "12345678\x00", "\xff\xfe", "seven..\"", "\x80\x80\x80\x80\x80\x80\x80\x80"} {
		f.Add(s, "key")
		f.Add("value", s)
	}
	f.Fuzz(func(t *testing.T, s, key string) {
		var e Encoder
		e.Open('{')
		e.Key(key)
		e.String(s)
		e.Close('}')
		clean := func(s string) string { return strings.ReplaceAll(string([]rune(s)), "\x00", "") }
		var got map[string]string
		if err := json.Unmarshal(e.Bytes(), &got); err != nil || got[clean(key)] != clean(s) {
			t.Fatalf("%q: %q came back as %q, %v", key, s, got, err)
		}
		var limited Encoder
		limited.Limit(8)
		limited.Texts(s, key, s)
		limited.Raw([]byte(`"raw"`))
		if n := len(limited.Bytes()); limited.Over() != (n > 8) || n > 8+2*len(s)*6+len(key)*6+8 {
			t.Fatalf("%d bytes, over %v", n, limited.Over())
		}
	})
}

func TestAnEncoderStopsAtItsLimit(t *testing.T) {
	var e Encoder
	e.Limit(1000)
	e.Open('[')
	for range 1_000_000 {
		e.String(strings.Repeat("a", 100))
		e.Raw([]byte(`"raw"`))
	}
	if n := len(e.Bytes()); !e.Over() || n > 4<<20 {
		t.Errorf("%d bytes, over %v", n, e.Over())
	}
	e.Reset(0)
	e.String("again")
	if got := string(e.Bytes()); got != `"again"` || e.Over() {
		t.Errorf("%s, over %v", got, e.Over())
	}
}

func TestTimesAreWrittenAsTheLayoutSays(t *testing.T) {
	for _, at := range []time.Time{
		{}, time.Unix(0, 0), time.Date(2026, 11, 23, 6, 5, 4, 3_002_001, time.FixedZone("", 3600)), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(7, 1, 1, 0, 0, 0, 10_000, time.UTC),
	} {
		var e Encoder
		e.Time("t", at)
		if want := `"t":` + at.UTC().Format(`"2006-01-02T15:04:05.000000Z"`); string(e.Bytes()) != want {
			t.Errorf("%s, want %s", e.Bytes(), want)
		}
	}
}
