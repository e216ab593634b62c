package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gx-ol/gx-ol/internal/desk"
	"github.com/gx-ol/gx-ol/internal/dlq"
)

// Letters are the dead letters, and what may be done with them (package desk).
type Letters interface {
	Number() uint64
	Topics(ctx context.Context) ([]string, error)
	Look(ctx context.Context, topic string, see func(ix *dlq.Index, s dlq.LiveState, failed error)) error
	Show(ctx context.Context, topic string, at dlq.Position) (*dlq.Shown, error)
	Foresee(ctx context.Context, o desk.Order, ask bool) (*desk.Foresight, error)
	Begin(o desk.Order) (id string, err error)
	Stop(id string) bool
	Job(id string) (desk.Job, bool)
	Jobs() []desk.Job
	Backend() bool
}

func (s *Server) lettersPlace() Place {
	p := Place{Name: "letters", Title: "Dead letters", Path: "/letters", Routes: []Route{
		{Pattern: "GET /letters", Handle: s.withLetters(s.showLetters)},
		{Pattern: "GET /letters/{partition}/{offset}", Handle: s.withLetters(s.showLetter)},
		{Pattern: "GET /letters/replay", Handle: s.withLetters(s.foreseeLetters(desk.Replay))},
		{Pattern: "POST /letters/replay", Handle: s.withLetters(s.settleLetters(desk.Replay)), Changes: true},
		{Pattern: "GET /letters/discard", Handle: s.withLetters(s.foreseeLetters(desk.Discard))},
		{Pattern: "POST /letters/discard", Handle: s.withLetters(s.settleLetters(desk.Discard)), Changes: true},
		{Pattern: "GET /letters/jobs/{id}", Handle: s.withLetters(s.showJob)},
		{Pattern: "POST /letters/jobs/{id}/stop", Handle: s.withLetters(s.stopJob), Changes: true},
	}}
	if s.Letters != nil {
		p.Changed = s.Letters.Number
	}
	return p
}

// withLetters answers where no dead letters are known here.
func (s *Server) withLetters(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.Letters == nil {
			s.fail(w, r, http.StatusNotFound, "Dead letters are not known here: this process reads no topic.")
			return
		}
		h(w, r)
	}
}

const (
	lettersPerPage = 50
	spreadBars     = 48
	spreadCodes    = 8
)

type lettersView struct {
	Topics   []string
	Filter   lettersFilter
	Wrong    []string // what the filter cannot mean
	Away     string   // why nothing, or nothing new, is known
	State    dlq.LiveState
	Pending  int    // letters that are not settled
	Found    int    // by the filter
	Nothing  string // why none was
	Stats    dlq.Stats
	Causes   []cause
	From, To time.Time
	Rows     []dlq.Listed
	First    int
	Last     int
	Before   string // URLs of the pages beside this one
	Far      string
	Jobs     []desk.Job // of the topic: those that go on, and the last one
	Reading  int        // percent of the topic
	Dispose  []string
}

// cause is a code of letters: how many, when, and what could help.
type cause struct {
	Code, Advice, Example, At string
	Letters                   int
	Bars                      bars
	Link                      string // those with the code; empty for the rest
}

func (s *Server) showLetters(w http.ResponseWriter, r *http.Request) {
	v := lettersView{Filter: lettersFilterOf(r.URL.Query()), Dispose: dlq.Dispositions}
	status := http.StatusOK
	var err error
	if v.Topics, err = s.Letters.Topics(r.Context()); err != nil {
		v.Away = sentence(err)
	}
	if v.Filter.Topic == "" && len(v.Topics) > 0 {
		v.Filter.Topic = v.Topics[0]
	}
	f, wrong := v.Filter.read(time.Now())
	for _, err := range wrong {
		v.Wrong = append(v.Wrong, sentence(err))
		status = http.StatusBadRequest
	}
	if v.Filter.Topic != "" {
		err := s.Letters.Look(r.Context(), v.Filter.Topic, func(ix *dlq.Index, state dlq.LiveState, failed error) {
			if failed != nil {
				v.Away = sentence(failed)
			}
			v.see(ix, state, f)
		})
		if errors.Is(err, desk.ErrNoSuchTopic) {
			status = http.StatusNotFound
		}
		if err != nil {
			v.Away = sentence(err)
		}
	}
	for _, j := range s.Letters.Jobs() {
		if j.Order.Topic == v.Filter.Topic && (j.Ended.IsZero() || len(v.Jobs) == 0) {
			v.Jobs = append(v.Jobs, j)
		}
	}
	s.renderStatus(w, r, status, "letters/list", v)
}

// see takes from the index what is shown: one page of letters, and the numbers of all.
func (v *lettersView) see(ix *dlq.Index, state dlq.LiveState, f dlq.Filter) {
	v.State = state
	if state.Of > 0 {
		v.Reading = int(100 * state.Read / state.Of)
	}
	chosen := ix.Choose(f)
	v.Pending, v.Found = len(ix.Choose(dlq.Filter{})), len(chosen)
	if v.Found == 0 {
		v.Nothing = dlq.Nothing(ix, f)
		return
	}
	v.Stats = dlq.Histogram(chosen, time.Now())
	v.causes(dlq.Spreading(chosen, spreadBars, spreadCodes))
	slices.SortStableFunc(chosen, func(a, b *dlq.Letter) int { return b.GivenUp().Compare(a.GivenUp()) })
	pages := (v.Found + lettersPerPage - 1) / lettersPerPage
	page := min(max(v.Filter.Page, 1), pages)
	v.First = (page-1)*lettersPerPage + 1
	v.Last = min(page*lettersPerPage, v.Found)
	for _, l := range chosen[v.First-1 : v.Last] {
		v.Rows = append(v.Rows, dlq.List(l))
	}
	if page > 1 {
		v.Before = v.Filter.page(page - 1)
	}
	if page < pages {
		v.Far = v.Filter.page(page + 1)
	}
}

// causes puts the bars of each code beside what is known of it.
func (v *lettersView) causes(spread dlq.Spread) {
	v.From, v.To = spread.From, spread.To
	most := 0
	for _, c := range spread.Codes {
		most = max(most, slices.Max(c.Bars))
	}
	for _, c := range spread.Codes {
		one := cause{Code: c.Code, Letters: c.Letters, Bars: barsOf(c.Bars, most)}
		if i := slices.IndexFunc(v.Stats.Codes, func(s dlq.CodeCount) bool { return s.Code == c.Code }); i >= 0 && c.Code != "" {
			one.Advice, one.Example, one.At, one.Link = v.Stats.Codes[i].Advice, v.Stats.Codes[i].Example, v.Stats.Codes[i].At, v.Filter.with("code", c.Code)
		}
		v.Causes = append(v.Causes, one)
	}
}

// Any reports whether the filter leaves something out.
func (v lettersView) Any() bool { return len(v.Filter.query()) > 1 }

type letterView struct {
	Topic  string
	Letter *dlq.Shown
	Only   lettersFilter // this letter alone
	Settle bool          // something may be done with it
	Size   string        // of key, value and headers
}

func (s *Server) showLetter(w http.ResponseWriter, r *http.Request) {
	at, err := dlq.ParsePosition(r.PathValue("partition") + "/" + r.PathValue("offset"))
	if err != nil {
		s.fail(w, r, http.StatusNotFound, sentence(err))
		return
	}
	topic, ok := s.topicOf(w, r)
	if !ok {
		return
	}
	shown, err := s.Letters.Show(r.Context(), topic, at)
	switch {
	case errors.Is(err, desk.ErrNoSuchTopic):
		s.fail(w, r, http.StatusNotFound, sentence(err))
	case err != nil:
		s.fail(w, r, http.StatusBadGateway, sentence(err))
	case shown == nil:
		s.fail(w, r, http.StatusNotFound, "There is no such letter in "+cut(200, topic)+": retention may have deleted it.")
	default:
		for i := range shown.Headers { // whoever wrote the record may have put anything there
			shown.Headers[i].Value = size(int64(len(shown.Headers[i].Value)))
		}
		only := lettersFilter{Topic: topic, Partition: strconv.Itoa(int(at.Partition)), Offset: strconv.FormatInt(at.Offset, 10)}
		s.render(w, r, "letters/one", letterView{Topic: topic, Letter: shown, Size: size(int64(shown.Bytes)), Only: only,
			Settle: shown.State == dlq.Pending || shown.State == dlq.Unclear})
	}
}

// topicOf is the dead-letter topic that is asked for, or the first one.
func (s *Server) topicOf(w http.ResponseWriter, r *http.Request) (string, bool) {
	if topic := word(r.URL.Query(), "topic"); topic != "" {
		return topic, true
	}
	all, err := s.Letters.Topics(r.Context())
	if len(all) > 0 {
		return all[0], true
	}
	text := "There is no dead-letter topic here."
	if err != nil {
		text = sentence(err)
	}
	s.fail(w, r, http.StatusNotFound, text)
	return "", false
}
