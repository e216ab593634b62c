package publish

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// Form makes records of documents.
type Form struct {
	Topic   string
	Key     string             // of every record; empty: <datasource>.<asset> of each
	Headers []kgo.RecordHeader // of every record
	Raw     bool               // what is no validation result too
	Decode  gx.Decoder         // finds the result in the document
}

// facts are what publishing must know of a document.
type facts struct {
	suite string    // of its first validation result
	run   time.Time // run_time, else the clock; zero if the document has no time
	clock time.Time // when the data was validated; zero if the document has no time
}

// Record is a document as a record, with its key and headers. A document that is no result is a *gx.DecodeError.
func (f *Form) Record(value []byte) (*kgo.Record, error) {
	rec, _, err := f.record(value)
	return rec, err
}

func (f *Form) record(value []byte) (*kgo.Record, facts, error) {
	rec := &kgo.Record{Topic: f.Topic, Value: value, Headers: append([]kgo.RecordHeader(nil), f.Headers...)}
	if f.Key != "" {
		rec.Key = []byte(f.Key)
	}
	msg, err := f.Decode.Decode(value)
	if err != nil {
		if f.Raw {
			return rec, facts{}, nil
		}
		return nil, facts{}, err
	}
	defer msg.Release()
	if key := mapper.KeyOf(msg); f.Key == "" && key != "" {
		rec.Key = []byte(key)
	}
	var of facts
	if len(msg.Validations) > 0 {
		of.suite = msg.Validations[0].Suite
	}
	of.run, of.clock = mapper.RunTimeOf(msg)
	return rec, of, nil
}

// received is the header with the time that stands in for a record's own, which is now: brokers delete records with old times or refuse them, and with now each
// publishing of a result that carries no time of its own would give another run id. A header that the operator gave stays.
func received(rec *kgo.Record, at time.Time) {
	for _, h := range rec.Headers {
		if h.Key == pipeline.HeaderReceived {
			return
		}
	}
	rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: pipeline.HeaderReceived, Value: fmt.Append(nil, at.UTC().Format(receivedLayout))})
}

const receivedLayout = "2006-01-02T15:04:05.000Z"
