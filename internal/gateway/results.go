package gateway

import (
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

const namespaceHeader = "openlineage-job-namespace"

// maxHeader bounds the value of a header that goes on to the record, in bytes.
const maxHeader = 4 << 10

// passedOn are the headers that the pipeline reads of a record, and the trace that it goes on with.
func passedOn() []string {
	return []string{namespaceHeader, "openlineage-job-name", "openlineage-context", "openlineage-parent-id", "openlineage-parent-run-id",
		"openlineage-parent-job-namespace", "openlineage-parent-job-name", "openlineage-root-parent-id", "openlineage-root-parent-run-id",
		"openlineage-root-parent-job-namespace", "openlineage-root-parent-job-name", "traceparent", "tracestate"}
}

// results takes a validation result, of every shape that the pipeline takes, with the headers that it reads.
func (g *Gateway) results(r *request) answer {
	n := parseFactor * int64(len(r.body))
	if err := g.parsing.Acquire(r.http.Context(), n); err != nil {
		return refusal(http.StatusBadRequest, codeCut, "the client went away", "")
	}
	rec, bad := g.result(r)
	g.parsing.Release(n)
	if bad != nil {
		return *bad
	}
	return written(g.write(r.hold, "results", []*kgo.Record{rec})[0])
}

func (g *Gateway) result(r *request) (*kgo.Record, *answer) {
	msg, err := g.cfg.Decode(r.body)
	if err != nil {
		return nil, undecoded(err)
	}
	defer msg.Release()
	rec := &kgo.Record{Topic: g.cfg.ResultsTopic, Value: r.body}
	for _, name := range passedOn() {
		value := r.http.Header.Get(name)
		if value == "" {
			continue
		}
		if len(value) > maxHeader || !utf8.ValidString(value) {
			return nil, invalid("the header "+name, "must be UTF-8 of at most 4 KiB", "")
		}
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	if bad := g.claimResult(rec, msg, r); bad != nil {
		return nil, bad
	}
	if bad := g.passed(msg); bad != nil {
		return nil, bad
	}
	if key := g.keyOf(msg); key != "" {
		rec.Key = []byte(key)
	}
	return rec, nil
}

// claimResult gives a result the token's job namespace, by the header that the pipeline reads. Events among results cannot be changed.
func (g *Gateway) claimResult(rec *kgo.Record, msg *gx.Message, r *request) *answer {
	if r.token == nil || r.token.Namespace == "" {
		return nil
	}
	if msg.Shape == gx.ShapeEvent {
		a := refusal(http.StatusForbidden, codeNamespace, "OpenLineage events: not with a token of one job namespace", "send them to /api/v1/lineage")
		return &a
	}
	own := []byte(r.token.Namespace)
	for i, h := range rec.Headers {
		if h.Key != namespaceHeader {
			continue
		}
		if string(h.Value) != r.token.Namespace && !g.cfg.Rewrite {
			return otherNamespace("the header " + namespaceHeader)
		}
		rec.Headers[i].Value = own
		return nil
	}
	rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: namespaceHeader, Value: own})
	return nil
}

// passed checks the OpenLineage events that came in place of results, as /api/v1/lineage does.
func (g *Gateway) passed(msg *gx.Message) *answer {
	for i := range msg.Events {
		if _, bad := g.event(msg.Events[i].Event, nil); bad != nil {
			return bad
		}
	}
	return nil
}

// keyOf is <datasource>.<asset>, or an event's key.
func (g *Gateway) keyOf(msg *gx.Message) string {
	if len(msg.Events) == 0 {
		return msg.Key()
	}
	if tree, bad := parse(msg.Events[0].Event); bad == nil {
		if ev, ok := tree.(map[string]any); ok {
			return keyOf(ev, kindOf(ev))
		}
	}
	return ""
}

// undecoded says why a body is no result, with its place.
func undecoded(err error) *answer {
	var d *gx.DecodeError
	if !errors.As(err, &d) {
		a := refusal(http.StatusInternalServerError, codeBug, "the body cannot be read", "")
		return &a
	}
	a := refusal(http.StatusUnprocessableEntity, codeResult, d.Error(), "")
	switch {
	case d.Code == "empty_value":
		a.status, a.code = http.StatusBadRequest, codeEmpty
	case strings.HasPrefix(d.Code, "invalid_"):
		a.status, a.code = http.StatusBadRequest, codeJSON
	}
	a.detail = d.Code
	return &a
}
