package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gx-ol/gx-ol/internal/check"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// CheckPlan is what `gx-ol check` looks at for a configuration. messages is how many messages are mapped (0: none). close frees what it opened; an error
// is one of the configuration.
func CheckPlan(cfg *config.Config, p Process, messages int) (plan *check.Plan, closeAll func(), err error) {
	var open []func()
	closeAll = func() {
		for _, end := range open {
			end()
		}
	}
	plan = &check.Plan{
		Input:     check.Input{Topics: cfg.Input.Topics, Exclude: notInput(cfg), Group: cfg.Input.Group, BrokersAssign: kafkaclient.WantsBrokersToAssign(cfg.Kafka)},
		LettersOf: cfg.DeadLetterTopic, Counted: cfg.Telemetry.DeadLetters && cfg.Telemetry.Listen != "off", Listen: cfg.Telemetry.Listen,
	}
	fail := func(err error) (*check.Plan, func(), error) {
		closeAll()
		return nil, nil, err
	}
	cluster, client, err := checkCluster(cfg, cfg.Kafka, "kafka")
	if err != nil {
		return fail(err)
	}
	open = append(open, client.Close)
	plan.Kafka = cluster
	if cfg.Delivery == "exactly_once" {
		plan.TransactionalID = cfg.Input.Group + "." + cmp.Or(cfg.Kafka["group.instance.id"], "gx-ol-check")
	}
	largest := 0
	if !cfg.Disabled {
		for _, t := range cfg.Destinations() {
			target, most, end, err := checkTarget(cfg, t, p)
			if err != nil {
				return fail(err)
			}
			open = append(open, end)
			if most > 0 && (largest == 0 || most < largest) {
				largest = most
			}
			plan.Targets = append(plan.Targets, target)
		}
	}
	plan.Configured = configured(cfg)
	mapping, err := NewMapping(cfg, p, largest, func(warning string) {
		plan.Configured = append(plan.Configured, check.Result{Status: check.Warn, Text: warning, Key: "great_expectations"})
	})
	if err != nil {
		return fail(err)
	}
	if messages > 0 {
		plan.Mapper = previewer{mapping, cfg}
		plan.Messages = func(ctx context.Context, each func(*kgo.Record)) error {
			return lastMessages(ctx, cfg, client, plan.Input, cluster, messages, each)
		}
	}
	return plan, closeAll, nil
}

// GatewayCheckPlan is what `gx-ol check --gateway` looks at. end frees what it opened; an error is one of the configuration.
func GatewayCheckPlan(cfg *config.Config) (plan *check.GatewayPlan, end func(), err error) {
	cluster, client, err := checkCluster(cfg, cfg.Kafka, "kafka")
	if err != nil {
		return nil, nil, err
	}
	return &check.GatewayPlan{Configured: configured(cfg), Kafka: cluster, Listen: cfg.Gateway.Listen,
		Topics: map[string]string{"gateway.events_topic": cfg.Gateway.EventsTopic, "gateway.results_topic": cfg.Gateway.ResultsTopic}}, client.Close, nil
}

// previewer is a mapping, and the configuration that it is of.
type previewer struct {
	Mapping
	cfg *config.Config
}

// Preview is Mapping.Preview.
func (p previewer) Preview(rec *kgo.Record) (runs []openlineage.Run, left int, code, reason string) {
	return p.Mapping.Preview(p.cfg, rec)
}

// CheckConfiguration is what can be said of a configuration alone, beside its faults, which loading it told.
func CheckConfiguration(cfg *config.Config, p Process) ([]check.Result, error) {
	found := configured(cfg)
	known := *cfg
	if slices.Contains(cfg.Unresolved, "great_expectations") {
		known.GreatExpectations = ""
	}
	if slices.Contains(cfg.Unresolved, "input.json_pointer") {
		known.Input.JSONPointer = ""
	}
	_, err := NewMapping(&known, p, 0, func(warning string) {
		found = append(found, check.Result{Check: check.Configuration, Status: check.Warn, Text: warning, Key: "great_expectations"})
	})
	if len(cfg.Unresolved) > 0 {
		found = append(found, check.Result{Check: check.Configuration, Status: check.OK, Text: "values that only the place of use knows were not looked at", Details: cfg.Unresolved})
	}
	return found, err
}

// configured tells which file was read, and its warnings.
func configured(cfg *config.Config) []check.Result {
	text := "no file: flags, variables and defaults"
	if cfg.Source != "" {
		text = cfg.Source + " has no fault"
	}
	found := []check.Result{{Check: check.Configuration, Status: check.OK, Text: text}}
	for _, w := range cfg.Warnings {
		found = append(found, check.Result{Check: check.Configuration, Status: check.Warn, Text: w})
	}
	if cfg.Disabled {
		found = append(found, check.Result{Check: check.Configuration, Status: check.Warn, Text: "OPENLINEAGE_DISABLED is set: nothing is read and nothing delivered"})
	}
	return found
}

// checkCluster is the cluster that properties below path lead to, and the client that asks it.
func checkCluster(cfg *config.Config, props map[string]string, path string) (*check.Cluster, *kgo.Client, error) {
	opts, err := kafkaclient.OptsLive(props, liveProperties(cfg, path))
	if err != nil {
		return nil, nil, config.Wrong(err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, nil, config.Wrong(err)
	}
	c := &check.Cluster{Key: path, Protocol: props["security.protocol"], Client: client, Any: anyBroker{client}}
	if strings.HasPrefix(strings.ToUpper(c.Protocol), "SASL") {
		c.User = cmp.Or(props["sasl.username"], "the user of "+path+".sasl")
	}
	var dial func(context.Context, string, string) (net.Conn, error)
	if strings.HasSuffix(strings.ToUpper(c.Protocol), "SSL") {
		dial = dialTLS(client)
	}
	seeds, _ := client.OptValue(kgo.SeedBrokers).([]string)
	for _, seed := range seeds {
		c.Addresses = append(c.Addresses, check.Address{HostPort: seed, Dial: dial, SignIn: func(ctx context.Context) error {
			alone, err := kgo.NewClient(append(opts[:len(opts):len(opts)], kgo.SeedBrokers(seed))...)
			if err != nil {
				return err
			}
			defer alone.Close()
			return kafkaclient.CheckConnection(ctx, alone, nil)
		}})
	}
	return c, client, nil
}

// dialTLS is how a client dials over TLS.
func dialTLS(client *kgo.Client) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if dial, ok := client.OptValue(kgo.Dialer).(func(context.Context, string, string) (net.Conn, error)); ok && dial != nil {
		return dial
	}
	if settings, ok := client.OptValue(kgo.DialTLSConfig).(*tls.Config); ok && settings != nil {
		return (&tls.Dialer{Config: settings}).DialContext
	}
	return nil
}

// anyBroker asks one broker after the other until one answers, and none of them twice.
type anyBroker struct{ client *kgo.Client }

// perBroker bounds one of several attempts.
const perBroker = 3 * time.Second

// Request asks bootstrap addresses first: those that the brokers advertise may lead nowhere.
func (a anyBroker) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	brokers := append(a.client.SeedBrokers(), a.client.DiscoveredBrokers()...)
	err := fmt.Errorf("no broker is known")
	for i, b := range brokers {
		attempt, cancel := ctx, context.CancelFunc(func() {})
		if i < len(brokers)-1 {
			attempt, cancel = context.WithTimeout(ctx, perBroker)
		}
		var resp kmsg.Response
		resp, err = b.Request(attempt, req)
		cancel()
		if err == nil || ctx.Err() != nil {
			return resp, err
		}
	}
	return nil, err
}

// checkTarget is one destination, and the largest event that it takes (0: any). end frees what was opened for it.
func checkTarget(cfg *config.Config, t *config.Transport, p Process) (target check.Target, largest int, end func(), err error) {
	target = check.Target{Name: DestinationName(t), Path: cfg.Path(t), LargestEvent: t.MaxEventBytes}
	end = func() {}
	switch t.Type {
	case "console":
		target.File = "-"
	case "file":
		target.File = t.LogFilePath
	case "kafka":
		target.Topic = t.Topic
		if len(t.Config) > 0 {
			var client *kgo.Client
			if target.Cluster, client, err = checkCluster(cfg, t.Config, cfg.Path(t)+".config"); err != nil {
				return target, 0, end, err
			}
			end = client.Close
		}
	case "http":
		_, d, err := newDestination(cfg, t, p)
		if err != nil {
			return target, 0, end, err
		}
		h, ok := d.(*http.Destination)
		if !ok {
			return target, 0, end, fmt.Errorf("a destination of type http that is none")
		}
		target.HTTP = backend(h, t)
		return target, h.MaxEventBytes(), func() { _ = h.Close() }, nil
	}
	return target, t.MaxEventBytes, end, nil
}

// backend is what is asked of an HTTP destination.
func backend(h *http.Destination, t *config.Transport) *check.Backend {
	ask := func(place http.Place) func(context.Context, string) (check.Answer, error) {
		return func(ctx context.Context, method string) (check.Answer, error) {
			said, err := h.Ask(ctx, method, place)
			return check.Answer{URL: said.URL, Allow: said.Allow, Location: said.Location, Words: said.Words, Kind: said.Kind, Status: said.Status,
				WebPage: said.WebPage, Date: said.Date, Sent: said.Sent, Got: said.Got, Expires: said.Expires}, err
		}
	}
	b := &check.Backend{Kind: cmp.Or(h.Backend(), t.Backend, http.Auto), HasKey: t.Auth.Type != "" || len(t.CustomHeaders) > 0, Target: ask(http.Lineage)}
	b.Namespaces = func(ctx context.Context) (check.Answer, error) { return ask(http.Namespaces)(ctx, "GET") }
	if t.Batch.Size > 1 {
		b.Batch = ask(http.LineageBatch)
	}
	return b
}
