package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/internal/seen"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func (s *Server) resultsPlace() Place {
	p := Place{Name: "results", Title: "Results", Path: "/results", Routes: []Route{
		{Pattern: "GET /results", Handle: s.showResults},
		{Pattern: "GET /results/{topic}/{partition}/{offset}", Handle: s.showResult},
		{Pattern: "GET /results/{topic}/{partition}/{offset}/events", Handle: s.showEvents},
	}}
	if s.Runs != nil {
		p.Changed = s.Runs.Number
	}
	return p
}

const (
	resultsPerPage = 50
	mostChecks     = 300  // of one result in a page; the rest is in its events
	mostOrigins    = 1500 // fields whose origin is shown
	readAgain      = 10 * time.Second
	readsAtOnce    = 4
)

type resultsView struct {
	Known    bool
	Filter   filter
	Runs     []seen.Run
	Older    string // URL; empty: there are none
	Outcomes []string
}

func (s *Server) showResults(w http.ResponseWriter, r *http.Request) {
	v := resultsView{Filter: filterOf(r.URL.Query()), Outcomes: outcomeNames}
	if s.Runs != nil {
		v.Known = true
		var more bool
		v.Runs, more = s.Runs.Latest(v.Filter.run(), v.Filter.Before, resultsPerPage)
		if more {
			v.Older = v.Filter.older(v.Runs[len(v.Runs)-1].Number)
		}
	}
	s.render(w, r, "results", v)
}

// runURL is where a run is shown: by the place of its record, so that every process that reads the topic can show it.
func runURL(at seen.Place, part string) string {
	u := fmt.Sprintf("/results/%s/%d/%d", url.PathEscape(at.Topic), at.Partition, at.Offset)
	if part != "" {
		u += "?part=" + url.QueryEscape(part)
	}
	return u
}

// resultView is one record's result: of several the one that is asked for.
type resultView struct {
	At      seen.Place
	Run     seen.Run
	Known   bool // Run is from memory
	Event   eventView
	Read    bool // Event is known
	Checks  []check
	Omitted int // checks that are not shown
	Parts   []string
	Part    string
	Origins []mapper.Origin
	MoreOf  int    // origins that are not shown
	Missing string // why the record could not be read again
	Events  []eventText
	JobLink string
}

type eventText struct {
	Type string
	Text string
	More bool
}

// recordOf is what is known of the record that a request names: remembered, and mapped anew. ok is false if it names none; that was answered.
func (s *Server) recordOf(w http.ResponseWriter, r *http.Request) (v resultView, mapped Mapped, ok bool) {
	at, ok := placeIn(r)
	if !ok {
		s.nothingHere(w, r)
		return v, mapped, false
	}
	v = resultView{At: at, Part: cut(200, r.FormValue("part"))}
	mapped, err := s.readAgain(r.Context(), at)
	v.Missing = missing(err)
	v.choose(s.remembered(at), mapped)
	return v, mapped, true
}

// unknown answers that there is nothing of a record.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request, v resultView) {
	s.fail(w, r, http.StatusNotFound, "Nothing is known of this record. "+v.Missing)
}

func (s *Server) showResult(w http.ResponseWriter, r *http.Request) {
	v, mapped, ok := s.recordOf(w, r)
	if !ok {
		return
	}
	if !v.Known && v.Events == nil && len(mapped.Runs) == 0 {
		s.unknown(w, r, v)
		return
	}
	v.fill(mapped, s)
	s.render(w, r, "result", v)
}

// remembered are the runs of a record, with what is kept of them.
func (s *Server) remembered(at seen.Place) []seen.Run {
	if s.Runs == nil {
		return nil
	}
	return s.Runs.At(at)
}

func missing(err error) string {
	if err == nil {
		return ""
	}
	return "It cannot be read again: " + cut(600, err.Error()) + "."
}

// readAgain reads a record from Kafka; only so many at once.
func (s *Server) readAgain(ctx context.Context, at seen.Place) (Mapped, error) {
	if s.Records == nil {
		return Mapped{}, errors.New("no topic is read here")
	}
	ctx, cancel := context.WithTimeout(ctx, readAgain)
	defer cancel()
	select {
	case s.reads <- struct{}{}:
		defer func() { <-s.reads }()
	case <-ctx.Done():
		return Mapped{}, errors.New("too many records are read at once: try again")
	}
	return s.Records.Read(ctx, at)
}

// choose picks the result that is asked for; without a word the first that failed, else the first.
func (v *resultView) choose(known []seen.Run, mapped Mapped) {
	for i := range mapped.Runs {
		if ends(&mapped.Runs[i]) != nil && !slices.Contains(v.Parts, mapped.Runs[i].Part) {
			v.Parts = append(v.Parts, mapped.Runs[i].Part)
		}
	}
	for i := range known {
		if !slices.Contains(v.Parts, known[i].Part) {
			v.Parts = append(v.Parts, known[i].Part)
		}
	}
	if !slices.Contains(v.Parts, v.Part) && len(v.Parts) > 0 {
		v.Part = v.Parts[0]
		if i := slices.IndexFunc(known, func(r seen.Run) bool { return r.Outcome == seen.Failed }); i >= 0 {
			v.Part = known[i].Part
		}
	}
	for _, r := range known {
		if r.Part == v.Part {
			v.Run, v.Known = r, true
		}
	}
}

// ends is the terminal event of a run, or of what has no such the last one.
func ends(run *openlineage.Run) *openlineage.Event {
	if len(run.Events) == 0 {
		return nil
	}
	return &run.Events[len(run.Events)-1]
}

// fill takes the events: those that were delivered, else those that the record becomes now.
func (v *resultView) fill(mapped Mapped, s *Server) {
	for i := range mapped.Runs {
		if run := &mapped.Runs[i]; run.Part == v.Part && !v.Known && ends(run) != nil {
			v.Run = seenAs(v.At, run)
		}
	}
	for _, b := range s.bodies(v, mapped) {
		text, more := pretty(b)
		head, _ := readEvent(b)
		v.Events = append(v.Events, eventText{head.Type, text, more})
		v.Event, v.Read = head, true
	}
	v.Checks = v.Event.Checks
	if n := len(v.Checks) - mostChecks; n > 0 {
		v.Checks, v.Omitted = v.Checks[:mostChecks], n
	}
	for _, o := range mapped.Origins {
		if o.Part != v.Part || strings.HasSuffix(o.Field, "._producer") || strings.HasSuffix(o.Field, "._schemaURL") {
			continue
		}
		if len(v.Origins) == mostOrigins {
			v.MoreOf++
			continue
		}
		v.Origins = append(v.Origins, o)
	}
	if s.Links != nil {
		v.JobLink = s.Links.Job(v.Run.JobNamespace, v.Run.Job)
	}
}

// bodies are a result's events as they were delivered, or where these are not kept as they are made now.
func (s *Server) bodies(v *resultView, mapped Mapped) (bodies [][]byte) {
	if v.Known {
		bodies = s.Runs.Events(v.Run.Number)
	}
	if bodies != nil {
		return bodies
	}
	for i := range mapped.Runs {
		if mapped.Runs[i].Part != v.Part {
			continue
		}
		for _, e := range mapped.Runs[i].Events {
			bodies = append(bodies, e.Body)
		}
	}
	return bodies
}

// seenAs is a run that is not remembered, as it would be.
func seenAs(at seen.Place, run *openlineage.Run) seen.Run {
	m := seen.New(1 << 20)
	m.Settled(at, []openlineage.Run{*run}, false)
	if all := m.At(at); len(all) > 0 {
		return all[0]
	}
	e := ends(run)
	return seen.Run{ID: e.RunID, Job: e.JobName, JobNamespace: e.JobNamespace, Outcome: seen.None, Rows: -1, At: at, Datasets: run.Datasets}
}

// placeIn reads the place of a record in a URL.
func placeIn(r *http.Request) (at seen.Place, ok bool) {
	partition, err := strconv.ParseInt(r.PathValue("partition"), 10, 32)
	offset, err2 := strconv.ParseInt(r.PathValue("offset"), 10, 64)
	at = seen.Place{Topic: r.PathValue("topic"), Partition: int32(partition), Offset: offset}
	return at, err == nil && err2 == nil && partition >= 0 && offset >= 0 && isTopic(at.Topic)
}

// isTopic reports whether Kafka would let a topic have this name.
func isTopic(name string) bool {
	return name != "" && len(name) <= 249 && name != "." && name != ".." && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	})
}

// showEvents gives a record's events as they are, one a line.
func (s *Server) showEvents(w http.ResponseWriter, r *http.Request) {
	v, mapped, ok := s.recordOf(w, r)
	if !ok {
		return
	}
	bodies := s.bodies(&v, mapped)
	if bodies == nil {
		s.unknown(w, r, v)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%d-%d.ndjson"`, v.At.Topic, v.At.Partition, v.At.Offset))
	for _, b := range bodies {
		_, _ = w.Write(append(oneLine(b), '\n')) // the browser went away
	}
}

// oneLine is JSON on one line; what is none stays as it is.
func oneLine(body []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, body) != nil {
		return body
	}
	return b.Bytes()
}
