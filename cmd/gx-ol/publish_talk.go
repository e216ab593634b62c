package main

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	results "github.com/gx-ol/gx-ol/internal/publish"
)

// storeTalk tells how publishing a store goes on: a bar on a terminal, else a line now and then.
type storeTalk struct {
	a *process

	mu    sync.Mutex // guards below: a watcher's changes are told beside it
	bar   *progressbar.ProgressBar
	total int
	last  time.Time // of the last line
	said  int       // results that it told
}

// talkEvery is how often a line is written where there is no terminal.
const talkEvery = 10 * time.Second

func newStoreTalk(a *process, watch bool) *storeTalk {
	t := &storeTalk{a: a, last: time.Now()}
	if watch {
		t.last = time.Time{} // the first result is told at once
	}
	return t
}

func (t *storeTalk) bad(path string, err error) { t.say("%s: %v", path, err) }

// say tells one thing.
func (t *storeTalk) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bar != nil {
		_ = t.bar.Clear() // a bar that cannot be drawn stops nothing
	}
	say(t.a.stderr, "gx-ol: "+format+"\n", args...)
}

func (t *storeTalk) progress(c results.Counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if isTerminal(t.a.stderr) {
		t.draw(c)
		return
	}
	if time.Since(t.last) < talkEvery || c.Published == t.said {
		return
	}
	t.last, t.said = time.Now(), c.Published
	if c.Done < c.Total {
		say(t.a.stderr, "published %s, file %d of %d\n", plural(c.Published, "result"), c.Done, c.Total)
		return
	}
	say(t.a.stderr, "published %s\n", plural(c.Published, "result"))
}

// draw moves the bar, which there is while files wait for their turn.
func (t *storeTalk) draw(c results.Counts) {
	if c.Total != t.total || t.bar == nil {
		t.finish()
		if c.Done >= c.Total {
			return
		}
		t.total = c.Total
		t.bar = progressbar.NewOptions(c.Total, progressbar.OptionSetWriter(t.a.stderr), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
			progressbar.OptionSetDescription("publishing"), progressbar.OptionClearOnFinish())
	}
	_ = t.bar.Set(c.Done)
	if c.Done >= c.Total {
		t.finish()
	}
}

func (t *storeTalk) finish() {
	if t.bar != nil {
		_ = t.bar.Finish()
		t.bar = nil
	}
}

// end takes the bar away.
func (t *storeTalk) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finish()
}
