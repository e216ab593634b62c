package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/seen"
)

// Lineage is asked for the graph: a source of package lineage. Each request may ask for another one. Its error says why there is none.
type Lineage func(ctx context.Context) (lineage.Source, error)

func (s *Server) lineagePlace() Place {
	p := Place{Name: "lineage", Title: "Lineage", Path: "/lineage", Routes: []Route{{Pattern: "GET /lineage", Handle: s.showLineage}}}
	if s.Runs != nil && s.Lineage != nil { // the page tells it, and leaves it to the reader to ask again: a backend may have much to do for an answer
		p.Changed = s.Runs.Turns
	}
	return p
}

const (
	usualDepth  = 2  // jobs away from the dataset on each side
	mostDepth   = 20 // a picture of more is not looked at
	mostNodes   = 240
	mostDrawn   = 120 // nodes beyond these are in the table alone
	mostFailed  = 100 // failed assertions of an answer that are shown; `gx-ol ask` has all
	mostRed     = 12
	mostName    = 2000 // bytes of a dataset's name in a URL
	askWithin   = 90 * time.Second
	asksAtOnce  = 3
	sinceCommon = 7 * 24 * time.Hour
)

// The three questions.
const (
	askUpstream  = "upstream"
	askConsumers = "consumers"
	askCommon    = "common"
)

type lineageView struct {
	Known bool   // there is a source here
	From  string // which source
	Text  string // what was searched for
	Ask   string // the question; empty: the neighbourhood
	Depth int
	Away  string // why there is no answer

	Found      bool // Dataset is known
	Dataset    lineage.Dataset
	Candidates []lineage.Dataset
	None       bool // the candidates are only like the text
	More       int
	Red        []seen.State // datasets to begin with

	Quality lineage.Quality // of the dataset; empty: the answer does not tell
	Results bool            // results of it were seen here
	Nodes   []graphNode
	Hidden  int // nodes that are not shown
	Drawn   int
	Notes   []string

	Upstream  *lineage.UpstreamAnswer
	Consumers *lineage.ConsumersAnswer
	Common    *lineage.CommonAnswer
	Failed    []lineage.Finding
	Beyond    int // failed assertions that are not shown
}

// graphNode is a node of the picture as a row of the table, which the module draws.
type graphNode struct {
	lineage.Node
	Number int   // its place, by which rows name each other
	To     []int // the nodes that its data go to
	Bad    []int // those of To that bad data reach from here
	Focus  bool
	Link   string
	Checks string // what its checks say, in words
	From   []lineage.Node
}

func (s *Server) showLineage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v := lineageView{Text: word(q, "dataset"), Ask: word(q, "ask"), Depth: usualDepth}
	if n, err := strconv.Atoi(q.Get("depth")); err == nil && n > 0 {
		v.Depth = min(n, mostDepth)
	}
	if !slices.Contains([]string{askUpstream, askConsumers, askCommon}, v.Ask) {
		v.Ask = ""
	}
	if name := word(q, "name"); name != "" {
		v.Found, v.Dataset = true, lineage.Dataset{Namespace: word(q, "namespace"), Name: name}
	}
	status := http.StatusOK
	if s.Lineage != nil {
		v.Known = true
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(askWithin + 10*time.Second)) // where it cannot be set, the server's own holds
		ctx, cancel := context.WithTimeout(r.Context(), askWithin)
		defer cancel()
		if err := s.askLineage(ctx, &v); err != nil {
			status = v.failed(err)
		}
	}
	if v.Found && s.Runs != nil {
		_, v.Results = s.Runs.Dataset(seen.Dataset{Namespace: v.Dataset.Namespace, Name: v.Dataset.Name})
		v.Results = v.Results && len(v.Dataset.Name)+len(v.Dataset.Namespace) <= mostName
	}
	if !v.Found && s.Runs != nil {
		v.Red, _, _ = s.Runs.Datasets(func(_ seen.Dataset, last *seen.Run) bool { return last.Outcome == "failed" || last.Outcome == "warned" }, 0, mostRed)
	}
	s.renderStatus(w, r, status, "lineage", v)
}

// failed says why there is no answer, or only candidates.
func (v *lineageView) failed(err error) (status int) {
	if some, ok := errors.AsType[*lineage.CandidatesError](err); ok {
		v.Candidates, v.None, v.More = some.Candidates, some.None, some.More
		return http.StatusOK
	}
	if _, ok := errors.AsType[*lineage.UnknownError](err); ok {
		v.Away, v.Text = "No such dataset is known: search for a part of its name.", v.Dataset.Name
		v.Found = false
		return http.StatusNotFound
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("it takes too long to be answered in a page: gx-ol ask takes the time that it needs")
	}
	v.Away = sentence(err)
	return http.StatusBadGateway
}

// askLineage asks the source: for the dataset that is meant, and the question or the neighbourhood.
func (s *Server) askLineage(ctx context.Context, v *lineageView) error {
	if !v.Found && v.Text == "" && (v.Ask == "" || v.Ask == askUpstream) {
		src, err := s.Lineage(ctx)
		if err == nil {
			v.From = src.String()
		}
		return err
	}
	select {
	case s.asks <- struct{}{}:
		defer func() { <-s.asks }()
	case <-ctx.Done():
		return ctx.Err()
	}
	src, err := s.Lineage(ctx)
	if err != nil {
		return err
	}
	v.From = src.String()
	if !v.Found && v.Text != "" {
		if v.Dataset, err = lineage.Resolve(ctx, src, v.Text); err != nil {
			return err
		}
		v.Found = true
	}
	return v.answer(ctx, src)
}

func (v *lineageView) answer(ctx context.Context, src lineage.Source) (err error) {
	o := lineage.Options{Now: time.Now()}
	var p *lineage.Picture
	switch v.Ask {
	case askUpstream:
		if v.Upstream, err = lineage.Upstream(ctx, src, v.Dataset, lineage.WrittenAll, o); err == nil {
			v.Failed, p = v.Upstream.Failed, v.Upstream.Picture
		}
	case askConsumers:
		var about *lineage.Dataset
		if v.Found {
			about = &v.Dataset
		}
		if v.Consumers, err = lineage.Consumers(ctx, src, about, o); err == nil {
			p = v.Consumers.Picture
		}
	case askCommon:
		o.Since = sinceCommon
		if v.Common, err = lineage.Common(ctx, src, o); err == nil {
			v.Failed, p = v.Common.Failed, v.Common.Picture
		}
	default:
		p, err = lineage.Around(ctx, src, v.Dataset, v.Depth, o)
	}
	if err != nil {
		return err
	}
	if len(v.Failed) > mostFailed {
		v.Failed, v.Beyond = v.Failed[:mostFailed], len(v.Failed)-mostFailed
	}
	v.draw(p)
	return nil
}

// draw makes rows of a picture: at most mostNodes.
func (v *lineageView) draw(p *lineage.Picture) {
	if p == nil {
		return
	}
	v.Notes = p.Notes
	nodes := nearby(p)
	if len(nodes) > mostNodes {
		v.Hidden = len(nodes) - mostNodes
		nodes = nodes[:mostNodes]
	}
	at := make(map[string]int, len(nodes))
	for i, n := range nodes {
		at[n.ID] = i
		row := graphNode{Node: n, Number: i, Checks: checksText(n.Checks), Focus: v.Found && n.Kind == lineage.DatasetNode && n.Namespace == v.Dataset.Namespace && n.Name == v.Dataset.Name}
		if n.Kind == lineage.DatasetNode {
			row.Link = lineageURL(lineage.Dataset{Namespace: n.Namespace, Name: n.Name}, "")
		}
		if row.Focus {
			v.Quality = n.Quality
		}
		v.Nodes = append(v.Nodes, row)
	}
	for _, e := range p.Edges {
		from, ok1 := at[e.From]
		to, ok2 := at[e.To]
		if !ok1 || !ok2 {
			continue
		}
		v.Nodes[from].To = append(v.Nodes[from].To, to)
		if e.Suspect {
			v.Nodes[from].Bad = append(v.Nodes[from].Bad, to)
		}
		v.Nodes[to].From = append(v.Nodes[to].From, nodes[from])
	}
	v.Drawn = min(len(v.Nodes), mostDrawn)
}
