package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// watching runs a watcher until stop, which gives its error.
func (e *estate) watching(change ...func(*Publisher)) (stop func() error) {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	ended := make(chan error, 1)
	p := e.publisher(change...)
	go func() {
		_, err := p.Watch(ctx)
		ended <- err
	}()
	e.t.Cleanup(cancel)
	return func() error {
		cancel()
		return <-ended
	}
}

func (e *estate) await(names ...string) {
	e.t.Helper()
	eventually(e.t, fmt.Sprintf("%v are published", names), func() bool { return len(e.records("results")) >= len(names) })
	want(e.t, e.published(), names...)
}

func TestAWatcherPublishesWhatComesHoweverItIsWritten(t *testing.T) {
	for name, scan := range map[string]time.Duration{"told by the system": time.Hour, "found by looking": 30 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			e := newEstate(t)
			e.write(placeOf("orders", 0), result("orders", 0))
			stop := e.watching(func(p *Publisher) { p.Scan, p.deaf = scan, scan < time.Second })
			names := []string{"orders 01-01"}
			e.await(names...)

			tmp := e.write("tmp/x.json.tmp", result("orders", 1)) // renamed into place, in a new folder
			into := filepath.Join(e.root, placeOf("orders", 1))
			if err := os.MkdirAll(filepath.Dir(into), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(tmp, into); err != nil {
				t.Fatal(err)
			}
			names = append(names, "orders 01-02")
			e.await(names...)

			text := result("orders", 2) // written in place, in pieces
			file, err := os.Create(filepath.Join(e.root, "in place.json"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			for i := range text {
				if _, err := file.WriteString(text[i : i+1]); err != nil {
					t.Fatal(err)
				}
			}
			names = append(names, "orders 01-03")
			e.await(names...)

			e.write("a/b/c/d/e/f/g/"+placeOf("orders", 3), result("orders", 3)) // deep, all at once
			names = append(names, "orders 01-04")
			e.await(names...)

			e.write(placeOf("orders", 0), result("orders", 4)) // rewritten
			names = append(names, "orders 01-05")
			e.await(names...)
			if err := stop(); err != nil {
				t.Error(err)
			}
			if bads := e.notes(&e.bads); len(bads) > 0 {
				t.Errorf("%q", bads)
			}
			stop = e.watching() // again: nothing is new
			e.write(placeOf("orders", 9), result("orders", 9))
			e.await(append(names, "orders 01-10")...)
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A system tells of a new file, and of each new folder above it: all in one turn, if this process was busy.
func TestAFileOfWhichTheSystemTellsSeveralTimesIsPublishedOnce(t *testing.T) {
	e := newEstate(t)
	ctx, p := t.Context(), e.publisher()
	s, err := p.Place.begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	p.session = s
	file := placeOf("orders", 0)
	e.write(file, result("orders", 0))
	e.write("unnamed/b.json", result("orders", 1)) // its folder does not say when it ran
	told := []string{"unnamed", "unnamed/b.json", "."}
	for folder := file; folder != "."; folder = filepath.Dir(folder) {
		told = append(told, folder)
	}
	if err := p.look(ctx, false, told); err != nil {
		t.Fatal(err)
	}
	want(t, e.published(), "orders 01-01", "orders 01-02")
	if p.counts.Published != 2 {
		t.Errorf("%d are counted", p.counts.Published)
	}
}

func TestAWatcherNeverPublishesHalfAFileAndSaysSoOnce(t *testing.T) {
	e := newEstate(t)
	stop := e.watching(func(p *Publisher) { p.Patience = 50 * time.Millisecond })
	half := result("orders", 1)
	e.write("half.json", half[:len(half)-2])
	eventually(t, "the half file is told", func() bool { return len(e.notes(&e.bads)) > 0 })
	e.write("other.json", result("orders", 2))
	e.await("orders 01-03")
	e.write("third.json", result("orders", 3))
	e.await("orders 01-03", "orders 01-04")
	if bads := e.notes(&e.bads); len(bads) != 1 || !strings.Contains(bads[0], "half.json") {
		t.Errorf("%q", bads)
	}
	e.write("half.json", half)
	e.await("orders 01-03", "orders 01-04", "orders 01-02")
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// The brokers fail in the middle: the session is made anew, and what they may or may not have committed is asked of the ledger.
func TestAWatcherLivesThroughAnOutageOfTheBrokers(t *testing.T) {
	e := newEstate(t)
	stop := e.watching()
	eventually(t, "it watches", func() bool { return len(e.notes(&e.said)) == 1 })
	e.cluster.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) { // once
		resp := req.ResponseKind().(*kmsg.EndTxnResponse)
		resp.ErrorCode = kerr.UnknownServerError.Code
		return resp, nil, true
	})
	e.write(placeOf("orders", 1), result("orders", 1))
	eventually(t, "it goes on", func() bool { said := e.notes(&e.said); return said[len(said)-1] == "it goes on" })
	e.write(placeOf("orders", 2), result("orders", 2))
	e.await("orders 01-02", "orders 01-03")
	if said := e.notes(&e.said); len(said) != 3 || !strings.HasPrefix(said[1], "waiting: ") {
		t.Errorf("%q", said)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestOfTwoWatchersOfAStoreTheLaterOneLives(t *testing.T) {
	e := newEstate(t)
	ended := make(chan error, 1)
	p := e.publisher()
	go func() {
		_, err := p.Watch(t.Context())
		ended <- err
	}()
	eventually(t, "the first one watches", func() bool { return len(e.notes(&e.said)) > 0 })
	stop := e.watching()
	other := e.watching(func(p *Publisher) { p.Place.Store = "another name"; p.Form.Topic = "results"; p.Since = time.Now() })
	eventually(t, "the others watch", func() bool { return len(e.notes(&e.said)) > 2 })
	e.write(placeOf("orders", 1), result("orders", 1))
	select {
	case err := <-ended:
		if !errors.Is(err, ErrFenced) {
			t.Errorf("the first one ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the first one goes on")
	}
	e.await("orders 01-02")
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := other(); err != nil {
		t.Error(err)
	}
}
