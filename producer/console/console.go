// Package console writes events as lines: to a terminal, or to a file.
package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Config describes the console.
type Config struct {
	Out io.Writer // stays the caller's to close
}

// Validate checks cfg.
func (c Config) Validate() error {
	if c.Out == nil {
		return errors.New("console: nothing to write to")
	}
	return nil
}

// Destination writes one event a line. It is safe for concurrent use.
type Destination struct {
	mu   sync.Mutex // one line at a time
	w    io.Writer
	file *os.File // that NewFile opened; nil: the writer is the caller's
}

// New makes the destination.
func New(cfg Config) (*Destination, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Destination{w: cfg.Out}, nil
}

// FileConfig describes a file.
type FileConfig struct {
	Path string // is appended to, and made if it is missing
}

// Validate checks what can be checked without the file.
func (c FileConfig) Validate() error {
	if c.Path == "" {
		return errors.New("log_file_path: must not be empty")
	}
	return nil
}

// NewFile opens or makes the file for appending.
func NewFile(cfg FileConfig) (*Destination, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(cfg.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Destination{w: f, file: f}, nil
}

// Deliver writes ev and a line end with one Write. A failed write is a Backend fault: a full disk, a closed pipe.
func (d *Destination) Deliver(ctx context.Context, ev openlineage.Event) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.w.Write(line(ev.Body)); err != nil {
		return fault.BackendError("write", "writing event: %w", err)
	}
	return nil
}

// MaxEventBytes is 0: no cap.
func (d *Destination) MaxEventBytes() int { return 0 }

// Close closes the file that NewFile opened. Its data is the system's by then, not necessarily the disk's.
func (d *Destination) Close() error {
	if d.file == nil {
		return nil
	}
	if err := d.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

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
