package app

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/config"
)

// What input.filter leaves out is no result that somebody waits for.
func TestThePageShowsWhatTheFilterTakes(t *testing.T) {
	cfg, err := config.Parse("test", []byte("kafka: {bootstrap.servers: \"127.0.0.1:1\"}\ninput: {topics: [in], group: g, filter: {exclude: [{suite: left}]}}\n"), nothing)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMapping(cfg, Process{}, 0, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	o, r := &onlooker{cfg: cfg, mapping: m}, &recordReader{cfg: cfg, mapping: func() Mapping { return m }}
	for _, c := range []struct {
		value string
		want  int
	}{
		{suiteResult("taken", "w", true), 1},
		{suiteResult("left", "w", true), 0},
		{"[" + suiteResult("taken", "w", true) + "," + suiteResult("left", "w", true) + "]", 1},
	} {
		rec := &kgo.Record{Topic: "in", Value: []byte(c.value)}
		runs, err := o.events(rec)
		if err != nil || len(runs) != c.want {
			t.Errorf("%s: %d runs are seen, %v; want %d", c.value, len(runs), err, c.want)
		}
		if c.want == 0 {
			continue
		}
		if shown, err := r.mapped(rec); err != nil || len(shown.Runs) != c.want {
			t.Errorf("%s: %d runs are shown, %v; want %d", c.value, len(shown.Runs), err, c.want)
		}
	}
}
