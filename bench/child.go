package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gx-ol/gx-ol/test/process"
)

// child is a process that the bench started. It ends with the bench: gx-ol by its signal, the others also because their input ends.
type child struct {
	cmd   *exec.Cmd
	input io.Closer
	log   string        // the file of what it says
	ended chan struct{} // closed when it has
}

// start starts the bench again in another part, and reads what it says when it is ready into up (nil: nothing).
func (e *estate) start(ctx context.Context, up any, args ...string) (*child, error) {
	return e.launch(ctx, up, e.self, args...)
}

func (e *estate) launch(ctx context.Context, up any, binary string, args ...string) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, binary, args...), log: filepath.Join(e.dir, e.name("said")), ended: make(chan struct{})} //nolint:gosec // our own arguments
	c.cmd.Env, c.cmd.Dir = process.CleanEnv(), e.dir
	said, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = said.Close() }()
	c.cmd.Stderr = said
	var ready io.Reader
	if up == nil {
		c.cmd.Stdout = said
	} else if ready, err = c.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if c.input, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if up != nil {
		line, err := bufio.NewReader(ready).ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, up)
		}
		if err != nil {
			_ = c.cmd.Process.Kill()
			_ = c.cmd.Wait()
			return nil, fmt.Errorf("starting %v: %w: %s", args, err, c.said())
		}
	}
	go func() {
		_ = c.cmd.Wait() // its state is what counts
		close(c.ended)
	}()
	return c, nil
}

// said is the end of what it said.
func (c *child) said() string {
	b, _ := os.ReadFile(c.log)
	return process.Tail(string(b))
}

// running tells whether it still does.
func (c *child) running() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// usage is what it cost so far.
func (c *child) usage() usage {
	if u, ok := usageOf(c.cmd.Process.Pid); ok {
		return u
	}
	<-c.ended
	return usageAtEnd(c.cmd.ProcessState)
}

// stop asks it to end, and ends it if it does not within 15 s.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	_ = c.input.Close()
	select {
	case <-c.ended:
	case <-time.After(15 * time.Second):
		c.kill()
	}
}

// kill is kill -9.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
}
