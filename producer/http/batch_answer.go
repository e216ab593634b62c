package http

import (
	"encoding/json"
	"net/http"
	"strings"

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

// judgeBatch says of each of n events what became of it, by a 2xx answer: nil for taken. Without a body, or with one that is no
// JSON, 2xx means what it means everywhere. A JSON body must vouch for every event: one that contradicts itself proves nothing,
// and all are sent again, which does no harm.
func judgeBatch(status int, header http.Header, body []byte, n int) []error {
	out := make([]error, n)
	if status == http.StatusNoContent || len(strings.TrimSpace(string(body))) == 0 || !isJSON(header) {
		return out
	}
	var a batchAnswer
	if err := json.Unmarshal(body, &a); err != nil {
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
		reason := cut(strings.Join(strings.Fields(f.Reason), " "), quoteLimit)
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
