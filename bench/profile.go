package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// profile leaves profiles of a run that does not count, since being profiled costs something.
func (w *relayWork) profile(ctx context.Context, rate float64) error {
	return w.e.profiled(ctx, w.topic, float64(w.n)/max(rate, 1), func(at string) error {
		_, err := w.once(ctx, "gx-ol", at)
		return err
	})
}

// profileHTTP is the same over HTTP, with a backend that answers at once.
func (e *estate) profileHTTP(ctx context.Context, source *kafka, n int, rate float64) error {
	return e.profiled(ctx, "http", float64(n)/max(rate, 1), func(at string) error {
		_, err := e.httpGxol(ctx, source, "0s", n, at)
		return err
	})
}

// profiled leaves profiles of a run of about so many seconds, whose gx-ol listens where it is told to.
func (e *estate) profiled(ctx context.Context, name string, seconds float64, run func(at string) error) error {
	at, err := freeAddr(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- e.profiles(ctx, at, name, seconds) }()
	err = run(at)
	cancel()
	if failed := <-done; err == nil {
		err = failed
	}
	return err
}

// profiles fetches a CPU profile of most of a run that lasts about so many seconds, and then what was allocated.
func (e *estate) profiles(ctx context.Context, addr, name string, seconds float64) error {
	dir, err := filepath.Abs(e.set.profile)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for fetch(ctx, "http://"+addr+"/healthz", io.Discard) != nil {
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("profiling: %w", err)
		}
	}
	cpu := fmt.Sprintf("profile?seconds=%d", max(1, min(20, int(seconds*0.7))))
	for _, p := range [][2]string{{cpu, "cpu"}, {"allocs", "allocs"}} { // in this order: the run ends soon after the first
		if err := keep(ctx, "http://"+addr+"/debug/pprof/"+p[0], filepath.Join(dir, name+"."+p[1]+".pprof")); err != nil {
			return fmt.Errorf("profiling: %w", err)
		}
	}
	return nil
}

func keep(ctx context.Context, url, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(fetch(ctx, url, f), f.Close())
}

func fetch(ctx context.Context, url string, into io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	_, err = io.Copy(into, res.Body)
	return err
}

// lastLine is the last line of what a process said.
func lastLine(said string) string {
	said = strings.TrimSpace(said)
	return said[strings.LastIndexByte(said, '\n')+1:]
}
