package publish

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/gx-ol/gx-ol/internal/store"
)

// waiting is a file that is not whole JSON.
type waiting struct {
	stamp string
	since time.Time // when it was first seen with that stamp
}

// again is after how long a file that is not whole is read again.
const again = time.Second

// waits says whether a file is to be waited for. One that stays broken is not published: half a result is no result.
func (p *Publisher) waits(f *file) bool {
	if !f.broken {
		delete(p.waiting, f.Path)
		return false
	}
	w, ok := p.waiting[f.Path]
	if !ok || w.stamp != f.Stamp {
		w = waiting{f.Stamp, time.Now()}
		p.waiting[f.Path] = w
	}
	if time.Since(w.since) < p.Patience {
		return true
	}
	delete(p.waiting, f.Path)
	return false
}

// Watch publishes what the ledger does not have, and then what comes, until ctx ends; it has no error then. While the brokers or the store are away it waits. It
// ends with an error if that was so at its start, and with ErrFenced if another process takes over.
func (p *Publisher) Watch(ctx context.Context) (Counts, error) {
	defer func() {
		if p.session != nil {
			p.session.close()
		}
	}()
	from := p.Store
	if p.deaf {
		from = nil
	}
	news := follow(ctx, from, p.Say)
	defer news.close()
	pause := backoff.NewExponentialBackOff(backoff.WithMaxInterval(30*time.Second), backoff.WithMaxElapsedTime(0))
	said := ""
	for started := false; ; {
		err := p.follow(ctx, news, func() {
			if said != "" {
				p.Say("it goes on")
			} else if !started {
				p.Say("watching %s", p.Store.Name())
			}
			started, said = true, ""
			pause.Reset()
		})
		if ctx.Err() != nil {
			return p.counts, nil
		}
		if _, brokers := errors.AsType[lost](err); brokers && p.session != nil {
			p.session.close()
			p.session = nil
		}
		if !started || forGood(err) {
			return p.counts, err
		}
		if err.Error() != said {
			said = err.Error()
			p.Say("waiting: %v", err)
		}
		if sleep(ctx, pause.NextBackOff()) != nil {
			return p.counts, nil
		}
	}
}

// follow looks through the store, tells well, and goes on with what is new until something is wrong.
func (p *Publisher) follow(ctx context.Context, news *news, well func()) error {
	if p.session == nil {
		s, err := p.Place.begin(ctx)
		if err != nil {
			return err
		}
		p.session = s
	}
	scan := time.NewTicker(p.Scan)
	defer scan.Stop()
	retry := time.NewTicker(again)
	defer retry.Stop()
	whole, some := true, []string(nil)
	for {
		if whole {
			news.everywhere(ctx)
		}
		if err := p.look(ctx, whole, some); err != nil {
			return err
		}
		well()
		p.progress() // a line that had to wait for its time
		whole, some = false, nil
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-scan.C:
			whole = true
		case <-news.wake:
			some, whole = news.take()
		case <-retry.C:
			for path := range p.waiting {
				some = append(some, path)
			}
		}
	}
}

// look publishes what is new in the whole store, or in some parts of it.
func (p *Publisher) look(ctx context.Context, whole bool, some []string) error {
	if whole {
		return p.everything(ctx, p.session, p.session.known, true)
	}
	folder, ok := p.Store.(*store.Folder)
	if !ok || len(some) == 0 {
		return nil
	}
	var all []store.Object
	for _, path := range some {
		found := false
		if err := folder.Below(ctx, path, func(o store.Object) error {
			found = true
			if p.wanted(p.session.known, o) {
				all = append(all, o)
			}
			return nil
		}); err != nil {
			return err
		}
		if !found {
			delete(p.waiting, path)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return p.pass(ctx, all, p.session, p.session.known, true)
}

// sleep waits, unless ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
