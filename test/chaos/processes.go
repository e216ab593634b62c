package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gx-ol/gx-ol/test/process"
)

// fleet is the gx-ol processes of one consumer group.
type fleet struct {
	binary string
	plant  string                 // for the planted binary: which bug
	dir    string                 // configuration and logs
	config func(id string) string // of a process
	grace  time.Duration

	restarting sync.Mutex // one starts at a time

	mu      sync.Mutex // guards below: a process that was frozen is ended while the plan goes on
	members []*member
	started int // numbers the processes
}

// member is one running process.
type member struct {
	id   string // its client.id: no two processes have the same
	cmd  *exec.Cmd
	log  string
	said int64         // bytes of log from before it
	done chan struct{} // closed when it has ended

	killed atomic.Bool // by us
}

func (f *fleet) start(name string) (*member, error) {
	f.mu.Lock()
	f.started++
	id := fmt.Sprint(name, ".", f.started)
	f.mu.Unlock()
	path := filepath.Join(f.dir, name+".yaml")
	if err := os.WriteFile(path, []byte(f.config(id)), 0o600); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(f.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has its own
	before, err := log.Stat()
	if err != nil {
		return nil, err
	}
	m := &member{id: id, cmd: exec.Command(f.binary, "run", "--config", path), done: make(chan struct{}), log: log.Name(), said: before.Size()} //nolint:gosec,noctx // ends with the fleet
	m.cmd.Dir = f.dir
	m.cmd.Env = append(process.CleanEnv(), "GX_OL_PLANT="+f.plant)
	if f.plant == "" {
		m.cmd.Env = process.CleanEnv()
	}
	m.cmd.Stdout, m.cmd.Stderr = log, log
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = m.cmd.Wait() // the exit code tells
		close(m.done)
	}()
	return m, nil
}

// member is member n as it is now.
func (f *fleet) member(n int) *member {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.members[n]
}

// all are the members as they are now.
func (f *fleet) all() []*member {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.members)
}

// again starts member n in place of one that has ended; nothing if somebody has done so already.
func (f *fleet) again(n int, ended *member) error {
	f.restarting.Lock()
	defer f.restarting.Unlock()
	if f.member(n) != ended {
		return nil
	}
	m, err := f.start(fmt.Sprint("gx-ol-", n))
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.members[n] = m
	f.mu.Unlock()
	return nil
}

// begin starts all members.
func (f *fleet) begin() error {
	for n := range f.all() {
		if err := f.again(n, nil); err != nil {
			return err
		}
	}
	return nil
}

// awaitWords waits until each member has begun.
func (f *fleet) awaitWords() {
	for _, m := range f.all() {
		m.awaitWord()
	}
}

// ended is an error that names a member which has ended though nobody ended it, and its last words.
func (f *fleet) ended() error {
	for _, m := range f.all() {
		select {
		case <-m.done:
		default:
			continue
		}
		if m.killed.Load() {
			continue // whoever killed it starts it again
		}
		log, _ := os.ReadFile(m.log)
		lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
		return fmt.Errorf("process %s ended by itself (%s); its last words: %s", m.id, m.cmd.ProcessState, lines[len(lines)-1])
	}
	return nil
}

// kill ends all members.
func (f *fleet) kill() {
	for _, m := range f.all() {
		if m != nil {
			m.kill()
		}
	}
}

// kill is kill -9.
func (m *member) kill() {
	m.killed.Store(true)
	_ = m.cmd.Process.Kill() // an error means that it has ended
	<-m.done
}

// signal sends a signal, to whoever is still there.
func (m *member) signal(sig syscall.Signal) error {
	if err := m.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// stop is SIGTERM. Its error says that the process did not end with 0 within the grace.
func (m *member) stop(grace time.Duration) error {
	m.awaitWord()
	if err := m.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-m.done:
	case <-time.After(grace):
		m.kill()
		return fmt.Errorf("still there %s after SIGTERM", grace)
	}
	if code := m.cmd.ProcessState.ExitCode(); code != 0 && !m.killed.Load() {
		return fmt.Errorf("exit code %d after SIGTERM", code)
	}
	return nil
}

// awaitWord waits until the process has said something, or has ended: one that has not come as far as to listen for signals is ended by the system, not by itself.
func (m *member) awaitWord() {
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		if now, err := os.Stat(m.log); err != nil || now.Size() > m.said {
			return
		}
		select {
		case <-m.done:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// visit lets one more member join the group and leave it again.
func (f *fleet) visit() error {
	m, err := f.start("visitor")
	if err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // to start, to join, and to get a partition that another has to give up first
	return m.stop(f.grace)
}
