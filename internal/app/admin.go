package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/telemetry"
)

// serveTelemetry serves h at the configured address until stop is called. An empty address or off means none.
func serveTelemetry(ctx context.Context, cfg config.Telemetry, h http.Handler) (stop func(), err error) {
	if cfg.Listen == "" || cfg.Listen == "off" {
		return func() {}, nil
	}
	if cfg.Pprof {
		h = telemetry.WithProfiles(h)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("telemetry.listen: %w (choose another address with --listen, or --listen off)", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return
		}
	}()
	return func() {
		_ = server.Close()
		<-done
	}, nil
}
