package contender

import (
	"bytes"
	"flag"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// Post is the limit over HTTP: net/http posts n bodies of one size over so many connections, and does nothing else.
func Post(args []string) error {
	flags := flag.NewFlagSet("post", flag.ContinueOnError)
	url := flags.String("url", "", "where to")
	conns := flags.Int("conns", 64, "at once")
	n := flags.Int64("n", 0, "bodies")
	size := flags.Int("size", 4096, "bytes of a body")
	if err := flags.Parse(args); err != nil {
		return err
	}
	body := bytes.Repeat([]byte("x"), *size)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *conns, MaxConnsPerHost: *conns}}
	var next atomic.Int64
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for range *conns {
		wg.Go(func() {
			for next.Add(1) <= *n && failed.Load() == nil {
				res, err := client.Post(*url, "application/json", bytes.NewReader(body)) //nolint:noctx // ends by itself
				if err != nil {
					failed.Store(&err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
