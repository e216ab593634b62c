package dlq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Listed is a letter as a list has it.
type Listed struct {
	Letter      string            `json:"letter"` // partition/offset
	State       State             `json:"state"`
	FailedAt    time.Time         `json:"failed_at"`
	System      deadletter.System `json:"system,omitempty"`
	Disposition string            `json:"disposition,omitempty"`
	Code        string            `json:"code"`
	Stage       string            `json:"stage,omitempty"`
	Error       string            `json:"error"`
	SourceTopic string            `json:"source_topic,omitempty"`
	Source      string            `json:"source,omitempty"` // partition/offset
	Group       string            `json:"group,omitempty"`
	Key         string            `json:"key"`
	Bytes       int               `json:"bytes"`
	Attempts    int               `json:"attempts"`
	Replays     int               `json:"replays"`
	Reference   string            `json:"reference,omitempty"`
	Settled     *Entry            `json:"settled,omitempty"`
	Fault       string            `json:"fault,omitempty"` // what of its headers could not be read
}

// List is the letter as a list has it.
func List(l *Letter) Listed {
	out := Listed{Letter: l.String(), State: l.State, FailedAt: l.GivenUp().UTC(), System: l.System, Disposition: l.Said.Disposition, Code: l.Said.Code,
		Stage: l.Said.Stage, Error: l.Said.Error, SourceTopic: l.Said.Topic, Group: l.Said.Group, Key: string(l.Key), Bytes: l.Bytes,
		Attempts: l.Said.Attempts, Replays: l.Said.Replays, Reference: l.Said.Reference, Fault: l.Fault}
	if l.Said.Partition >= 0 {
		out.Source = l.Source().String()
	}
	if l.Entry.State != "" {
		entry := l.Entry
		out.Settled = &entry
	}
	return out
}

// Shown is all there is to say of a letter.
type Shown struct {
	Listed
	Timestamp time.Time `json:"timestamp"` // of the source record
	Part      string    `json:"part,omitempty"`
	Advice    string    `json:"advice"`
	History   []Listed  `json:"history,omitempty"` // the letters about the same record, oldest first, if there are several
	Headers   []Header  `json:"headers"`           // the record's own
	Original  string    `json:"original,omitempty"`
	Value     string    `json:"value"`

	letter *Letter // a copy
}

// Header is one of a record's headers, as text; a binary value is told by its size.
type Header struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Show says of a letter what the index knows; Topic.Fill adds what the topic does. nil: there is no such letter.
func (ix *Index) Show(at Position) *Shown {
	l := ix.At(at)
	if l == nil {
		return nil
	}
	copied := *l
	s := &Shown{Listed: List(l), Advice: Advice(l), letter: &copied}
	if l.Batch != nil {
		s.Value = "(not read)"
		return s
	}
	s.Timestamp, s.Part = l.Said.Timestamp.UTC(), l.Said.Part
	if letters := ix.History(l); len(letters) > 1 {
		for _, other := range letters {
			s.History = append(s.History, List(other))
		}
	}
	return s
}

// Fill reads the letter, and the record that it refers to. raw shows the value as it is, row values and all; else it is Masked. A batch that is not read says
// so already, and is not read here either.
func (t *Topic) Fill(ctx context.Context, s *Shown, raw bool) error {
	l := s.letter
	if l.Batch != nil {
		return nil //nolint:nilerr // the batch says why it is not read; this did not fail
	}
	rec, err := t.Record(ctx, l.Position)
	if err != nil {
		return err
	}
	if rec == nil {
		return fmt.Errorf("letter %s of %s was deleted by retention just now", l.Position, t.Name)
	}
	value := rec.Value
	if l.Said.Reference != "" {
		original, err := t.Original(ctx, l)
		large, ok := errors.AsType[*ranges.LargeBatch](err)
		switch {
		case ok:
			s.Original = large.Error()
		case err != nil:
			return err
		case original == nil:
			s.Original = "not retained any more"
		default:
			value, s.Original = original.Value, "read from its topic"
		}
	}
	for _, h := range deadletter.Unwrapped(rec, nil, l.Said, l.System).Headers {
		s.Headers = append(s.Headers, Header{h.Key, headerText(h)})
	}
	s.Value = Masked(value)
	if raw {
		s.Value = plain(value)
	}
	return nil
}

// headerText is a header's value: binary ones by their size.
func headerText(h kgo.RecordHeader) string {
	if !utf8.Valid(h.Value) {
		return fmt.Sprintf("‹%d bytes›", len(h.Value))
	}
	return string(h.Value)
}

// plain is a value as it is, indented if it is JSON.
func plain(value []byte) string {
	var doc json.RawMessage
	if json.Unmarshal(value, &doc) == nil {
		if out, err := json.MarshalIndent(doc, "", "  "); err == nil {
			return string(out)
		}
	}
	if value == nil {
		return Masked(nil)
	}
	return strings.ToValidUTF8(string(value), "�")
}
