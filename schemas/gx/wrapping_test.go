package gx

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
)

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zlibbed(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

const (
	glueHeader = "0123456789abcdef"
	apicurioID = "\x00\x00\x00\x00\x00\x00\x00\x00\x2a"
)

func TestWhatProducersPutAroundJSONIsTakenOff(t *testing.T) {
	for name, value := range map[string]string{
		"gzip":                  gzipped(oneSuite),
		"Confluent":             "\x00\x00\x00\x00\x07" + oneSuite,
		"Confluent and a BOM":   "\x00\x00\x00\x00\x07\xef\xbb\xbf" + oneSuite,
		"Apicurio, eight bytes": apicurioID + oneSuite,
		"Glue":                  "\x03\x00" + glueHeader + oneSuite,
		"Glue, compressed":      "\x03\x05" + glueHeader + zlibbed(oneSuite),
		"Confluent around gzip": "\x00\x00\x00\x00\x07" + gzipped(oneSuite),
		"gzip around Confluent": gzipped("\x00\x00\x00\x00\x07" + oneSuite),
	} {
		msg, err := Decode([]byte(value))
		if err != nil || msg.Shape != ShapeSuite {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALetterSaysWhatItsBytesLookLike(t *testing.T) {
	wide := func(order func(u uint16) []byte) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(oneSuite)) {
			b = append(b, order(u)...)
		}
		return string(b)
	}
	little, big := func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }, func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} }
	for name, c := range map[string]struct{ value, code, says string }{
		"UTF-16 with a mark":     {"\xff\xfe" + wide(little), "invalid_json", "UTF-16"},
		"UTF-16 without a mark":  {wide(little), "invalid_json", "UTF-16"},
		"UTF-16, big endian":     {"\xfe\xff" + wide(big), "invalid_json", "UTF-16"},
		"a dict":                 {`{'success': True, 'results': []}`, "invalid_json", "Python's repr"},
		"a dict in a list":       {`[{'success': True}]`, "invalid_json", "Python's repr"},
		"one with an apostrophe": {`{"it's": True}`, "invalid_json", "Python's repr"},
		"bytes":                  {`b'{"success": true}'`, "invalid_json", "Python's repr"},
		"a pickle":               {"\x80\x04\x95\x00\x00", "invalid_json", "pickle"},
		"Avro in a frame":        {"\x00\x00\x00\x00\x07\x02\x06abc", "invalid_json", "schema registry"},
		"Avro in Glue's frame":   {"\x03\x00" + glueHeader + "\x02\x06abc", "invalid_json", "schema registry"},
		"zstd":                   {"\x28\xb5\x2f\xfd\x00\x00", "invalid_json", "zstd"},
		"HTML":                   {"<html></html>", "invalid_json", "HTML"},
		"cut gzip":               {gzipped(oneSuite)[:20], "invalid_json", "gzip that cannot be read"},
		"a bomb":                 {gzipped(strings.Repeat(" ", 4<<20)), "oversize", "inflates"},
		"what is JSON":           {`{"a": 1`, "invalid_json", ""},
		"gzip of what is none":   {gzipped(`{"a": `), "invalid_json", ""},
	} {
		_, err := Decode([]byte(c.value))
		var de *DecodeError
		if !errors.As(err, &de) || de.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
			continue
		}
		if !strings.Contains(de.Error(), c.says) || c.says == "" && strings.Contains(de.Error(), "looks") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzUnwrap looks at whatever bytes: no panic, and no more memory than is allowed.
func FuzzUnwrap(f *testing.F) {
	for _, s := range []string{"", "\x00", "\x03\x05" + glueHeader, gzipped(oneSuite), apicurioID + oneSuite, "\x03\x05" + glueHeader + zlibbed(oneSuite)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		text, base, err := unwrap(value)
		if err != nil {
			return
		}
		if base >= 0 && !bytes.Equal(value[base:], text) || len(text) > maxInflated {
			t.Errorf("%d bytes at %d of %d", len(text), base, len(value))
		}
		_ = looks(value, text)
	})
}
