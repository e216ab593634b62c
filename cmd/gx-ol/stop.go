package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// sameStop is for how long signals count as one stop: timeout(1) signals the process and then its group, and a terminal's ctrl-c reaches it beside whatever
// started it and hands it on.
const sameStop = 500 * time.Millisecond

// untilSignal is a context that the first signal ends. A signal that is not of the same stop calls end, which ends the process at once. The goroutine waits for
// signals for as long as there is a process.
func untilSignal(ctx context.Context, signals <-chan os.Signal, end func(os.Signal)) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		var first time.Time
		for sig := range signals {
			switch {
			case first.IsZero():
				first = time.Now()
				cancel()
			case time.Since(first) > sameStop:
				end(sig)
			}
		}
		cancel()
	}()
	return ctx
}

// errStopped is that a signal ended what a command was asked to do before it was done.
var errStopped = errors.New("stopped")

// stopped makes an error that a signal caused one of the same words everywhere.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return errStopped
	}
	return err
}

// awaited is what f reads, unless ctx ends first. Nothing can wake whoever reads a terminal or a pipe, so f is left to it then: its goroutine ends with the
// process, which is about to end.
func awaited[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, errStopped
	}
}

// sayStopping tells, when ctx ends, that the process stops and what it waits for. quiet ends that.
func sayStopping(ctx context.Context, tell func()) (quiet func()) {
	done, said := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(said)
		select {
		case <-ctx.Done():
			tell()
		case <-done:
		}
	}()
	return func() {
		close(done)
		<-said
	}
}

// readInput reads a file and its modification time, or stdin, which has none. A file may be a pipe too.
func readInput(ctx context.Context, name string, stdin io.Reader) (value []byte, modified time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return nil, modified, errStopped
	}
	if name == "-" {
		value, err = awaited(ctx, func() ([]byte, error) { return io.ReadAll(stdin) })
		return value, modified, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, modified, err
	}
	if info.IsDir() {
		return nil, modified, fmt.Errorf("%s is a folder", name)
	}
	value, err = awaited(ctx, func() ([]byte, error) { return os.ReadFile(name) })
	return value, info.ModTime(), err
}
