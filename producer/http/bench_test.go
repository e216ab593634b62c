package http

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// BenchmarkDeliver compares a Deliver with a bare net/http client, 64 in flight, in events/s. The server is of this process too, so that
// the CPU of both holds its share; the ratio of the two is what counts.
func BenchmarkDeliver(b *testing.B) {
	for _, delay := range []time.Duration{0, 5 * time.Millisecond} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(delay)
			w.WriteHeader(http.StatusCreated)
		}))
		body := bytes.Repeat([]byte("x"), 1900)
		h, err := New(Config{URL: server.URL, Backend: Generic, APIKey: "key"})
		if err != nil {
			b.Fatal(err)
		}
		std, err := New(Config{URL: server.URL, Backend: Generic, APIKey: "key"})
		if err != nil {
			b.Fatal(err)
		}
		std.plain = nil
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		for name, one := range map[string]func() error{
			"gx-ol":             func() error { return h.Deliver(b.Context(), openlineage.Event{Body: body}) },
			"gx-ol by net/http": func() error { return std.Deliver(b.Context(), openlineage.Event{Body: body}) },
			"bare": func() error {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL+"/api/v1/lineage", bytes.NewReader(body))
				if err != nil {
					return err
				}
				req.Header.Set("Content-Type", "application/json")
				res, err := client.Do(req)
				if err != nil {
					return err
				}
				_, _ = io.Copy(io.Discard, res.Body)
				return res.Body.Close()
			},
		} {
			b.Run(name+"/"+strconv.Itoa(int(delay.Milliseconds()))+"ms", func(b *testing.B) {
				b.ReportAllocs()
				begin := cpu()
				var left atomic.Int64
				left.Store(int64(b.N))
				var wg sync.WaitGroup
				for range 64 {
					wg.Go(func() {
						for left.Add(-1) >= 0 {
							if err := one(); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64((cpu()-begin).Nanoseconds())/float64(b.N), "cpu-ns/op")
			})
		}
		client.CloseIdleConnections()
		_ = h.Close()
		_ = std.Close()
		server.Close()
	}
}

// cpu is what this process has used.
func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
