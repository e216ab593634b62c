package producer

import (
	"bytes"
	"context"
	"io"
	"os"
	"sync"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Console writes one event a line. It is safe for concurrent use.
type Console struct {
	mu sync.Mutex // one line at a time
	w  io.Writer
}

// NewConsole writes to w, which stays the caller's to close.
func NewConsole(w io.Writer) *Console { return &Console{w: w} }

// Deliver writes ev and a line end with one Write. A failed write is a Backend fault: a full disk, a closed pipe.
func (c *Console) Deliver(ctx context.Context, ev openlineage.Event) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.w.Write(line(ev.Body)); err != nil {
		return fault.BackendError("write", "writing event: %w", err)
	}
	return nil
}

// MaxEventBytes is 0: no cap.
func (c *Console) MaxEventBytes() int { return 0 }

// Close does nothing: the writer is the caller's.
func (c *Console) Close() error { return nil }

// line is body on a line of its own. In JSON text a line end can only stand between tokens, where a blank does as well.
func line(body []byte) []byte {
	out := make([]byte, 0, len(body)+1)
	out = append(out, bytes.TrimSpace(body)...)
	for i, b := range out {
		if b == '\n' || b == '\r' {
			out[i] = ' '
		}
	}
	return append(out, '\n')
}

// File appends one event a line to a file.
type File struct {
	*Console
	f *os.File
}

// NewFile opens or makes the file at path for appending.
func NewFile(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &File{Console: NewConsole(f), f: f}, nil
}

// Close closes the file. Its data is the system's by then, not necessarily the disk's.
func (f *File) Close() error { return f.f.Close() }
