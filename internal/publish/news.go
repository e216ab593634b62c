package publish

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"

	"github.com/gx-ol/gx-ol/internal/store"
)

// news are the changes that a folder's system tells of. They only make it quicker: network file systems tell of nothing, and a system may lose some, so what
// counts is the look through the whole store. A bucket has none.
type news struct {
	watcher *fsnotify.Watcher // nil: none
	root    string
	say     func(string, ...any)
	wake    chan struct{} // holds one
	done    chan struct{}

	mu    sync.Mutex // guards below
	dirty map[string]bool
	whole bool // some were lost
	blind bool // said that not every folder is told of
}

// follow begins to listen; end it with close.
func follow(ctx context.Context, s store.Store, say func(string, ...any)) *news {
	n := &news{say: say, wake: make(chan struct{}, 1), done: make(chan struct{}), dirty: make(map[string]bool)}
	folder, ok := s.(*store.Folder)
	if !ok {
		close(n.done)
		return n
	}
	n.root = folder.Root()
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		n.unseen(err)
		close(n.done)
		return n
	}
	n.watcher = watcher
	go n.listen(ctx)
	return n
}

// listen gathers what changes, until the watcher is closed.
func (n *news) listen(ctx context.Context) {
	defer close(n.done)
	for {
		select {
		case ev, ok := <-n.watcher.Events:
			if !ok {
				return
			}
			if ev.Op == fsnotify.Chmod || ev.Has(fsnotify.Remove) && !ev.Has(fsnotify.Create) {
				continue
			}
			if ev.Has(fsnotify.Create) {
				n.below(ctx, ev.Name) // before it is looked through: what comes later is told
			}
			n.note(ev.Name)
		case err, ok := <-n.watcher.Errors:
			if !ok {
				return
			}
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				n.unseen(err)
			}
			n.mu.Lock()
			n.whole = true
			n.mu.Unlock()
			n.ring()
		}
	}
}

// note takes in that something changed.
func (n *news) note(name string) {
	rel, err := filepath.Rel(n.root, name)
	if err != nil {
		return
	}
	n.mu.Lock()
	n.dirty[filepath.ToSlash(rel)] = true
	n.mu.Unlock()
	n.ring()
}

func (n *news) ring() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// take gives what has changed since it was last asked.
func (n *news) take() (paths []string, whole bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for path := range n.dirty {
		paths = append(paths, path)
	}
	whole = n.whole
	n.whole = false
	clear(n.dirty)
	return paths, whole
}

// everywhere asks to be told of every folder of the store.
func (n *news) everywhere(ctx context.Context) {
	if n.watcher != nil {
		n.below(ctx, n.root)
	}
}

// below asks to be told of a folder and those in it. What is no folder, or is gone, is passed over.
func (n *news) below(ctx context.Context, name string) {
	err := filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil || !d.IsDir():
			return nil //nolint:nilerr // the look through the store meets it too
		case path != n.root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		}
		err = n.watcher.Add(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil && ctx.Err() == nil {
		n.unseen(err)
	}
}

// unseen says once that changes are not told.
func (n *news) unseen(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if errors.Is(err, fsnotify.ErrClosed) || n.blind {
		return
	}
	n.blind = true
	n.say("the system does not tell of every change (%v): new files are found by looking through the store", err)
}

// close ends it.
func (n *news) close() {
	if n.watcher != nil {
		_ = n.watcher.Close()
	}
	<-n.done
}
