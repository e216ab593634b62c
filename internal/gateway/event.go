package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

var bom = []byte("\xef\xbb\xbf")

// maxDepth bounds how deep an event nests: far above any real one, and below what readers of it may stand.
const maxDepth = 200

// lineage takes one event.
func (g *Gateway) lineage(r *request) answer {
	ctx, n := r.http.Context(), parseFactor*int64(len(r.body))
	if err := g.parsing.Acquire(ctx, n); err != nil {
		return refusal(http.StatusBadRequest, codeCut, "the client went away", "")
	}
	rec, bad := g.event(r.body, r.token)
	g.parsing.Release(n)
	if bad != nil {
		return *bad
	}
	return written(g.write(r.hold, "events", []*kgo.Record{rec})[0])
}

// event makes a record of an event, or says what is wrong with it.
func (g *Gateway) event(body []byte, token *Token) (*kgo.Record, *answer) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, bom))
	tree, bad := parse(body)
	if bad != nil {
		return nil, bad
	}
	ev, ok := tree.(map[string]any)
	if !ok {
		return nil, invalid("", "must be an object: one OpenLineage event", "several events go to /api/v1/lineage/batch")
	}
	kind := kindOf(ev)
	if place, rule := check(ev, kind); rule != "" {
		return nil, invalid(place, rule, "")
	}
	guarded := ev
	if bytes.Contains(body, []byte(`\u0000`)) { // the guard says where, wherever it stands
		if guarded, bad = whole(body); bad != nil {
			return nil, bad
		}
	}
	if why := g.cfg.Unsafe(guarded, body); why != "" {
		a := refusal(http.StatusUnprocessableEntity, codeUnsafe, why, "it would break a backend for everybody")
		return nil, &a
	}
	if token != nil && token.Namespace != "" && kind != "DatasetEvent" {
		if body, bad = g.claim(ev, body, token); bad != nil {
			return nil, bad
		}
	}
	rec := &kgo.Record{Topic: g.cfg.EventsTopic, Value: body, Key: []byte(g.cfg.MessageKey)}
	if g.cfg.MessageKey == "" {
		rec.Key = []byte(keyOf(ev, kind))
	}
	return rec, nil
}

// claim gives an event the token's job namespace, or refuses it for another one.
func (g *Gateway) claim(ev map[string]any, body []byte, token *Token) ([]byte, *answer) {
	// Readers differ in which of two equal keys they take: such an event could be of one namespace here and of another there.
	if place := repeated(body); place != "" {
		return nil, invalid(place, "stands there twice", "")
	}
	job, _ := ev["job"].(map[string]any)
	if job["namespace"] == token.Namespace {
		return body, nil
	}
	if !g.cfg.Rewrite {
		return nil, otherNamespace("job.namespace")
	}
	job["namespace"] = token.Namespace // for the key
	all, bad := whole(body)
	if bad != nil {
		return nil, bad
	}
	if job, ok := all["job"].(map[string]any); ok {
		job["namespace"] = token.Namespace
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(all); err != nil {
		a := refusal(http.StatusInternalServerError, codeBug, "the event cannot be written again", "")
		return nil, &a
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// parse reads of one JSON text what is looked at: keys as they are, since readers of events do not take them in any case as encoding/json
// does for a struct.
func parse(body []byte) (any, *answer) {
	if len(body) == 0 {
		a := refusal(http.StatusBadRequest, codeEmpty, "the body is empty", "")
		return nil, &a
	}
	if !utf8.Valid(body) {
		return nil, noJSON("a byte that is not UTF-8", -1)
	}
	return scan(body, wantedOfEvents)
}

func noJSON(why string, offset int64) *answer {
	if offset >= 0 {
		why += " (byte " + strconv.FormatInt(offset, 10) + ")"
	}
	a := refusal(http.StatusBadRequest, codeJSON, "not taken: "+why, "")
	return &a
}

func invalid(place, rule, hint string) *answer {
	if place == "" {
		place = "the event"
	}
	a := refusal(http.StatusUnprocessableEntity, codeEvent, place+": "+rule, hint)
	return &a
}

// repeated is the place of a key that stands twice in its object; empty if there is none.
func repeated(body []byte) string {
	dec := json.NewDecoder(bytes.NewReader(body))
	type level struct {
		seen map[string]bool // nil: an array
		key  bool            // a key comes next
	}
	var stack []level
	for {
		tok, err := dec.Token()
		if err != nil {
			return "" // the end; it was parsed before
		}
		top := len(stack) - 1
		switch tok {
		case json.Delim('{'):
			stack = append(stack, level{seen: map[string]bool{}, key: true})
			continue
		case json.Delim('['):
			stack = append(stack, level{})
			continue
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:top]
			top--
		default:
			if name, ok := tok.(string); ok && top >= 0 && stack[top].key {
				if stack[top].seen[name] {
					return "byte " + strconv.FormatInt(dec.InputOffset(), 10) + ": a key"
				}
				stack[top].seen[name] = true
				stack[top].key = false
				continue
			}
		}
		if top >= 0 && stack[top].seen != nil {
			stack[top].key = true // a value has ended
		}
	}
}
