package openlineage

import (
	"encoding/json"
	"strings"
	"testing"
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
