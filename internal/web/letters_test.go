package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/internal/desk"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// fakeLetters are letters in memory, and what was ordered of them.
type fakeLetters struct {
	letters []*dlq.Letter
	ordered []desk.Order
}

func (f *fakeLetters) Number() uint64                           { return 1 }
func (f *fakeLetters) Topics(context.Context) ([]string, error) { return []string{"in.dlq"}, nil }
func (f *fakeLetters) Backend() bool                            { return true }
func (f *fakeLetters) Stop(string) bool                         { return true }
func (f *fakeLetters) Jobs() []desk.Job                         { return nil }

func (f *fakeLetters) Look(_ context.Context, _ string, see func(*dlq.Index, dlq.LiveState, error)) error {
	see(&dlq.Index{Letters: f.letters}, dlq.LiveState{Known: true, There: true}, nil)
	return nil
}

func (f *fakeLetters) Show(context.Context, string, dlq.Position) (*dlq.Shown, error) {
	l := f.letters[0]
	return &dlq.Shown{Listed: dlq.List(l), Value: l.Said.Error, Headers: []dlq.Header{{Key: l.Said.Error, Value: "a secret of a header"}}}, nil
}

func (f *fakeLetters) Foresee(_ context.Context, o desk.Order, _ bool) (*desk.Foresight, error) {
	chosen := (&dlq.Index{Letters: f.letters}).Choose(o.Filter)
	return &desk.Foresight{Letters: len(chosen), Stats: dlq.Histogram(chosen, time.Now()), Before: ranges.Extent{1: {To: 7}},
		Stale: []desk.Stale{{Warning: f.letters[0].Said.Error}}, Silent: f.letters[0].Said.Error}, nil
}

func (f *fakeLetters) Begin(o desk.Order) (string, error) {
	f.ordered = append(f.ordered, o)
	return "1", nil
}

func (f *fakeLetters) Job(id string) (desk.Job, bool) {
	text := f.letters[0].Said.Error
	return desk.Job{ID: id, All: 2, Failed: text, Order: desk.Order{Kind: desk.Replay, Topic: "in.dlq", Reason: text, By: text, Asked: text},
		Lines: []dlq.Audit{{Letter: "0/1", Topic: "in.dlq", Warning: text}}}, id == "1"
}

// lettersSaying has a letter of each of two codes; all that others wrote in them is one text.
func lettersSaying(text string) *fakeLetters {
	one := func(offset int64, code string) *dlq.Letter {
		return &dlq.Letter{Position: dlq.Position{Partition: 1, Offset: offset}, State: dlq.Pending, System: deadletter.Ours, Key: []byte(text), At: time.Now().Add(-time.Duration(offset) * time.Minute),
			Said: deadletter.Letter{Code: code, Disposition: "rejected", Error: text, Topic: text, Group: text, Part: text, Stage: text}}
	}
	return &fakeLetters{letters: []*dlq.Letter{one(1, "http_422"), one(2, "http_400")}}
}

// A filter that gets lost on the way would settle all letters.
func TestTheFilterGoesWithTheLettersFromTheListToTheDoing(t *testing.T) {
	f := lettersSaying("refused")
	s := made(t, Options{Open: true, Token: fixed(rightToken), Letters: f})
	cookie, csrf := signedIn(t, s)
	with := func(r *http.Request) { r.AddCookie(cookie) }
	list := answer(s, asked(http.MethodGet, "/letters?code=http_422&grep=refused", with)).Body.String()
	for _, kind := range []string{"replay", "discard"} {
		if want := `href="/letters/` + kind + `?code=http_422&amp;grep=refused&amp;topic=in.dlq"`; !strings.Contains(list, want) {
			t.Errorf("the list has no %s", want)
		}
	}
	page := answer(s, asked(http.MethodGet, "/letters/discard?code=http_422&topic=in.dlq&since=24h", with)).Body.String()
	if !strings.Contains(page, "1 letter would be marked") || !strings.Contains(page, `name="upto" value="1/7"`) || strings.Contains(page, `name="since" value="24h"`) {
		t.Errorf("the dry run: %s", page)
	}
	form := url.Values{"code": {"http_422"}, "topic": {"in.dlq"}, "upto": {"1/7"}, "reason": {"why"}, "by": {"ann"}, "csrf": {csrf}}
	w := answer(s, post("/letters/discard", form, with))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/letters/jobs/1" || len(f.ordered) != 1 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if o := f.ordered[0]; o.Kind != desk.Discard || o.Topic != "in.dlq" || o.Reason != "why" || o.By != "ann" || len(o.Filter.Codes) != 1 || o.Filter.Before[1].To != 7 {
		t.Errorf("%+v", o)
	}
}

func TestNothingIsOrderedByMistake(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		change func(url.Values)
		status int
	}{
		"no CSRF token":         {"/letters/replay", func(q url.Values) { q.Del("csrf") }, http.StatusForbidden},
		"an unknown filter":     {"/letters/replay", func(q url.Values) { q.Set("cod", "http_422") }, http.StatusBadRequest},
		"a wrong offset":        {"/letters/replay", func(q url.Values) { q.Set("offset", "9-1") }, http.StatusBadRequest},
		"a wrong time":          {"/letters/replay", func(q url.Values) { q.Set("since", "yesterday") }, http.StatusBadRequest},
		"a wrong choice":        {"/letters/replay", func(q url.Values) { q.Set("to", "nowhere") }, http.StatusBadRequest},
		"a negative limit":      {"/letters/replay", func(q url.Values) { q.Set("limit", "-1") }, http.StatusBadRequest},
		"nothing looked at":     {"/letters/replay", func(q url.Values) { q.Set("upto", "all") }, http.StatusBadRequest},
		"without a reason":      {"/letters/discard", func(url.Values) {}, http.StatusBadRequest},
		"a wrong partition":     {"/letters/replay", func(q url.Values) { q.Set("partition", "x") }, http.StatusBadRequest},
		"not a disposition":     {"/letters/replay", func(q url.Values) { q.Set("disposition", "poisoned") }, http.StatusBadRequest},
		"as it should be":       {"/letters/replay", func(url.Values) {}, http.StatusSeeOther},
		"of a path that is not": {"/letters/mend", func(url.Values) {}, http.StatusMethodNotAllowed},
	} {
		f := lettersSaying("refused")
		s := made(t, Options{Open: true, Token: fixed(rightToken), Letters: f})
		cookie, csrf := signedIn(t, s)
		form := url.Values{"topic": {"in.dlq"}, "upto": {"1/7"}, "csrf": {csrf}}
		c.change(form)
		w := answer(s, post(c.path, form, func(r *http.Request) { r.AddCookie(cookie) }))
		if w.Code != c.status && c.status != http.StatusMethodNotAllowed || (len(f.ordered) > 0) != (c.status == http.StatusSeeOther) {
			t.Errorf("%s: %d, %d orders: %s", name, w.Code, len(f.ordered), w.Body)
		}
		if w := answer(s, post(c.path, form)); len(f.ordered) > 1 || w.Code < 400 {
			t.Errorf("%s, without a session: %d", name, w.Code)
		}
	}
}

// What others wrote into letters and events is no markup, and a header's value is not shown.
func TestForeignTextOfLettersAndLineageIsHarmless(t *testing.T) {
	for name, text := range map[string]string{"markup": `<script>alert(1)</script><img src=x onerror=alert(1)>"'>{{.}}`, "controls": "a\x00b\x1b[2J\u202edcba\r\xff", "megabyte": strings.Repeat("n", 1<<20)} {
		g := lineage.NewGraph()
		d, e := lineage.Dataset{Namespace: text, Name: text}, lineage.Dataset{Namespace: text, Name: "made"}
		job := lineage.Job{Namespace: text, Name: text}
		g.AddJob(job, []lineage.Dataset{d}, []lineage.Dataset{e})
		g.AddCheck(&lineage.Check{Job: lineage.Job{Name: "check " + text}, Dataset: d, Run: text, At: time.Now(), Suite: text,
			Failed: []lineage.Assertion{{Type: text, Column: text, Expected: text, Actual: text, Severity: lineage.Error}, {Type: text, Severity: lineage.Warn}}})
		g.Note(text)
		s := made(t, Options{Open: true, Letters: lettersSaying(text), Lineage: func(context.Context) (lineage.Source, error) { return &lineage.Whole{Name: text, Graph: g}, nil }})
		for _, target := range []string{"/letters", "/letters?all=1&page=9", "/letters/1/1", "/letters/replay?topic=in.dlq", "/letters/discard?topic=in.dlq", "/letters/jobs/1", "/letters?since=x&grep=" + url.QueryEscape(cut(300, text)),
			"/lineage", "/lineage?dataset=made", "/lineage?dataset=made&ask=upstream", "/lineage?ask=consumers", "/lineage?ask=common", "/lineage?dataset=a", "/lineage?dataset=" + url.QueryEscape(cut(300, text))} {
			w := answer(s, asked(http.MethodGet, target))
			if w.Code >= 500 {
				t.Errorf("%s, %.60s: %d %.300s", name, target, w.Code, w.Body)
			}
			if w.Body.Len() > 1<<20 {
				t.Errorf("%s, %.60s: %d bytes", name, target, w.Body.Len())
			}
			mustBeHarmless(t, target, w)
			if strings.Contains(w.Body.String(), "a secret of a header") {
				t.Errorf("%s: a header's value", target)
			}
		}
	}
}

func TestASourceOfLineageThatIsAwayIsSaid(t *testing.T) {
	s := made(t, Options{Open: true, Lineage: func(context.Context) (lineage.Source, error) { return nil, errors.New("the backend does not answer") }})
	for _, target := range []string{"/lineage?dataset=a", "/lineage?ask=common"} {
		if body := get(t, s, target, http.StatusBadGateway); !strings.Contains(body, "The backend does not answer.") {
			t.Errorf("%s: %s", target, body)
		}
	}
	get(t, made(t, Options{Open: true}), "/lineage", http.StatusOK)
	get(t, made(t, Options{Open: true}), "/letters", http.StatusNotFound)
}

// A picture of ten thousand datasets is bounded, the nearest first.
func TestAPictureOfManyIsBounded(t *testing.T) {
	g := lineage.NewGraph()
	hub := lineage.Dataset{Name: "hub"}
	for i := range 10_000 {
		name := string(rune('a'+i%26)) + strings.Repeat("x", i%7) + time.Duration(i).String()
		g.AddJob(lineage.Job{Name: "job " + name}, []lineage.Dataset{hub}, []lineage.Dataset{{Name: name}})
	}
	s := made(t, Options{Open: true, Lineage: func(context.Context) (lineage.Source, error) { return &lineage.Whole{Name: "w", Graph: g}, nil }})
	body := get(t, s, "/lineage?name=hub&namespace=", http.StatusOK)
	if rows := strings.Count(body, "<tr data-number"); rows != mostNodes || !strings.Contains(body, "more are not shown") || !strings.Contains(body, `data-drawn="120"`) {
		t.Errorf("%d rows", rows)
	}
	if body := get(t, s, "/lineage?dataset=x", http.StatusOK); strings.Count(body, "<li>") > 60 || !strings.Contains(body, "say more of the name") {
		t.Error("the candidates are not bounded")
	}
}

// What is drawn of a large picture holds together, and shows what failed.
func TestThePartOfAPictureThatIsDrawnHoldsTogether(t *testing.T) {
	g := lineage.NewGraph()
	name := func(kind string, i int) string { return fmt.Sprintf("%s %04d", kind, i) }
	for i := range 3000 {
		g.AddJob(lineage.Job{Name: name("job", i)}, []lineage.Dataset{{Name: "hub"}}, []lineage.Dataset{{Name: name("made", i)}})
	}
	bad := lineage.Dataset{Name: name("made", 2999)}
	g.AddCheck(&lineage.Check{Job: lineage.Job{Name: "check"}, Dataset: bad, Run: "r", At: time.Now(), Failed: []lineage.Assertion{{Type: "a", Severity: lineage.Error}}})
	p, err := lineage.Around(t.Context(), &lineage.Whole{Name: "w", Graph: g}, lineage.Dataset{Name: "hub"}, usualDepth, lineage.Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	var v lineageView
	v.draw(p)
	linked := map[int]bool{0: true}
	failed := 0
	for i := range v.Nodes[:v.Drawn] {
		if !linked[i] && v.Nodes[i].Kind == lineage.DatasetNode {
			t.Fatalf("%s stands alone", v.Nodes[i].Name)
		}
		for _, to := range v.Nodes[i].To {
			linked[to] = true
		}
		if v.Nodes[i].Quality == lineage.Failed {
			failed++
		}
	}
	if v.Nodes[0].Name != "hub" || failed != 1 || len(v.Nodes) != mostNodes || v.Hidden != 6001-mostNodes {
		t.Errorf("%s, %d failed, %d nodes, %d hidden", v.Nodes[0].Name, failed, len(v.Nodes), v.Hidden)
	}
}
