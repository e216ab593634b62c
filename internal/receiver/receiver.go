// Package receiver is the OpenLineage backend inside `gx-ol dev`: it takes events over HTTP and hands on what a person
// wants to read of them. It stores nothing.
package receiver

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
)

// maxBody bounds one event, unpacked.
const maxBody = 32 << 20

// Event is what is shown of an event.
type Event struct {
	Type       string // eventType
	RunID      string
	Job        string // namespace and name, joined by a slash
	Datasets   []string
	Assertions []Assertion
	Error      string // of the errorMessage run facet
}

// Assertion is one check of a dataset.
type Assertion struct {
	Assertion, Column, Expected, Actual, Severity string
	Success                                       bool
}

type wire struct {
	EventType string `json:"eventType"`
	EventTime string `json:"eventTime"`
	Producer  string `json:"producer"`
	Run       *struct {
		RunID  string `json:"runId"`
		Facets struct {
			ErrorMessage struct {
				Message string `json:"message"`
			} `json:"errorMessage"`
		} `json:"facets"`
	} `json:"run"`
	Job *struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"job"`
	Inputs []struct {
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		InputFacets struct {
			Assertions struct {
				Assertions []Assertion `json:"assertions"`
			} `json:"dataQualityAssertions"`
		} `json:"inputFacets"`
	} `json:"inputs"`
}

// Parse reads an event. missing names the required keys that it lacks, as a backend would.
func Parse(body []byte) (ev Event, missing []string, err error) {
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		return ev, nil, fmt.Errorf("reading the event: %w", err)
	}
	for _, key := range []struct {
		name string
		ok   bool
	}{{"eventTime", w.EventTime != ""}, {"run", w.Run != nil && w.Run.RunID != ""}, {"job", w.Job != nil}, {"producer", w.Producer != ""}} {
		if !key.ok {
			missing = append(missing, key.name+" must not be null")
		}
	}
	if missing != nil {
		return ev, missing, nil
	}
	ev = Event{Type: w.EventType, RunID: w.Run.RunID, Job: w.Job.Namespace + "/" + w.Job.Name, Error: w.Run.Facets.ErrorMessage.Message}
	for _, in := range w.Inputs {
		ev.Datasets = append(ev.Datasets, in.Namespace+" "+in.Name)
		ev.Assertions = append(ev.Assertions, in.InputFacets.Assertions.Assertions...)
	}
	return ev, nil, nil
}

// New is the backend's handler. took is called for each event taken, one call at a time a request. It is for this machine alone: a web page that somebody looks
// at here can post to it too, but neither as JSON without asking first, nor under the name of this machine.
func New(took func(Event)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"namespaces": []map[string]string{{"name": "default"}}})
	})
	mux.HandleFunc("POST /api/v1/lineage", func(w http.ResponseWriter, r *http.Request) {
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			answer(w, http.StatusUnsupportedMediaType, map[string]any{"code": 415, "message": "the Content-Type must be application/json"})
			return
		}
		body, err := read(w, r)
		if err != nil {
			answer(w, http.StatusBadRequest, map[string]any{"code": 400, "message": err.Error()})
			return
		}
		ev, missing, err := Parse(body)
		switch {
		case err != nil:
			answer(w, http.StatusBadRequest, map[string]any{"code": 400, "message": err.Error()})
		case missing != nil:
			answer(w, http.StatusUnprocessableEntity, map[string]any{"errors": missing})
		default:
			took(ev)
			w.WriteHeader(http.StatusCreated)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			answer(w, http.StatusForbidden, map[string]any{"code": 403, "message": "the Host must be this machine's own: localhost or a loopback address"})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// loopback says whether a Host header names this machine by itself.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var body io.Reader = http.MaxBytesReader(w, r.Body, maxBody)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, fmt.Errorf("unpacking the event: %w", err)
		}
		body = io.LimitReader(z, maxBody)
	}
	return io.ReadAll(body)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client went away: nobody is left to tell
}
