package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// outcome is the body of an answer to a batch (OpenLineage.yml, /lineage/batch).
type outcome struct {
	Status  string   `json:"status"`
	Summary summary  `json:"summary"`
	Failed  []failed `json:"failed_events"`
}

type summary struct {
	Received     int `json:"received"`
	Successful   int `json:"successful"`
	Failed       int `json:"failed"`
	Retriable    int `json:"retriable"`
	NonRetriable int `json:"non_retriable"`
}

type failed struct {
	Index     int    `json:"index"`
	Code      string `json:"code"`
	Reason    string `json:"reason"`
	Retriable bool   `json:"retriable"`
}

// batch takes an array of events, or {"events": […]}. Each has its own outcome: 204 if the brokers have all, else 200 with those that
// failed, and 503 if they have none and all may be sent again.
func (g *Gateway) batch(r *request) answer {
	n := parseFactor * int64(len(r.body))
	if err := g.parsing.Acquire(r.http.Context(), n); err != nil {
		return refusal(http.StatusBadRequest, codeCut, "the client went away", "")
	}
	recs, at, answers, bad := g.events(r)
	g.parsing.Release(n)
	if bad != nil {
		return *bad
	}
	for i, err := range g.write(r.hold, "events", recs) {
		answers[at[i]] = written(err)
	}
	return judge(answers)
}

// events makes records of those events of a batch that can be taken; at says which event each is of, answers has what the others get.
func (g *Gateway) events(r *request) (recs []*kgo.Record, at []int, answers []answer, bad *answer) {
	all, bad := g.split(r.body)
	if bad != nil {
		return nil, nil, nil, bad
	}
	answers = make([]answer, len(all))
	for i, body := range all {
		rec, bad := g.event(body, r.token)
		if bad != nil {
			answers[i] = *bad
			continue
		}
		recs, at = append(recs, rec), append(at, i)
	}
	return recs, at, answers, nil
}

func (g *Gateway) split(body []byte) ([]json.RawMessage, *answer) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, bom))
	if len(body) == 0 {
		a := refusal(http.StatusBadRequest, codeEmpty, "the body is empty", "")
		return nil, &a
	}
	if !utf8.Valid(body) {
		return nil, noJSON("a byte that is not UTF-8", -1)
	}
	if _, bad := scan(body, nil); bad != nil {
		return nil, bad
	}
	var all []json.RawMessage
	if body[0] == '{' {
		var wrapped map[string]json.RawMessage
		if json.Unmarshal(body, &wrapped) == nil {
			body = wrapped["events"]
		}
	}
	if len(body) == 0 || body[0] != '[' || json.Unmarshal(body, &all) != nil {
		return nil, invalid("the body", "must be an array of OpenLineage events", "one event goes to /api/v1/lineage")
	}
	if len(all) > g.cfg.MaxBatchEvents {
		a := refusal(http.StatusRequestEntityTooLarge, codeTooLarge, fmt.Sprintf("more than %d events", g.cfg.MaxBatchEvents), "send fewer at once")
		return nil, &a
	}
	return all, nil
}

func judge(answers []answer) answer {
	o := outcome{Status: "partial_success", Summary: summary{Received: len(answers)}, Failed: []failed{}}
	for i, a := range answers {
		if a.status == http.StatusCreated {
			o.Summary.Successful++
			continue
		}
		o.Summary.Failed++
		if a.retriable() {
			o.Summary.Retriable++
		} else {
			o.Summary.NonRetriable++
		}
		o.Failed = append(o.Failed, failed{i, a.code, a.message, a.retriable()})
	}
	switch {
	case o.Summary.Failed == 0:
		return answer{status: http.StatusNoContent, code: codeTaken}
	case o.Summary.Retriable == len(answers):
		return unavailable() // clients that do not read outcomes send it again too
	}
	return answer{status: http.StatusOK, code: codePartial, body: o}
}
