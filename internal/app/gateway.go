package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"golang.org/x/net/netutil"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/gateway"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/tlsfiles"
	destination "github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/producer/kafka"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

const (
	writableEvery = 2 * time.Second  // how often the gateway asks whether the brokers take records
	stopMore      = 10 * time.Second // what a stop may take beyond what a request waits for the brokers
)

// Gateway takes events and results over HTTP until ctx ends, and then finishes what it has taken. listening is told the address; nil: nobody.
func Gateway(ctx context.Context, cfg *config.Config, p Process, listening func(address string)) error {
	client, err := gatewayClient(cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	topics := gatewayTopics(cfg)
	if err := kafkaclient.CheckWritable(ctx, client, topics); err != nil {
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			err = fmt.Errorf("%w (gateway.events_topic: off and gateway.results_topic: off leave one out)", err)
		}
		return err
	}
	writer := kafka.NewWriter(client)
	defer writer.Close()
	settings, err := gatewaySettings(cfg, writer)
	if err != nil {
		return err
	}
	g := gateway.New(settings)
	server, l, err := gatewayServer(ctx, cfg, g, p.Log)
	if err != nil {
		return err
	}
	p.Log.Info("gateway listens", zap.String("address", l.Addr().String()), zap.Bool("tls", server.TLSConfig != nil), zap.Strings("topics", topics), zap.Int("tokens", len(cfg.Gateway.Tokens)))
	if listening != nil {
		listening(l.Addr().String())
	}
	return serveGateway(ctx, cfg, p.Log, g, server, l, client, topics)
}

// serveGateway serves until ctx ends, then takes no more, and waits for what is under way.
func serveGateway(ctx context.Context, cfg *config.Config, log *zap.Logger, g *gateway.Gateway, server *http.Server, l net.Listener, client *kgo.Client, topics []string) error {
	served := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			served <- server.ServeTLS(l, "", "")
			return
		}
		served <- server.Serve(l)
	}()
	asking, stopAsking := context.WithCancel(ctx)
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		askBrokers(asking, client, topics, g, log)
	}()
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
		served <- failed
	}
	g.Stopping()
	stopAsking()
	<-asked
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Gateway.AckTimeout+stopMore)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		log.Warn("requests were cut off at the stop: none of them was answered 201")
		_ = server.Close()
	} else if err := g.Wait(grace); err != nil {
		log.Warn("the stop did not wait for records whose requests were answered 503")
	}
	if err := <-served; failed == nil && !errors.Is(err, http.ErrServerClosed) {
		failed = err
	}
	return failed
}

// askBrokers asks again and again whether the topics can be written, and tells the gateway and, when it changes, the log.
func askBrokers(ctx context.Context, client *kgo.Client, topics []string, g *gateway.Gateway, log *zap.Logger) {
	tick := time.NewTicker(writableEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := kafkaclient.CheckWritable(ctx, client, topics)
		switch {
		case ctx.Err() != nil:
			return
		case !g.Away(err):
		case err != nil:
			log.Warn("Kafka does not take records: requests are answered 503", zap.Error(err))
		default:
			log.Info("Kafka takes records again")
		}
	}
}

func gatewayClient(cfg *config.Config) (*kgo.Client, error) {
	opts, err := inputOpts(cfg, kafka.EventOpts(cfg.Gateway.MaxRequestBytes))
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(opts...)
	return client, config.Wrong(err) // it dials nobody yet
}

func gatewayTopics(cfg *config.Config) (topics []string) {
	for _, t := range []string{cfg.Gateway.EventsTopic, cfg.Gateway.ResultsTopic} {
		if t != "" && !slices.Contains(topics, t) {
			topics = append(topics, t)
		}
	}
	return topics
}

func gatewaySettings(cfg *config.Config, writer gateway.Writer) (gateway.Config, error) {
	decoder, err := gx.NewDecoder(cfg.Input.JSONPointer)
	if err != nil {
		return gateway.Config{}, config.Wrong(err)
	}
	c := &cfg.Gateway
	settings := gateway.Config{
		EventsTopic: c.EventsTopic, ResultsTopic: c.ResultsTopic, MessageKey: c.MessageKey, Decode: decoder.Decode, Unsafe: destination.Unsafe,
		Rewrite: c.OtherNamespace == "rewrite", MaxRequestBytes: c.MaxRequestBytes, MaxBytesInFlight: int64(c.MaxBytesInFlight),
		MaxBatchEvents: c.MaxBatchEvents, AckTimeout: c.AckTimeout, Writer: writer,
	}
	for name, token := range c.Tokens {
		now := cfg.Live("gateway.tokens." + name)
		if now == nil {
			now = func() string { return token }
		}
		settings.Tokens = append(settings.Tokens, gateway.Token{Name: name, Now: now, Namespace: c.Namespaces[name]})
	}
	return settings, nil
}

// gatewayServer listens, with bounds on who is slow and on how many come.
func gatewayServer(ctx context.Context, cfg *config.Config, g *gateway.Gateway, log *zap.Logger) (*http.Server, net.Listener, error) {
	c := &cfg.Gateway
	server := &http.Server{Handler: g, ReadHeaderTimeout: min(c.ReadTimeout, 10*time.Second), ReadTimeout: c.ReadTimeout,
		WriteTimeout: c.ReadTimeout + c.AckTimeout + 10*time.Second, IdleTimeout: 30 * time.Second, MaxHeaderBytes: 32 << 10, ErrorLog: zap.NewStdLog(log.WithOptions(zap.IncreaseLevel(zap.ErrorLevel)))}
	if c.Certificate != "" {
		settings, err := tlsfiles.Server(c.Certificate, c.Key)
		if err != nil {
			return nil, nil, config.Wrong(fmt.Errorf("gateway.ssl: %w", err))
		}
		server.TLSConfig = settings
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("gateway.listen: %w (choose another address with --listen)", err)
	}
	at, err := netip.ParseAddrPort(l.Addr().String())
	switch {
	case err == nil && at.Addr().IsLoopback():
		server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !isLoopback(r.Host) { // a page whose name was made to resolve to it
				http.Error(w, "this address answers to localhost, 127.0.0.1 and [::1] only: set gateway.listen to another to be asked by other names", http.StatusForbidden)
				return
			}
			g.ServeHTTP(w, r)
		})
	case server.TLSConfig == nil:
		log.Warn("the gateway speaks no TLS: tokens can be read on their way; set gateway.ssl, or put a proxy with TLS in front")
	}
	return server, netutil.LimitListener(l, c.MaxConnections), nil
}
