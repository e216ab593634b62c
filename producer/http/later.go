package http

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Later says which of ev's input datasets, with assertions, the backend knows at a later time than ev's: an older result that is delivered now would stand
// beside a newer one (Marquez's dataset list shows the one that was delivered last). Empty if none, or if the backend can't tell: only Marquez can. The
// errors are those of Deliver.
//
// Marquez's times are those of events. The dataset's own is moved by every event that names it, so the answer is a hint, not a proof.
func (h *Destination) Later(ctx context.Context, ev openlineage.Event) (string, error) {
	if h.Backend() == "" {
		if err := h.Probe(ctx); err != nil {
			return "", err
		}
	}
	if h.Backend() != Marquez || !ev.Type.Terminal() {
		return "", nil
	}
	var event struct {
		EventTime time.Time `json:"eventTime"`
		Inputs    []struct{ Namespace, Name string }
	}
	if err := json.Unmarshal(ev.Body, &event); err != nil {
		return "", nil //nolint:nilerr // Deliver says what is wrong with it
	}
	for _, in := range event.Inputs {
		at, err := h.qualityAt(ctx, in.Namespace, in.Name)
		if err != nil {
			return "", err
		}
		if at.After(event.EventTime) {
			return fmt.Sprintf("the backend knows %s %s as of %s, later than this result of %s", in.Namespace, in.Name,
				at.UTC().Format(time.RFC3339), event.EventTime.UTC().Format(time.RFC3339)), nil
		}
	}
	return "", nil
}

// asked are answers about datasets that are a few seconds old: letters are many, their datasets few.
type asked struct {
	mu  sync.Mutex // guards all
	all map[[2]string]known
}

// known is as of when a dataset was known, at the time of the question.
type known struct{ asOf, at time.Time }

// qualityAge is how long an answer counts.
const qualityAge = 10 * time.Second

// qualityAt is as of when Marquez knows a dataset that has assertions; zero if it does not know one.
func (h *Destination) qualityAt(ctx context.Context, namespace, name string) (time.Time, error) {
	dataset := [2]string{namespace, name}
	h.asked.mu.Lock()
	k, ok := h.asked.all[dataset]
	h.asked.mu.Unlock()
	if ok && h.now().Sub(k.at) < qualityAge {
		return k.asOf, nil
	}
	asOf, err := h.askQuality(ctx, namespace, name)
	if err != nil {
		return time.Time{}, err
	}
	h.asked.mu.Lock()
	defer h.asked.mu.Unlock()
	if h.asked.all == nil || len(h.asked.all) > 10_000 {
		h.asked.all = make(map[[2]string]known)
	}
	h.asked.all[dataset] = known{asOf, h.now()}
	return asOf, nil
}

func (h *Destination) askQuality(ctx context.Context, namespace, name string) (time.Time, error) {
	target := h.base + "/api/v1/namespaces/" + url.PathEscape(namespace) + "/datasets/" + url.PathEscape(name)
	status, header, body, err := h.do(ctx, http.MethodGet, target, nil)
	if err != nil || status == http.StatusNotFound {
		return time.Time{}, err
	}
	if status != http.StatusOK {
		if f := classify(status, header, body, h.Backend(), true); f != nil {
			f.Kind = fault.Backend // a question that is refused is no event's fault
			return time.Time{}, h.redacted(f)
		}
		return time.Time{}, nil
	}
	var dataset struct {
		UpdatedAt time.Time                  `json:"updatedAt"`
		Facets    map[string]json.RawMessage `json:"facets"`
	}
	if err := json.Unmarshal(body, &dataset); err != nil || dataset.Facets["dataQualityAssertions"] == nil {
		return time.Time{}, nil //nolint:nilerr // an answer that can't be read tells nothing
	}
	return dataset.UpdatedAt, nil
}
