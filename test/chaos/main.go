// Command chaos proves gx-ol's guarantees: it runs several gx-ol processes of one consumer group against Apache Kafka itself,
// lets everything go wrong that a seed decides, and then judges what arrived.
//
//	go run ./test/chaos                                   # a short one, two minutes
//	go run ./test/chaos -records 500000 -kills 120        # the long one of docs/reliability.md
//	go run ./test/chaos -mode exactly_once -kills 20      # Kafka to Kafka, in transactions
//	go run ./test/chaos -plant swap                       # a gx-ol with a planted bug: the checks must find it
//	go run ./test/chaos -mode kafka -plant settle_at_hand_over
//
// What goes wrong: kill -9 and SIGTERM of processes, processes that are stopped (SIGSTOP) for longer than their session and go on
// (SIGCONT), or are killed when they have just gone on, members that join and leave (one of them in an outage, so that records in flight can't settle), brokers that are killed and restarted (with -brokers 3),
// toward Kafka with one broker a second one, to which the events go and which hangs while a process is killed, and, over HTTP, a backend that answers 503, 429 with Retry-After, 401, 500 and 201 mixed, 200 in place of 201, slowly, not in time, or not at all, that is away
// for longer than exhaust_after, and that resets connections before and after it stored an event. Among the records are some that
// can't be decoded, and events that the backend refuses with 422, with Marquez's 500 and "code":400, in their terminal form only,
// and with a 500 that says nothing.
//
// What is checked, from the backend's journal or with clients that are not the product's (segmentio/kafka-go; for transactions
// Kafka's own Java consumer): nothing is lost; records of one key arrive in order; START comes before the terminal event, and a
// run's last delivery is never its START; the dead letters are exactly the poison, with the right codes; a redelivery is
// byte-equal; redeliveries are no more than what the disturbances explain, each of the partitions of the process that it ended
// (bounds.go); no committed offset goes back; with exactly_once there are no redeliveries; SIGTERM ends with exit code 0 within
// the grace.
//
// Equal seeds make equal input and equal plans: what happens when so many records are through. It exits with 0 if all holds, 1
// if not, 2 if it was called wrongly. It needs Go, Java 17 and Maven.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The modes.
const (
	http        = "http"
	kafkaMode   = "kafka"
	exactlyOnce = "exactly_once"
)

// plants are the bugs that test/chaos/planted can have, and the mode in which each shows.
var plants = map[string]string{"commit_before_settle": http, "late_mark": http, "bury_on_outage": http, "swap": http, "unaware": http, "settle_at_hand_over": kafkaMode}

// options is what the command line says.
type options struct {
	seed       uint64
	records    int
	kills      int
	processes  int
	brokers    int
	partitions int
	keys       int
	mode       string
	plant      string
	format     string
	grace      time.Duration
	patience   time.Duration
	keep       bool
}

// ownOutput reports whether the events go to a broker of their own, which can hang while the group's goes on.
func (o options) ownOutput() bool { return o.mode == kafkaMode && o.brokers == 1 }

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	o, err := parseOptions(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	r, err := chaos(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	r.print(os.Stdout, o.format)
	if len(r.Violations) > 0 {
		return 1
	}
	return 0
}

func parseOptions(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.Uint64Var(&o.seed, "seed", 1, "decides input and plan")
	f.IntVar(&o.records, "records", 20_000, "validation results")
	f.IntVar(&o.kills, "kills", 8, "processes that are ended, three of four with kill -9")
	f.IntVar(&o.processes, "processes", 3, "gx-ol processes of the group")
	f.IntVar(&o.brokers, "brokers", 1, "1, or 3 with replication and broker kills")
	f.IntVar(&o.partitions, "partitions", 6, "of the input topic")
	f.IntVar(&o.keys, "keys", 120, "keys of the records")
	f.StringVar(&o.mode, "mode", http, "http, kafka or exactly_once")
	f.StringVar(&o.plant, "plant", "", "run a gx-ol with this bug: "+strings.Join(slices.Sorted(maps.Keys(plants)), ", "))
	f.StringVar(&o.format, "o", "text", "text or json")
	f.DurationVar(&o.grace, "grace", 25*time.Second, "a process must have ended so long after SIGTERM")
	f.DurationVar(&o.patience, "patience", 30*time.Minute, "an upper bound of the whole run")
	f.BoolVar(&o.keep, "keep", false, "keep the logs of the processes")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected %q: there are flags only", f.Arg(0))
	case !slices.Contains([]string{http, kafkaMode, exactlyOnce}, o.mode):
		return o, fmt.Errorf("-mode must be http, kafka or exactly_once, not %q", o.mode)
	case o.plant != "" && plants[o.plant] == "":
		return o, fmt.Errorf("-plant must be one of %s, not %q", strings.Join(slices.Sorted(maps.Keys(plants)), ", "), o.plant)
	case o.plant != "" && o.mode != plants[o.plant]:
		return o, fmt.Errorf("-plant %s works with -mode %s", o.plant, plants[o.plant])
	case o.brokers != 1 && o.brokers != 3:
		return o, errors.New("-brokers must be 1 or 3")
	case o.format != "text" && o.format != "json":
		return o, errors.New("-o must be text or json")
	case min(o.records, o.kills+1, o.processes, o.partitions, o.keys) < 1:
		return o, errors.New("-records, -processes, -partitions and -keys must be above zero, -kills not below")
	}
	return o, nil
}
