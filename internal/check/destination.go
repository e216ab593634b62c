package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// Target is a destination. One of its fields says what it is.
type Target struct {
	Name string // as logs and metrics call it
	Path string // of its keys in the configuration

	HTTP    *Backend // an OpenLineage backend
	Topic   string   // of a Kafka destination
	Cluster *Cluster // of that topic; nil: the input's
	File    string   // path of a file; "-": the console

	LargestEvent int // bytes that an event may have; 0: no cap
}

func (p *Plan) destinations(ctx context.Context) []Result {
	return each(p.Targets, func(t Target) []Result {
		var found []Result
		switch {
		case t.HTTP != nil:
			found = t.HTTP.look(ctx, t)
		case t.Topic != "":
			found = p.outputTopic(ctx, t)
		case t.File == "-":
			found = []Result{{Status: OK, Text: "the console takes every event"}}
		default:
			found = []Result{fileTarget(t)}
		}
		for i := range found {
			if found[i].Of == "" {
				found[i].Of = t.Name
			}
		}
		return found
	})
}

// outputTopic looks at the topic of a Kafka destination, and first at its brokers where they are others.
func (p *Plan) outputTopic(ctx context.Context, t Target) (found []Result) {
	c := t.Cluster
	if c == nil {
		c = p.Kafka
	} else {
		found = c.brokers(ctx)
		if failed(found) {
			return append(found, Result{Of: t.Topic, Status: Warn, Text: "not tried: the destination's brokers cannot be used"})
		}
		for _, r := range c.advertised(ctx) {
			if r.Status != OK {
				found = append(found, r)
			}
		}
	}
	if p.TransactionalID != "" && c != p.Kafka {
		if same, err := sameCluster(ctx, p.Kafka, c); err == nil && !same {
			found = append(found, Result{Of: t.Topic, Status: Fail, Key: "delivery", Text: "the destination is on another Kafka cluster than the input, and a transaction is of one",
				Hint: "drop " + t.Path + ".config, or use delivery: at_least_once"})
		}
	}
	out, err := c.topic(ctx, t.Topic)
	if err != nil {
		return append(found, Result{Of: t.Topic, Status: Fail, Text: c.diagnose(err), Key: t.Path + ".topic"})
	}
	r := c.usable(ctx, out, mayWrite, t.Path+".topic")
	found = append(found, r)
	if r.Status != OK {
		return found
	}
	if most := number(c.settings(ctx, t.Topic)[maxMessageBytes]); most > 0 && (t.LargestEvent == 0 || int64(t.LargestEvent) > most) && most < 1<<20-1<<16 {
		found = append(found, Result{Of: t.Topic, Status: Warn, Key: t.Path + ".max_event_bytes", Text: fmt.Sprintf("its max.message.bytes is %d: larger events are refused and their messages buried", most),
			Hint: fmt.Sprintf("raise it on the topic, or set %s.max_event_bytes below it", t.Path)})
	}
	return found
}

// fileTarget looks at a file without making it.
func fileTarget(t Target) Result {
	r := Result{Of: t.File, Status: Fail, Key: t.Path + ".log_file_path"}
	f, err := os.OpenFile(t.File, os.O_APPEND|os.O_WRONLY, 0)
	switch {
	case err == nil:
		_ = f.Close()
		return Result{Of: t.File, Status: OK, Text: "can be appended to"}
	case !errors.Is(err, fs.ErrNotExist):
		r.Text = "cannot be written: " + errors.Unwrap(err).Error()
		return r
	}
	folder, err := os.Stat(filepath.Dir(t.File))
	switch {
	case err != nil:
		r.Text, r.Hint = "its folder cannot be used: "+errors.Unwrap(err).Error(), "create "+filepath.Dir(t.File)
	case !folder.IsDir():
		r.Text = filepath.Dir(t.File) + " is no folder"
	case folder.Mode().Perm()&0o222 == 0:
		r.Text = "does not exist, and nobody may make files in its folder"
	default:
		return Result{Of: t.File, Status: OK, Text: "does not exist yet: run makes it"}
	}
	return r
}

// telemetry tells whether the address of the metrics is free, by taking it for a moment.
func (p *Plan) telemetry(ctx context.Context) []Result {
	if p.Listen == "" || p.Listen == "off" {
		return []Result{{Status: OK, Text: "off: no metrics, no health"}}
	}
	return listens(ctx, Result{Of: p.Listen, Key: "telemetry.listen"}, "the address of /metrics, /healthz and /readyz is free", "by gx-ol run", ", or off")
}

// listens takes an address for a moment. r says which, and of which key; by is who may have it already, and or what may be set instead of an address.
func listens(ctx context.Context, r Result, free, by, or string) []Result {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", r.Of)
	switch {
	case err == nil:
		_ = l.Close()
		return []Result{{Of: r.Of, Status: OK, Text: free}}
	case errors.Is(err, syscall.EADDRINUSE):
		r.Status, r.Text, r.Hint = Warn, "the address is in use on this machine: "+by+", which is well, or by something else", "set "+r.Key+" to another address"+or
	default:
		r.Status, r.Text, r.Hint = Fail, "cannot be listened on: "+cause(err), "set "+r.Key+" to an address of the machine that runs gx-ol"+or
	}
	return []Result{r}
}
