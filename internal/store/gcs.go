package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// gcsBucket is a store in Google Cloud Storage, by its JSON API: two requests are all that is needed, where the client library brings gRPC and its zoo.
type gcsBucket struct {
	address
	endpoint string
	client   *http.Client
	project  string // who pays for a bucket whose reader pays; mostly empty
}

// gcsScope lets its holder read.
const gcsScope = "https://www.googleapis.com/auth/devstorage.read_only"

// openGCS takes credentials as Google's own tools do: GOOGLE_APPLICATION_CREDENTIALS, gcloud's file, the machine's service account. STORAGE_EMULATOR_HOST names
// an emulator, which is asked without credentials, as are public buckets with anonymous=true. project pays where the reader pays.
func openGCS(ctx context.Context, a address, getenv func(string) (string, bool)) (Store, error) {
	if err := a.only("project", "anonymous"); err != nil {
		return nil, err
	}
	b := &gcsBucket{address: a, endpoint: "https://storage.googleapis.com", client: &http.Client{Timeout: 5 * time.Minute}, project: a.options.Get("project")}
	if host, ok := getenv("STORAGE_EMULATOR_HOST"); ok && host != "" {
		if !strings.Contains(host, "://") {
			host = "http://" + host
		}
		b.endpoint = strings.TrimSuffix(host, "/")
		return b, nil
	}
	if a.options.Get("anonymous") == "true" {
		return b, nil
	}
	// The token source outlives this call.
	source, err := google.DefaultTokenSource(context.WithoutCancel(ctx), gcsScope)
	if err != nil {
		return nil, &Fault{Store: a.String(), Text: "there are no credentials: set GOOGLE_APPLICATION_CREDENTIALS, run gcloud auth application-default login, or give the machine a service account", cause: err}
	}
	b.client.Transport = &oauth2.Transport{Source: source}
	return b, nil
}

// Name is gs://BUCKET/PREFIX.
func (b *gcsBucket) Name() string { return b.String() }

// Close frees idle connections.
func (b *gcsBucket) Close() error {
	b.client.CloseIdleConnections()
	return nil
}

// gcsPage is an answer of the list request.
type gcsPage struct {
	Items []struct {
		Name       string    `json:"name"`
		Size       int64     `json:"size,string"`
		Updated    time.Time `json:"updated"`
		Generation string    `json:"generation"`
	} `json:"items"`
	NextPageToken string `json:"nextPageToken"`
}

// List asks for the objects below the prefix, a page of 1,000 at a time.
func (b *gcsBucket) List(ctx context.Context, each func(Object) error) error {
	query := url.Values{"prefix": {b.prefix}, "fields": {"nextPageToken,items(name,size,updated,generation)"}}
	for {
		body, err := b.get(ctx, "/storage/v1/b/"+url.PathEscape(b.bucket)+"/o", query)
		if err != nil {
			return err
		}
		var page gcsPage
		err = json.NewDecoder(body).Decode(&page)
		if err = errors.Join(err, body.Close()); err != nil {
			return &Fault{Store: b.String(), Text: "the list of objects cannot be read", cause: err}
		}
		for _, o := range page.Items {
			path := strings.TrimPrefix(o.Name, b.prefix)
			if path == "" || strings.HasSuffix(path, "/") {
				continue
			}
			if err := each(Object{Path: path, Size: o.Size, Modified: o.Updated, Stamp: o.Generation}); err != nil {
				return err
			}
		}
		if page.NextPageToken == "" {
			return nil
		}
		query.Set("pageToken", page.NextPageToken)
	}
}

// Read gets an object.
func (b *gcsBucket) Read(ctx context.Context, path string, most int64) ([]byte, error) {
	body, err := b.get(ctx, "/storage/v1/b/"+url.PathEscape(b.bucket)+"/o/"+url.PathEscape(b.key(path)), url.Values{"alt": {"media"}})
	if err != nil {
		if f, ok := errors.AsType[*gcsStatus](err); ok && f.status == http.StatusNotFound {
			return nil, fs.ErrNotExist
		}
		return nil, err
	}
	return readAll(body, most)
}

// gcsStatus is an answer that is none.
type gcsStatus struct{ status int }

func (e *gcsStatus) Error() string { return http.StatusText(e.status) }

// tries and pause are how often a request is made again that may do better, and the pause before the second.
const (
	tries = 5
	pause = 500 * time.Millisecond
)

// get makes a request, again where the server asks for that (429 and 5xx).
func (b *gcsBucket) get(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	if b.project != "" {
		query.Set("userProject", b.project)
	}
	for n := range tries {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.endpoint+path+"?"+query.Encode(), nil)
		if err != nil {
			return nil, b.unreachable(err)
		}
		resp, err := b.client.Do(req)
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = resp.Body.Close()
			}
			return nil, ctx.Err()
		case err != nil:
			if bad, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
				return nil, b.status(http.StatusUnauthorized, bad.ErrorCode, err, gcsSignIn)
			}
			return nil, b.unreachable(err)
		case resp.StatusCode == http.StatusOK:
			return resp.Body, nil
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
		_ = resp.Body.Close()
		if again := resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500; !again || n == tries-1 {
			return nil, b.status(resp.StatusCode, http.StatusText(resp.StatusCode), &gcsStatus{resp.StatusCode}, gcsSignIn)
		}
		if err := sleep(ctx, pause<<n); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: not reached", b.Name())
}

const gcsSignIn = "check GOOGLE_APPLICATION_CREDENTIALS, or the machine's service account (it needs storage.objects.list and storage.objects.get)"

// sleep waits, unless ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
