package dlq

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Exported is a letter as a line of text, to be mended by hand and imported. What goes back is Key, Value and Headers; the rest tells
// which letter it is and why it failed, and is not read again but for Letter.
type Exported struct {
	Letter      ExportedLetter    `json:"letter"`
	Source      *ExportedSource   `json:"source,omitempty"`
	System      deadletter.System `json:"system,omitempty"`
	Code        string            `json:"code,omitempty"`
	Disposition string            `json:"disposition,omitempty"`
	Error       string            `json:"error,omitempty"`
	Replays     int               `json:"replays,omitempty"`
	Key         Bytes             `json:"key"`
	Value       Bytes             `json:"value"`
	Headers     []ExportedHeader  `json:"headers,omitempty"`
}

// ExportedLetter says which letter it is.
type ExportedLetter struct {
	Topic   string `json:"topic"`
	TopicID string `json:"topic_id"`
	Position
}

// ExportedSource says where the record lay.
type ExportedSource struct {
	Topic string `json:"topic"`
	Position
	Timestamp time.Time `json:"timestamp"`
}

// ExportedHeader is one of the record's own headers.
type ExportedHeader struct {
	Key   string `json:"key"`
	Value Bytes  `json:"value"`
}

// Bytes are bytes in JSON: a string if they are UTF-8, else {"base64": "…"}, and null for none. On reading, any other object or an array stands for
// its own JSON, so that a result can be mended as what it is.
type Bytes []byte

// MarshalJSON writes text as text.
func (b Bytes) MarshalJSON() ([]byte, error) {
	switch {
	case b == nil:
		return []byte("null"), nil
	case utf8.Valid(b):
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		err := enc.Encode(string(b))
		return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
	}
	return json.Marshal(map[string]string{"base64": base64.StdEncoding.EncodeToString(b)})
}

// UnmarshalJSON reads what MarshalJSON writes, and JSON that stands for itself.
func (b *Bytes) UnmarshalJSON(in []byte) error {
	in = bytes.TrimSpace(in)
	switch in[0] {
	case 'n':
		*b = nil
		return nil
	case '"':
		var s string
		if err := json.Unmarshal(in, &s); err != nil {
			return err
		}
		*b = Bytes(s)
		return nil
	case '{':
		var o map[string]json.RawMessage
		if err := json.Unmarshal(in, &o); err != nil {
			return err
		}
		if coded, ok := o["base64"]; ok && len(o) == 1 {
			var raw []byte
			if err := json.Unmarshal(coded, &raw); err != nil {
				return errors.New("base64 is no base64")
			}
			*b = append(Bytes{}, raw...)
			return nil
		}
	case '[':
	default:
		return errors.New("neither a string, an object, an array nor null")
	}
	var out bytes.Buffer
	if err := json.Compact(&out, in); err != nil {
		return err
	}
	*b = out.Bytes()
	return nil
}

// Export is a letter as a line; original is the record that a reference letter is about, else nil.
func (t *Topic) Export(l *Letter, rec, original *kgo.Record) Exported {
	back := deadletter.Unwrapped(rec, original, l.Said, l.System)
	e := Exported{Letter: ExportedLetter{t.Name, t.ID, l.Position}, System: l.System, Code: l.Said.Code, Disposition: l.Said.Disposition,
		Error: l.Said.Error, Replays: l.Said.Replays, Key: back.Key, Value: back.Value}
	if l.Said.Topic != "" {
		e.Source = &ExportedSource{l.Said.Topic, l.Source(), l.Said.Timestamp}
	}
	for _, h := range back.Headers {
		e.Headers = append(e.Headers, ExportedHeader{h.Key, h.Value})
	}
	return e
}

// ParseExported reads a line. A key that it does not know is an error: a misspelt "value" would write a tombstone.
func ParseExported(line []byte) (Exported, error) {
	var e Exported
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return e, err
	}
	if dec.More() {
		return e, errors.New("more than one JSON value on the line")
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(line, &keys); err != nil {
		return e, err
	}
	for _, name := range []string{"letter", "key", "value"} {
		if _, ok := keys[name]; !ok {
			return e, fmt.Errorf("%q is missing", name)
		}
	}
	if e.Letter.Topic == "" || e.Letter.TopicID == "" || e.Letter.Partition < 0 || e.Letter.Offset < 0 {
		return e, errors.New("letter must have topic, topic_id, partition and offset, as exported")
	}
	return e, nil
}

// Record is a mended letter's record, to be written back.
func (e *Exported) Record(l *Letter) *kgo.Record {
	rec := &kgo.Record{Key: e.Key, Value: e.Value}
	for _, h := range e.Headers {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return deadletter.Replay(rec, rec, l.Said, l.System, l.First())
}
