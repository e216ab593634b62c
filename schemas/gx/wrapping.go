package gx

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
)

// What a compressed value may become: results of many rows shrink to a twentieth, and more than a bomb needs is never made.
const (
	maxInflated   = 32 << 20
	inflatedTimes = 200
)

// unwrap takes off what producers put around JSON: gzip, and the framings of schema registries. base is where the text begins in the value, or -1
// where it is no part of it. What is not known stays, for the reading to say what it is.
func unwrap(value []byte) (text []byte, base int, err *DecodeError) {
	text = value
	for range 2 { // a frame around gzip, or the other way round
		switch n := frame(text); {
		case n > 0 && text[0] == 3 && text[1] == glueZlib:
			text, err = inflate(text[n:], "zlib", func(r io.Reader) (io.ReadCloser, error) { return zlib.NewReader(r) })
			base = -1
		case n > 0:
			if text = text[n:]; base >= 0 {
				base += n
			}
		case isGzip(text):
			text, err = inflate(text, "gzip", func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) })
			base = -1
		default:
			return text, base, nil
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return text, base, nil
}

func isGzip(b []byte) bool { return len(b) > 2 && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8 }

const glueZlib = 5 // AWS Glue's byte for a payload that is compressed

// frame is the length of a schema registry's header: a zero byte and the schema's id, of four bytes (Confluent, and Apicurio as it is set now) or of
// eight (Apicurio as it was); or Glue's version, compression and UUID. 0: none.
func frame(b []byte) int {
	const confluent, apicurio, glue = 5, 9, 18
	switch {
	case len(b) > confluent && b[0] == 0:
		if !beginsJSON(b[confluent:]) && len(b) > apicurio && beginsJSON(b[apicurio:]) {
			return apicurio
		}
		return confluent
	case len(b) > glue && b[0] == 3 && (b[1] == 0 || b[1] == glueZlib):
		return glue
	}
	return 0
}

// beginsJSON reports whether a document that may be a message begins here.
func beginsJSON(b []byte) bool {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(b) > 0 && (b[0] == '{' || b[0] == '[' || b[0] == '"')
}

func inflate(b []byte, kind string, open func(io.Reader) (io.ReadCloser, error)) ([]byte, *DecodeError) {
	most := min(maxInflated, inflatedTimes*len(b)+1<<10)
	r, err := open(bytes.NewReader(b))
	var out []byte
	if err == nil {
		out, err = io.ReadAll(io.LimitReader(r, int64(most)+1))
	}
	switch {
	case err != nil:
		return nil, &DecodeError{Code: "invalid_json", Offset: -1, Reason: "the value is " + kind + " that cannot be read to its end"}
	case len(out) > most:
		return nil, &DecodeError{Code: "oversize", Offset: -1, Reason: "the value is " + kind + " that inflates to more than 32 MiB, or 200 times its size"}
	}
	return out, nil
}

// looks says what bytes that are no JSON look like, "" if like nothing in particular: an operator then knows what to mend.
func looks(value, text []byte) string {
	begins := func(b []byte, prefixes ...string) bool {
		for _, p := range prefixes {
			if bytes.HasPrefix(b, []byte(p)) {
				return true
			}
		}
		return false
	}
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case begins(value, "\xff\xfe", "\xfe\xff") || len(text) > 3 && (text[0] == 0) != (text[1] == 0) && (text[0] == 0) == (text[2] == 0) && (text[1] == 0) == (text[3] == 0):
		return "UTF-16: JSON is UTF-8"
	case begins(text, "\x28\xb5\x2f\xfd"):
		return "zstd: compress with the producer's compression.type, which Kafka takes off again"
	case begins(text, "\x04\x22\x4d\x18"):
		return "lz4: compress with the producer's compression.type, which Kafka takes off again"
	case begins(text, "\x82SNAPPY", "\xff\x06\x00\x00sNaPpY"):
		return "snappy: compress with the producer's compression.type, which Kafka takes off again"
	case begins(text, "\x78\x01", "\x78\x9c", "\x78\xda"):
		return "zlib: compress with the producer's compression.type, which Kafka takes off again"
	case begins(text, "\xac\xed\x00\x05"):
		return "a serialised Java object: the producer needs a serializer of text or bytes"
	case begins(text, "\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"):
		return "a Python pickle: json.dumps gives JSON"
	case begins(trimmed, "{'", "[{'", "(", "OrderedDict(", "b'", `b"`, "ValidationResult", "CheckpointResult"):
		return "Python's repr, as str() gives it: json.dumps gives JSON"
	case begins(trimmed, "{") && (bytes.Contains(trimmed, []byte(": True")) || bytes.Contains(trimmed, []byte(": False")) || bytes.Contains(trimmed, []byte(": None"))):
		return "Python's repr, as str() gives it: json.dumps gives JSON"
	case begins(text, "PK\x03\x04"):
		return "a zip archive"
	case begins(trimmed, "<"):
		return "XML or HTML"
	case frame(value) > 0 && !beginsJSON(text):
		return "a schema registry's framing around Avro or Protobuf: use its JSON Schema serializer, or no registry"
	}
	return ""
}

// described adds to the error what the value looks like, where it is not read from its first bytes on.
func described(err *DecodeError, value, text []byte) *DecodeError {
	if err == nil || err.Code != "invalid_json" {
		return err
	}
	if what := looks(value, text); what != "" && !strings.Contains(err.Reason, "looks like") {
		err.Reason += "; it looks like " + what
	}
	return err
}
