package outage

import (
	"fmt"
	"sync"
	"time"
)

// overdueAfter is how long an attempt may last before its partition counts as held: a backend that hangs is one that is away, long before the attempt's
// own timeout says so.
const overdueAfter = 5 * time.Second

// overdue is the code of such a hold.
const overdue = "overdue"

// underway are the attempts that have begun and not ended, oldest first. They are a list through the records themselves, so that an attempt that
// goes well costs two short locks and no memory.
type underway struct {
	mu    sync.Mutex // guards all below, and the links of the Holders in it
	first *Holder
	last  *Holder
}

// link is a record's place among the attempts under way.
type link struct {
	began        time.Time
	older, newer *Holder
}

func (u *underway) add(h *Holder, began time.Time) {
	if h == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	h.under = link{began: began, older: u.last}
	if u.last == nil {
		u.first = h
	} else {
		u.last.under.newer = h
	}
	u.last = h
}

func (u *underway) remove(h *Holder) {
	if h == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if h.under.older == nil {
		u.first = h.under.newer
	} else {
		h.under.older.under.newer = h.under.newer
	}
	if h.under.newer == nil {
		u.last = h.under.older
	} else {
		h.under.newer.under.older = h.under.older
	}
	h.under = link{}
}

// overdue calls with each partition that has an attempt which began before the time, and when its oldest did.
func (u *underway) overdue(before time.Time, tell func(at place, since time.Time)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := make(map[place]bool)
	for h := u.first; h != nil && h.under.began.Before(before); h = h.under.newer {
		if at := (place{h.Topic, h.Partition}); !seen[at] {
			seen[at] = true
			tell(at, h.under.began)
		}
	}
}

// hangs is the hold of a partition whose attempt has no answer yet.
func hangs(at place, destination string, since time.Time) Hold {
	return Hold{Topic: at.topic, Partition: at.partition, Destination: destination, Code: overdue,
		Reason: fmt.Sprintf("an attempt has no answer yet, after %s", time.Since(since).Round(time.Second)), Since: since}
}
