package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gx-ol/gx-ol/internal/seen"
)

func (s *Server) nowPlace() Place {
	return Place{Name: "now", Title: "Now", Path: "/now", Changed: s.nowChanged, Routes: []Route{{Pattern: "GET /now", Handle: s.showNow}}}
}

// nowChanged follows the readings and what was seen.
func (s *Server) nowChanged() uint64 {
	n := uint64(0)
	if s.Flow != nil {
		n += s.Flow.Number()
	}
	if s.Runs != nil {
		n += s.Runs.Number()
	}
	return n
}

// nowView is whether data is flowing.
type nowView struct {
	Known   bool
	Verdict verdict
	Flow    seen.Now
	Tiles   []tile
	Holds   []holdView
	Parts   []partView
	Hidden  int // partitions that are not shown
	Risks   []string
	Letters int
	Sources []Source
	Quality qualityView
}

// verdict is the one line that says how it is.
type verdict struct {
	Outcome seen.Outcome // passed, warned or failed: its colour and shape
	Title   string
	Text    string
}

type tile struct {
	Title, Number, Unit, Text string
	Link                      string
	Spark                     spark
	Bad                       bool
}

type holdView struct {
	seen.Hold
	Advice []string
}

type partView struct {
	seen.Partition
	Spark    spark
	Risk     string
	Retained string
}

type qualityView struct {
	Known  bool
	Total  int
	Counts seen.Counts
	Bad    []seen.State // failed and warned datasets, the first of them
	Latest []seen.Run
}

const (
	sparkPoints = 90
	mostParts   = 50
	mostBad     = 8
)

func (s *Server) showNow(w http.ResponseWriter, r *http.Request) {
	v := nowView{Sources: s.sources(), Quality: s.quality()}
	if s.Flow != nil {
		v.Known = true
		v.Flow = s.Flow.Now(sparkPoints)
		v.fill(s.has("letters"))
	}
	v.Verdict = v.judge(time.Now())
	s.render(w, r, "now", v)
}

// sources are those that are asked, the ones that are away first.
func (s *Server) sources() []Source {
	if s.Sources == nil {
		return nil
	}
	all := s.Sources()
	slices.SortStableFunc(all, func(a, b Source) int { return cmp.Compare(rank(a), rank(b)) })
	return all
}

func rank(s Source) int {
	if s.Away != "" {
		return 0
	}
	return 1
}

func (s *Server) quality() (q qualityView) {
	if s.Runs == nil {
		return q
	}
	q.Known = true
	bad := func(_ seen.Dataset, last *seen.Run) bool {
		return last.Outcome == seen.Failed || last.Outcome == seen.Warned
	}
	q.Bad, _, q.Counts = s.Runs.Datasets(bad, 0, mostBad)
	for _, n := range q.Counts {
		q.Total += n
	}
	q.Latest, _ = s.Runs.Latest(func(*seen.Run) bool { return true }, 0, 8)
	return q
}

// fill makes of the reading what is shown.
func (v *nowView) fill(letters bool) {
	f := &v.Flow
	for _, h := range f.Holds {
		v.Holds = append(v.Holds, holdView{h, advice(h)})
	}
	lag, known := int64(0), false
	for _, p := range f.Partitions {
		lag, known = lag+p.Lag, true
	}
	for _, l := range f.Letters {
		v.Letters += l.Letters
	}
	per := func(n float64) string { return perSecond(n) + " a second" }
	if f.Records >= 0 {
		v.Tiles = append(v.Tiles, tile{Title: "Records in", Number: perSecond(f.Per.Records), Unit: "a second", Text: count(f.Records) + " since the start",
			Spark: sparkOf("Records in", f.Recent.Records, per)})
	}
	if f.Events >= 0 {
		v.Tiles = append(v.Tiles, tile{Title: "Events out", Number: perSecond(f.Per.Events), Unit: "a second", Text: count(f.Events) + " since the start",
			Spark: sparkOf("Events out", f.Recent.Events, per)})
	}
	if f.Delays != nil {
		t := tile{Title: "Latency of delivery", Number: "–", Text: "no attempt in the last minute",
			Spark: sparkOf("Latency", f.Recent.P95, func(s float64) string { return took(time.Duration(s * float64(time.Second))) })}
		if f.KnownDelay {
			t.Number, t.Unit, t.Text = took(f.P95), "for 95 %", took(f.P50)+" for half of them"
		}
		v.Tiles = append(v.Tiles, t)
	}
	if f.InHand >= 0 {
		v.Tiles = append(v.Tiles, tile{Title: "In flight", Number: size(f.InHand), Text: limits(f.Limits), Spark: sparkOf("Bytes in flight", f.Recent.InHand,
			func(n float64) string { return size(int64(n)) })})
	}
	if known {
		v.Tiles = append(v.Tiles, tile{Title: "Lag", Number: count(lag), Unit: "records", Text: plural(len(f.Partitions), "partition", "partitions"),
			Spark: sparkOf("Lag", f.Recent.Lag, func(n float64) string { return count(int64(n)) + " records" })})
	}
	if f.Letters != nil {
		v.Tiles = append(v.Tiles, tile{Title: "Dead letters", Number: count(v.Letters), Text: oldest(f.Letters), Bad: v.Letters > 0})
		if letters {
			v.Tiles[len(v.Tiles)-1].Link = "/letters"
		}
	}
	v.partitions()
}

// limits says how many attempts at once each destination gets.
func limits(all map[string]int) string {
	if len(all) == 0 {
		return "records fetched, waiting and in flight"
	}
	text := ""
	for _, name := range sortedNames(all) {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%s at once at %s", count(all[name]), cut(40, name))
	}
	return text
}

func sortedNames(all map[string]int) (names []string) {
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func oldest(all []seen.Letters) string {
	var first time.Time
	for _, l := range all {
		if !l.Oldest.IsZero() && (first.IsZero() || l.Oldest.Before(first)) {
			first = l.Oldest
		}
	}
	if first.IsZero() {
		return "none waits for anybody"
	}
	return "the oldest since " + took(time.Since(first))
}

// partitions are those that are behind most, and what retention may take of them.
func (v *nowView) partitions() {
	all := slices.Clone(v.Flow.Partitions)
	for _, p := range all {
		if risk := risk(p); risk != "" {
			v.Risks = append(v.Risks, fmt.Sprintf("%s[%d]: %s", cut(80, p.Topic), p.Partition, risk))
		}
	}
	if len(all) > mostParts {
		slices.SortStableFunc(all, func(a, b seen.Partition) int { return cmp.Compare(b.Lag, a.Lag) })
		v.Hidden = len(all) - mostParts
		all = all[:mostParts]
	}
	for _, p := range all {
		one := partView{Partition: p, Risk: risk(p), Retained: "–",
			Spark: sparkOf("Lag", floats(p.History), func(n float64) string { return count(int64(n)) + " records" })}
		if p.Retained >= 0 {
			one.Retained = count(p.Retained)
		}
		v.Parts = append(v.Parts, one)
	}
}

// risk says when the brokers may begin to delete what is not settled; empty: that is not in sight.
func risk(p seen.Partition) string {
	if p.Lag <= 0 || p.Retained < 0 {
		return ""
	}
	if p.Ran { // a group that has settled nothing yet has nothing retained either: that is no danger
		return "nothing that is settled is retained any more: what the brokers delete next may be unsettled"
	}
	if p.Falls > 0 {
		if left := time.Duration(float64(p.Retained) / p.Falls * float64(time.Second)); left < 24*time.Hour {
			return "at this pace retention reaches what is not settled in about " + took(left)
		}
	}
	return ""
}

// judge says in a line how it is.
func (v *nowView) judge(now time.Time) verdict {
	f := &v.Flow
	switch {
	case v.Known && len(f.Holds) > 0:
		first := f.Holds[0]
		for _, h := range f.Holds {
			if h.Since.Before(first.Since) {
				first = h
			}
		}
		return verdict{seen.Failed, plural(len(v.Holds), "partition waits", "partitions wait"),
			"Nothing is lost and nothing is buried: it goes on by itself when the destination takes events again. The longest waits for " + since(now, first.Since) + "."}
	case v.Known && len(f.Trouble) > 0:
		return verdict{seen.Failed, "Not ready", ""}
	case slices.ContainsFunc(v.Sources, func(s Source) bool { return s.Away != "" }):
		return verdict{seen.Warned, "A source is away", "What it would tell is missing here."}
	case !v.Known:
		return verdict{seen.None, "Not known", "This page does not see a pipeline."}
	case f.Per.Records > 0 || f.Per.Events > 0:
		return verdict{seen.Passed, "Data is flowing", ""}
	case f.Records == 0:
		return verdict{seen.None, "Waiting for the first record", "Nothing has come in since " + clock(f.Began) + " UTC."}
	}
	return verdict{seen.Passed, "Idle, and well", "Everything that came in is settled or in hand; nothing came in the last seconds."}
}

// perSecond is a rate for people.
func perSecond(n float64) string {
	switch {
	case n <= 0:
		return "0"
	case n < 10:
		return fmt.Sprintf("%.1f", n)
	}
	return count(int64(n + 0.5))
}
