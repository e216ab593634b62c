package web

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/internal/desk"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/internal/replay"
)

type foreseeView struct {
	Kind    desk.Kind
	Filter  lettersFilter
	Options replay.Options
	Backend bool // letters may go through the pipeline
	Choices []string
	Seen    *desk.Foresight
	Upto    string // what was looked at, for the form
	Running string // the job that settles letters of the topic already
	Who     string
	Reason  string
	Wrong   []string
}

// Title is what the page is about.
func (v foreseeView) Title() string {
	if v.Kind == desk.Discard {
		return "Discard letters"
	}
	return "Replay letters"
}

// Goes is how many letters would go where they are wanted.
func (v foreseeView) Goes() int {
	return v.Seen.Letters - v.Seen.Quarantined - v.Seen.Foreign - v.Seen.Unclear
}

// foreseeLetters says what would be done, and offers to do it: the dry run.
func (s *Server) foreseeLetters(kind desk.Kind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o, f, wrong := orderOf(kind, r.URL.Query(), time.Now())
		if f.Topic == "" {
			var ok bool
			if f.Topic, ok = s.topicOf(w, r); !ok {
				return
			}
			o.Topic = f.Topic
		}
		v := foreseeView{Kind: kind, Filter: f, Options: o.Options, Backend: s.Letters.Backend(), Choices: replay.StaleChoices}
		status := http.StatusOK
		if len(wrong) == 0 {
			var err error
			// Only for who may change something is the backend asked: each letter costs it a request.
			if v.Seen, err = s.Letters.Foresee(r.Context(), o, s.session(r) != nil); err != nil {
				wrong = append(wrong, err)
			} else {
				v.Upto = upto(v.Seen.Before)
			}
		}
		for _, err := range wrong {
			v.Wrong = append(v.Wrong, sentence(err))
			status = http.StatusBadRequest
		}
		for _, j := range s.Letters.Jobs() {
			if j.Order.Topic == o.Topic && j.Ended.IsZero() {
				v.Running = j.ID
			}
		}
		s.renderStatus(w, r, status, "letters/foresee", v)
	}
}

// settleLetters does it: what was looked at, and nothing that came since.
func (s *Server) settleLetters(kind desk.Kind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			s.fail(w, r, http.StatusBadRequest, "The form cannot be read.")
			return
		}
		o, _, wrong := orderOf(kind, r.PostForm, time.Now())
		before, err := parseUpto(r.PostForm.Get("upto"))
		if err != nil {
			wrong = append(wrong, err)
		}
		o.Filter.Before = before
		if kind == desk.Discard && o.Reason == "" {
			wrong = append(wrong, errors.New("a reason is missing: those who come after you will want to know"))
		}
		if len(wrong) > 0 {
			s.fail(w, r, http.StatusBadRequest, sentence(errors.Join(wrong...)))
			return
		}
		id, err := s.Letters.Begin(o)
		switch {
		case errors.Is(err, desk.ErrUnderway):
			s.fail(w, r, http.StatusConflict, sentence(err))
		case err != nil:
			s.fail(w, r, http.StatusNotFound, sentence(err))
		default:
			toJob(w, id)
		}
	}
}

// maxReplays is that of gx-ol dlq replay.
const maxReplays = 3

// orderNames are what a query or a form about an order may have.
var orderNames = []string{"topic", "code", "disposition", "source-topic", "key", "partition", "offset", "since", "until", "grep", "all", "page", "to", "rate", "limit",
	"max-replays", "stale", "by", "reason", "upto", "csrf"}

// orderOf reads an order from a query or a form; the names are those of the commands' flags.
func orderOf(kind desk.Kind, q url.Values, now time.Time) (desk.Order, lettersFilter, []error) {
	f := lettersFilterOf(q)
	f.All, f.Page = false, 0 // what is settled is never settled again
	for _, when := range []*string{&f.Since, &f.Until} {
		// So that "24h" means the same when it is looked at and when it is done.
		if t, err := dlq.ParseWhen("", *when, now); err == nil && *when != "" {
			*when = t.UTC().Format(time.RFC3339)
		}
	}
	filter, wrong := f.read(now)
	for name := range q {
		if !slices.Contains(orderNames, name) { // one that is passed over would choose more letters than somebody meant
			wrong = append(wrong, fmt.Errorf("%q is no filter of letters", cut(80, name)))
		}
	}
	o := desk.Order{Kind: kind, Topic: f.Topic, Filter: filter, By: cut(80, word(q, "by")), Reason: word(q, "reason"), Asked: f.Words(),
		Options: replay.Options{To: replay.ToSource, MaxReplays: maxReplays, Stale: replay.StaleChoices[0]}}
	if kind == desk.Discard {
		o.Options.MaxReplays = 0
		return o, f, wrong
	}
	number := func(name string, into *int) {
		if text := word(q, name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				wrong = append(wrong, fmt.Errorf("%s %q must be a number that is not negative", name, cut(40, text)))
			}
			*into = n
		}
	}
	number("limit", &o.Options.Limit)
	number("max-replays", &o.Options.MaxReplays)
	rate := 0
	number("rate", &rate)
	o.Options.Rate = float64(rate)
	for name, field := range map[string]struct {
		into    *string
		choices []string
	}{"to": {&o.Options.To, []string{replay.ToSource, replay.ToBackend}}, "stale": {&o.Options.Stale, replay.StaleChoices}} {
		if text := word(q, name); text != "" {
			if !slices.Contains(field.choices, text) {
				wrong = append(wrong, fmt.Errorf("%s %q must be one of %s", name, cut(40, text), strings.Join(field.choices, ", ")))
			}
			*field.into = text
		}
	}
	return o, f, wrong
}

// upto is what was looked at, as text: the end of each partition.
func upto(e ranges.Extent) string {
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(e)) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d/%d", p, e[p].To)
	}
	return b.String()
}

// parseUpto reads what upto makes.
func parseUpto(text string) (ranges.Extent, error) {
	out := make(ranges.Extent)
	for one := range strings.FieldsSeq(text) {
		at, err := dlq.ParsePosition(one)
		if err != nil {
			return nil, errors.New("the form does not say what was looked at: load the page again")
		}
		out[at.Partition] = ranges.Range{To: at.Offset}
	}
	return out, nil
}

type jobView struct {
	Job     desk.Job
	Title   string
	Percent int
	List    string // URL of the letters that are left
}

func (s *Server) showJob(w http.ResponseWriter, r *http.Request) {
	j, ok := s.Letters.Job(r.PathValue("id"))
	if !ok {
		s.fail(w, r, http.StatusNotFound, "This replay is not remembered: only the last ones are, until the process ends. The audit topic has them all.")
		return
	}
	v := jobView{Job: j, Title: "Replay", List: lettersFilter{Topic: j.Order.Topic}.page(1)}
	if j.Order.Kind == desk.Discard {
		v.Title = "Discard"
	}
	if j.All > 0 {
		v.Percent = 100 * j.Done() / j.All
	}
	s.render(w, r, "letters/job", v)
}

func (s *Server) stopJob(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if _, ok := s.Letters.Job(id); !ok {
		s.fail(w, r, http.StatusNotFound, "This replay is not remembered.")
		return
	}
	s.Letters.Stop(id) // one that has ended needs none
	toJob(w, id)
}

// toJob leads to a job's page.
func toJob(w http.ResponseWriter, id string) { seeOther(w, "/letters/jobs/"+url.PathEscape(id)) }

// seeOther leads to a path of this page.
func seeOther(w http.ResponseWriter, path string) {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}
