package http

import (
	"encoding/json"
	"net/http"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// batchAnswer is the body of an answer to lineage/batch that is not 204 (OpenLineage.yml, /lineage/batch).
type batchAnswer struct {
	Status  string `json:"status"` // success or partial_success
	Summary struct {
		Failed int `json:"failed"`
	} `json:"summary"`
	FailedEvents *[]struct {
		Index     *int   `json:"index"`
		Reason    string `json:"reason"`
		Retriable bool   `json:"retriable"`
	} `json:"failed_events"`
}

// judgeBatch says of each of n events what became of it, by a 2xx answer: nil for taken. 204 and an answer of no bytes mean what 2xx
// means everywhere, and so does one that is no JSON. A JSON body must vouch for every event: one that was cut short or contradicts
// itself proves nothing, and all are sent again, which does no harm. redact takes secrets out of a reason.
func judgeBatch(got answer, n int, redact func(string) string) []error {
	out := make([]error, n)
	switch {
	case got.status == http.StatusNoContent, got.empty:
		return out
	case got.broken != nil, len(got.body) == 0:
		return everyone(out, unclearBatch("the backend's answer to a batch was cut short"))
	case !isJSON(got.header):
		return out
	}
	var a batchAnswer
	if err := json.Unmarshal(got.body, &a); err != nil {
		return everyone(out, unclearBatch("the backend's answer to a batch is no answer to a batch"))
	}
	named := 0
	if a.FailedEvents != nil {
		named = len(*a.FailedEvents)
	}
	if named == 0 {
		if a.Status == "partial_success" || a.Summary.Failed > 0 {
			return everyone(out, unclearBatch("the backend took a part of a batch and did not say which"))
		}
		return out
	}
	if a.Summary.Failed > named {
		return everyone(out, unclearBatch("the backend's answer to a batch names fewer failed events than it counts"))
	}
	for _, f := range *a.FailedEvents {
		if f.Index == nil || *f.Index < 0 || *f.Index >= n {
			return everyone(out, unclearBatch("the backend's answer to a batch names an event that was not in it"))
		}
		reason := cut(redact(clean(f.Reason)), quoteLimit)
		if f.Retriable {
			b := fault.BackendError("batch_retriable", "the backend did not take this event of a batch: %s", reason)
			b.Unclear = true
			out[*f.Index] = b
		} else {
			out[*f.Index] = fault.MessageError(fault.Rejected, "batch_rejected", "the backend refused this event of a batch: %s", reason)
		}
	}
	return out
}

func unclearBatch(text string) *fault.Error {
	f := fault.BackendError("batch_answer", "%s", text)
	f.Unclear = true
	f.Hint = "is transport.batch.endpoint an OpenLineage lineage/batch endpoint?"
	return f
}

// everyone gives all the same error.
func everyone(out []error, err error) []error {
	for i := range out {
		out[i] = err
	}
	return out
}
