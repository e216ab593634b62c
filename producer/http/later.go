package http

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Later says whether the backend knows a run of ev's job that ended later than ev: an older result that is delivered now would stand beside a
// newer one (Marquez's dataset list shows the one that was delivered last). Empty if none, or if the backend can't tell: only Marquez can. The
// errors are those of Deliver.
//
// The job's runs are asked and not the dataset: the time of a dataset is that of the event that was delivered last, so after one older delivery it would
// tell of no newer one. A run's end never goes back.
func (h *Destination) Later(ctx context.Context, ev openlineage.Event) (string, error) {
	if h.Backend() == "" {
		if err := h.Probe(ctx); err != nil {
			return "", err
		}
	}
	if h.Backend() != Marquez || !ev.Type.Terminal() {
		return "", nil
	}
	var event terminalEvent
	if err := json.Unmarshal(ev.Body, &event); err != nil {
		return "", nil //nolint:nilerr // Deliver says what is wrong with it
	}
	namespace, name := event.jobInMarquez()
	at, err := h.endedAt(ctx, namespace, name)
	if err != nil || !at.After(event.EventTime) {
		return "", err
	}
	return fmt.Sprintf("the backend knows a run of %s %s that ended at %s, later than this result of %s", namespace, name,
		at.UTC().Format(time.RFC3339), event.EventTime.UTC().Format(time.RFC3339)), nil
}

// terminalEvent is what must be known of an event to ask for later ones.
type terminalEvent struct {
	EventTime time.Time `json:"eventTime"`
	Job       jobID
	Run       struct {
		Facets struct {
			Parent struct{ Job jobID } `json:"parent"`
		}
	}
}

type jobID struct{ Namespace, Name string }

// notInNamespace is what Marquez writes as _ in a job's namespace.
var notInNamespace = regexp.MustCompile(`[^A-Za-z0-9:/_\-.@+]`)

// jobInMarquez is how Marquez calls the job: a parent's name stands before it.
func (e *terminalEvent) jobInMarquez() (namespace, name string) {
	name = e.Job.Name
	if p := e.Run.Facets.Parent.Job.Name; p != "" && !strings.HasPrefix(name, p+".") {
		name = p + "." + name
	}
	return notInNamespace.ReplaceAllString(e.Job.Namespace, "_"), name
}

// asked are answers about jobs that are a few seconds old: letters are many, their jobs few.
type asked struct {
	mu  sync.Mutex // guards all
	all map[jobID]known
}

// known is the end of a job's latest run, and the time of the question.
type known struct{ ended, at time.Time }

// askedAge is how long an answer counts.
const askedAge = 10 * time.Second

// endedAt is when the latest run of a job ended; zero if Marquez knows none.
func (h *Destination) endedAt(ctx context.Context, namespace, name string) (time.Time, error) {
	job := jobID{namespace, name}
	h.asked.mu.Lock()
	k, ok := h.asked.all[job]
	h.asked.mu.Unlock()
	if ok && h.now().Sub(k.at) < askedAge {
		return k.ended, nil
	}
	ended, err := h.askJob(ctx, job)
	if err != nil {
		return time.Time{}, err
	}
	h.asked.mu.Lock()
	defer h.asked.mu.Unlock()
	if h.asked.all == nil || len(h.asked.all) > 10_000 {
		h.asked.all = make(map[jobID]known)
	}
	h.asked.all[job] = known{ended, h.now()}
	return ended, nil
}

// below is a url below the base, of parts that may hold slashes.
func (h *Destination) below(known string, parts ...string) *url.URL {
	u := h.base.JoinPath(known)
	raw := u.EscapedPath()
	for _, p := range parts {
		u.Path += "/" + p
		raw += "/" + url.PathEscape(p)
	}
	u.RawPath = raw
	return u
}

func (h *Destination) askJob(ctx context.Context, job jobID) (latest time.Time, err error) {
	a, err := h.do(ctx, http.MethodGet, h.below("api/v1/namespaces", job.Namespace, "jobs", job.Name), nil, answerLimit)
	if err != nil || a.status == http.StatusNotFound {
		return time.Time{}, err
	}
	if a.status != http.StatusOK {
		if f := h.faultOf(a, nil); f != nil {
			f.Kind = fault.Backend // a question that is refused is no event's fault
			return time.Time{}, f
		}
		return time.Time{}, nil
	}
	var answer struct {
		LatestRuns []struct {
			EndedAt time.Time `json:"endedAt"`
		} `json:"latestRuns"`
	}
	if err := json.Unmarshal(a.body, &answer); err != nil {
		return time.Time{}, nil //nolint:nilerr // an answer that can't be read tells nothing
	}
	for _, run := range answer.LatestRuns {
		if run.EndedAt.After(latest) {
			latest = run.EndedAt
		}
	}
	return latest, nil
}
