package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/devkafka"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/receiver"
	"github.com/gx-ol/gx-ol/internal/samples"
	"github.com/gx-ol/gx-ol/internal/topicnames"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

const devTopic = "gx.validation-results"

func newDevCommand(a *process) *cobra.Command {
	var kafkaPort, port, metricsPort int
	var noOpen bool
	cmd := &cobra.Command{
		Use: "dev", Short: "try it: everything in one process, nothing to configure", Args: cobra.NoArgs,
		Long: `Starts a Kafka broker in memory, publishes a few real validation results to it, runs the real pipeline and a small
OpenLineage receiver, and prints each run as it lands and each dead letter as it is buried. Publish your own results, or post OpenLineage events, from another terminal.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return dev(cmd.Context(), kafkaPort, port, metricsPort, !noOpen, a)
		},
	}
	cmd.Flags().IntVar(&kafkaPort, "kafka-port", 9092, "port of the embedded broker (0, or if taken: a free one)")
	cmd.Flags().IntVar(&port, "port", 5000, "port of the OpenLineage receiver (0, or if taken: a free one)")
	cmd.Flags().IntVar(&metricsPort, "metrics-port", 9464, "port of the page and of /metrics (0, or if taken: a free one)")
	cmd.Flags().BoolVar(&noOpen, "no-open", false, "do not open the page in a browser")
	return cmd
}

// dev runs everything until ctx ends.
func dev(ctx context.Context, kafkaPort, port, metricsPort int, open bool, a *process) error {
	broker, err := devkafka.Start(ctx, kafkaPort, 4, devTopic)
	if err != nil && errors.Is(err, syscall.EADDRINUSE) {
		broker, err = devkafka.Start(ctx, 0, 4, devTopic)
	}
	if err != nil {
		return err
	}
	defer broker.Close()
	out := &printer{w: a.stdout, colour: isTerminal(a.stdout)}
	url, stop, err := serveReceiver(ctx, port, receiver.New(out.event))
	if err != nil {
		return err
	}
	defer stop()
	telemetry, err := freeAddr(ctx, metricsPort)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "gx-ol-dev-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := samples.WriteTo(folder); err != nil {
		return err
	}
	token := rand.Text()
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte(token), 0o600); err != nil {
		return err
	}
	out.print(devHints(a.commandLine(), broker.Addr(), url, telemetry, folder, token))
	if err := publishSamples(ctx, broker.Addr()); err != nil {
		return ignoreStop(ctx, err)
	}
	quiet, err := out.followLetters(ctx, broker.Addr(), a.commandLine())
	if err != nil {
		return err
	}
	defer quiet()
	nothing := func(string) (string, bool) { return "", false }
	cfg, err := config.Parse("gx-ol dev", []byte(fmt.Sprintf(`
kafka: {bootstrap.servers: %q}
input: {topics: [%s], group: gx-ol-dev}
transport: {type: http, url: %q}
telemetry: {listen: %q}
web: {backend_url: "off", token_file: %q}
log: {level: warn}
`, broker.Addr(), devTopic, url, telemetry, filepath.Join(folder, "token"))), nothing)
	if err != nil {
		return err
	}
	if open {
		defer a.openPage(ctx, telemetry)()
	}
	return ignoreStop(ctx, a.run(ctx, cfg, nil))
}

// devHints are commands that work as they are printed.
func devHints(self, brokers, url, telemetry, folder, token string) string {
	return fmt.Sprintf(`gx-ol dev: Kafka at %[2]s (topic %[6]s), OpenLineage at %[3]s, the page at http://%[4]s/
  %[1]s publish --brokers %[2]s %[5]s/table-1.9.3.json
  %[1]s publish --brokers %[2]s --raw %[5]s/broken.json
  %[1]s dlq list --brokers %[2]s
  curl -X POST %[3]s/api/v1/lineage -H 'Content-Type: application/json' -d @%[5]s/event.json
  curl http://%[4]s/metrics
To replay dead letters in the page, sign in with the token %[7]s
ctrl-c ends it.
`, self, brokers, url, telemetry, folder, devTopic, token)
}

// commandLine is how the program was started, so that a hint can be typed as it is.
func (a *process) commandLine() string {
	switch {
	case a.self == "":
		return "gx-ol"
	case strings.Contains(a.self, string(filepath.Separator)+"go-build"): // go run builds it into a folder that is gone afterwards
		return "go run ./cmd/gx-ol"
	}
	return a.self
}

// freeAddr is the port on this machine, or if it is taken a free one.
func freeAddr(ctx context.Context, port int) (string, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		l, err = listen.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", fmt.Errorf("finding a port for the metrics: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// followLetters shows each dead letter when it is buried, until ctx ends or quiet is called.
func (p *printer) followLetters(ctx context.Context, brokers, self string) (quiet func(), err error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.ConsumeTopics(devTopic+topicnames.DeadLettersSuffix), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.MetadataMinAge(200*time.Millisecond), kgo.MetadataMaxAge(time.Second)) // the topic is made a moment later
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			client.PollFetches(ctx).EachRecord(func(rec *kgo.Record) { p.letter(rec, self, brokers) })
		}
	}()
	return func() {
		cancel()
		<-done
		client.Close()
	}, nil
}

// letter shows a dead letter, and how to look at it.
func (p *printer) letter(rec *kgo.Record, self, brokers string) {
	said, _, _ := deadletter.Read(rec) // what of its headers cannot be read is seen by dlq show
	at := dlq.Position{Partition: rec.Partition, Offset: rec.Offset}
	var b strings.Builder
	say(&b, "%s  buried, %s: %s\n    %s dlq show --brokers %s %s\n", ours(p.paint("\x1b[33m", "✉ letter "+at.String())), said.Code, said.Error, self, brokers, at)
	p.print(b.String())
}

// ignoreStop makes an error that ctrl-c caused none.
func ignoreStop(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// serveReceiver listens on port, or on a free one if that is taken, until stop is called.
func serveReceiver(ctx context.Context, port int, h http.Handler) (url string, stop func(), err error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		l, err = listen.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", nil, fmt.Errorf("starting the OpenLineage receiver: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, IdleTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with Close
	}()
	return "http://" + l.Addr().String(), func() {
		_ = server.Close()
		<-done
	}, nil
}

func publishSamples(ctx context.Context, brokers string) error {
	all, err := samples.All()
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.DefaultProduceTopic(devTopic))
	if err != nil {
		return err
	}
	defer client.Close()
	records := make([]*kgo.Record, 0, len(all))
	for _, s := range all {
		records = append(records, &kgo.Record{Key: []byte(s.Key), Value: s.Value})
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}

// printer shows each run that lands, whole: one run's lines are never mixed with another's.
type printer struct {
	colour bool

	mu sync.Mutex // guards w
	w  io.Writer
}

func (p *printer) print(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.w, text) // nobody reads any more: the pipeline goes on
}

// event shows a terminal event; START tells nothing yet.
func (p *printer) event(ev receiver.Event) {
	if ev.Type == "START" {
		return
	}
	passed := 0
	for _, a := range ev.Assertions {
		if a.Success {
			passed++
		}
	}
	var b strings.Builder
	mark, colour := "✔", "\x1b[32m"
	if ev.Type == "FAIL" || passed < len(ev.Assertions) {
		mark, colour = "✘", "\x1b[31m"
	}
	say(&b, "%s  %s  %s", ours(p.paint(colour, mark+" "+visible(ev.Type))), ev.Job, strings.Join(ev.Datasets, ", "))
	if len(ev.Assertions) > 0 { // else it is no check
		say(&b, "  %d/%d passed", passed, len(ev.Assertions))
	}
	b.WriteByte('\n')
	for _, a := range ev.Assertions {
		if a.Success {
			continue
		}
		say(&b, "    %s", a.Assertion)
		if a.Column != "" {
			say(&b, "(%s)", a.Column)
		}
		if a.Expected != "" {
			say(&b, "  expected %s", a.Expected)
		}
		if a.Actual != "" {
			say(&b, "  got %s", a.Actual)
		}
		b.WriteByte('\n')
	}
	p.print(b.String())
}

func (p *printer) paint(colour, text string) string {
	if !p.colour {
		return text
	}
	return colour + text + "\x1b[0m"
}
