package gx

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func TestPointerLeadsToTheResult(t *testing.T) {
	for name, c := range map[string]struct{ pointer, value, code string }{
		"a member":            {"/payload/result", `{"payload": {"id": 1, "result": ` + oneSuite + `}}`, ""},
		"an element":          {"/1/r", `[{}, {"r": ` + oneSuite + `}]`, ""},
		"a name with a slash": {"/a~1b/c~0d", `{"a/b": {"c~d": ` + oneSuite + `}}`, ""},
		"a string there":      {"/validation_details", `{"validation_details": ` + quoted(oneSuite) + `}`, ""},
		"an envelope there":   {"/x", `{"x": {"specversion": "1.0", "data": ` + oneSuite + `}}`, ""},
		"inside a string":     {"/x", quoted(`{"x": ` + oneSuite + `}`), ""},
		"a result without it": {"/payload", oneSuite, ""},
		"an event without it": {"/payload", oneEvent, ""},
		"leads nowhere":       {"/payload", `{"other": 1}`, "unknown_shape"},
		"not an index":        {"/01", `[{}, ` + oneSuite + `]`, "unknown_shape"},
		"no result there":     {"/x", `{"x": {"y": 1}}`, "unknown_shape"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := NewDecoder(c.pointer)
			if err != nil {
				t.Fatal(err)
			}
			_, err = d.Decode([]byte(c.value))
			var de *DecodeError
			code := ""
			if errors.As(err, &de) {
				code = de.Code
			}
			if code != c.code {
				t.Errorf("%v, want %q", err, c.code)
			}
		})
	}
}

func TestABadPointerIsRefused(t *testing.T) {
	for _, p := range []string{"payload", "/a~b", "/~", "#/a"} {
		if _, err := NewDecoder(p); err == nil {
			t.Errorf("%q was taken", p)
		}
	}
}

func TestDataOfACloudEventMayBeBase64(t *testing.T) {
	event := func(data string) []byte {
		return []byte(`{"specversion": "1.0", "type": "gx", "data_base64": "` + data + `"}`)
	}
	m, err := Decode(event(base64.StdEncoding.EncodeToString([]byte(oneSuite))))
	if err != nil || m.Shape != ShapeSuite {
		t.Fatal(m, err)
	}
	for data, code := range map[string]string{
		"§":    "invalid_base64",
		"////": "invalid_json",
		base64.StdEncoding.EncodeToString([]byte(`{"a":`)): "invalid_json",
	} {
		_, err := Decode(event(data))
		var de *DecodeError
		if !errors.As(err, &de) || de.Code != code || !strings.Contains(err.Error(), "data_base64") {
			t.Errorf("%s: %v, want %s", data, err, code)
		}
	}
}
