package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files are what every kind of store holds in these tests, many enough for several pages.
func files() map[string]string {
	all := map[string]string{"orders/warning/nightly/20240102T030405.000006Z/b.json": "one", "ünïcode und leer/a+b %41&c=d.json": "two", "x.json": ""}
	for i := range 2500 {
		all[fmt.Sprintf("many/%04d.json", i)] = "."
	}
	return all
}

// getenv is an environment.
func getenv(kv ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(kv); i += 2 {
			if kv[i] == name {
				return kv[i+1], true
			}
		}
		return "", false
	}
}

// keeps checks what every store keeps.
func keeps(t *testing.T, s Store) {
	t.Helper()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	got := make(map[string]Object)
	if err := s.List(t.Context(), func(o Object) error { got[o.Path] = o; return nil }); err != nil {
		t.Fatal(err)
	}
	all := files()
	if len(got) != len(all) {
		t.Errorf("%d files, want %d", len(got), len(all))
	}
	for path, text := range all {
		if o, ok := got[path]; !ok || o.Size != int64(len(text)) || o.Stamp == "" || o.Modified.IsZero() {
			t.Errorf("%q: %+v", path, o)
		}
		if strings.HasPrefix(path, "many/") {
			continue
		}
		if data, err := s.Read(t.Context(), path, 100); err != nil || string(data) != text {
			t.Errorf("%q: %q, %v", path, data, err)
		}
	}
	if _, err := s.Read(t.Context(), "x/gone.json", 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is gone: %v", err)
	}
	if _, err := s.Read(t.Context(), "orders/warning/nightly/20240102T030405.000006Z/b.json", 2); !errors.Is(err, ErrTooLarge) {
		t.Errorf("what is too large: %v", err)
	}
	enough := errors.New("enough")
	if err := s.List(t.Context(), func(Object) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("what each says: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.List(ended, func(Object) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after a stop: %v", err)
	}
}

func TestAFolderIsAStore(t *testing.T) {
	root := t.TempDir()
	for path, text := range files() {
		name := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	for _, arg := range []string{root, link, "file://" + root} {
		s, err := Open(t.Context(), arg, getenv())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(s.Name(), filepath.ToSlash(root)) {
			t.Errorf("%s is named %s", arg, s.Name())
		}
		keeps(t, s)
	}
}

// An S3 server, by the SDK as it is.
func TestAnS3BucketIsAStore(t *testing.T) {
	backend := s3mem.New()
	server := httptest.NewServer(gofakes3.New(backend).Server())
	defer server.Close()
	if err := backend.CreateBucket("results"); err != nil {
		t.Fatal(err)
	}
	for path, text := range files() {
		if _, err := backend.PutObject("results", "gx/validations/"+path, nil, strings.NewReader(text), int64(len(text)), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"gx/validations/", "gx/validations2/x.json", "gx/x.json"} {
		if _, err := backend.PutObject("results", other, nil, strings.NewReader("x"), 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "SECRETPW")
	t.Setenv("AWS_REGION", "eu-central-1")
	for _, arg := range []string{"s3://results/gx/validations?endpoint=" + server.URL, "s3://results/gx/validations/?region=us-east-1&path_style=true&endpoint=" + server.URL} {
		s, err := Open(t.Context(), arg, getenv())
		if err != nil {
			t.Fatal(err)
		}
		if s.Name() != "s3://results/gx/validations?endpoint="+server.URL {
			t.Error(s.Name())
		}
		keeps(t, s)
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	s, err := Open(t.Context(), "s3://results/gx/validations", getenv())
	if err != nil {
		t.Fatal(err)
	}
	keeps(t, s)
	if s, err = Open(t.Context(), "s3://no-such-bucket", getenv()); err != nil {
		t.Fatal(err)
	}
	if err := s.List(t.Context(), func(Object) error { return nil }); err == nil || !strings.Contains(err.Error(), `s3://no-such-bucket: "no-such-bucket" does not exist`) {
		t.Errorf("%v", err)
	}
}

// gcs answers as Google's JSON API does, as far as it is documented.
func gcs(t *testing.T, held map[string]string) *httptest.Server {
	t.Helper()
	names := make([]string, 0, len(held))
	for name := range held {
		names = append(names, name)
	}
	slices.Sort(names)
	failed := false
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/storage/v1/b/results/o")
		switch {
		case !ok:
			http.Error(w, "SECRETPW", http.StatusNotFound)
		case path == "" && r.URL.Query().Get("pageToken") == "1000" && !failed:
			failed = true
			http.Error(w, "again", http.StatusServiceUnavailable)
		case path == "":
			var page struct {
				Items         []map[string]string `json:"items"`
				NextPageToken string              `json:"nextPageToken,omitempty"`
			}
			from := 0
			_, _ = fmt.Sscan(r.URL.Query().Get("pageToken"), &from)
			for i, name := range names[from:] {
				if i == 1000 {
					page.NextPageToken = fmt.Sprint(from + i)
					break
				}
				if strings.HasPrefix(name, r.URL.Query().Get("prefix")) {
					page.Items = append(page.Items, map[string]string{"name": name, "size": fmt.Sprint(len(held[name])), "updated": "2024-01-02T03:04:05.678Z", "generation": "7"})
				}
			}
			_ = json.NewEncoder(w).Encode(page)
		default:
			name := strings.TrimPrefix(r.URL.Path, "/storage/v1/b/results/o/")
			text, ok := held[name]
			if !ok || strings.Contains(path[1:], "/") {
				http.Error(w, "Not Found", http.StatusNotFound)
				return
			}
			_, _ = w.Write([]byte(text))
		}
	}))
}

func TestAGCSBucketIsAStore(t *testing.T) {
	held := map[string]string{"gx/": "", "gx2/x.json": "x"}
	for path, text := range files() {
		held["gx/"+path] = text
	}
	server := gcs(t, held)
	defer server.Close()
	s, err := Open(t.Context(), "gs://results/gx", getenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://")))
	if err != nil {
		t.Fatal(err)
	}
	keeps(t, s)
	if s, err = Open(t.Context(), "gs://other", getenv("STORAGE_EMULATOR_HOST", server.URL)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.List(t.Context(), func(Object) error { return nil }); err == nil || !strings.Contains(err.Error(), `"other" does not exist`) || strings.Contains(err.Error(), "SECRETPW") {
		t.Errorf("%v", err)
	}
}

// azure answers as Azure's blob service does, as far as it is documented.
func azure(t *testing.T, held map[string]string) *httptest.Server {
	t.Helper()
	names := make([]string, 0, len(held))
	for name := range held {
		names = append(names, name)
	}
	slices.Sort(names)
	escape := func(s string) string {
		var b strings.Builder
		_ = xml.EscapeText(&b, []byte(s))
		return b.String()
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, "/results")
		signed := strings.HasPrefix(r.Header.Get("Authorization"), "SharedKey account:") || r.URL.Query().Get("sig") != ""
		fail := func(status int, code string) {
			w.Header().Set("X-Ms-Error-Code", code)
			w.WriteHeader(status)
		}
		switch q := r.URL.Query(); {
		case !signed:
			fail(http.StatusForbidden, "AuthenticationFailed")
		case !ok:
			fail(http.StatusNotFound, "ContainerNotFound")
		case q.Get("comp") == "list":
			from, next, blobs := 0, "", ""
			_, _ = fmt.Sscan(q.Get("marker"), &from)
			for i, name := range names[from:] {
				if i == 1000 {
					next = fmt.Sprint(from + i)
					break
				}
				if strings.HasPrefix(name, q.Get("prefix")) {
					blobs += fmt.Sprintf("<Blob><Name>%s</Name><Properties><Last-Modified>Tue, 02 Jan 2024 03:04:05 GMT</Last-Modified><Etag>0x8D</Etag><Content-Length>%d</Content-Length></Properties></Blob>", escape(name), len(held[name]))
				}
			}
			w.Header().Set("Content-Type", "application/xml")
			_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="results"><Blobs>%s</Blobs><NextMarker>%s</NextMarker></EnumerationResults>`, blobs, next)
		default:
			text, ok := held[strings.TrimPrefix(name, "/")]
			if !ok {
				fail(http.StatusNotFound, "BlobNotFound")
				return
			}
			w.Header().Set("Etag", "0x8D")
			_, _ = w.Write([]byte(text))
		}
	}))
}

func TestAnAzureContainerIsAStore(t *testing.T) {
	held := map[string]string{"gx2/x.json": "x"}
	for path, text := range files() {
		held["gx/"+path] = text
	}
	server := azure(t, held)
	defer server.Close()
	key := base64.StdEncoding.EncodeToString([]byte("SECRETPW"))
	for name, env := range map[string]func(string) (string, bool){
		"key":   getenv("AZURE_STORAGE_ACCOUNT", "account", "AZURE_STORAGE_KEY", key),
		"token": getenv("AZURE_STORAGE_ACCOUNT", "account", "AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=SECRETPW"),
	} {
		s, err := Open(t.Context(), "azblob://results/gx?endpoint="+server.URL, env)
		if err != nil {
			t.Fatal(name, err)
		}
		if strings.Contains(s.Name(), "SECRETPW") || !strings.HasPrefix(s.Name(), "azblob://results/gx?endpoint=") {
			t.Error(s.Name())
		}
		keeps(t, s)
	}
	s, err := Open(t.Context(), "azblob://results/gx", getenv("AZURE_STORAGE_CONNECTION_STRING", "DefaultEndpointsProtocol=http;AccountName=account;AccountKey="+key+";BlobEndpoint="+server.URL))
	if err != nil {
		t.Fatal(err)
	}
	keeps(t, s)
	if s, err = Open(t.Context(), "azblob://other?account=account&endpoint="+server.URL, getenv("AZURE_STORAGE_KEY", key)); err != nil {
		t.Fatal(err)
	}
	if err := s.List(t.Context(), func(Object) error { return nil }); err == nil || !strings.Contains(err.Error(), `"other" does not exist`) {
		t.Errorf("%v", err)
	}
	if s, err = Open(t.Context(), "azblob://results?account=account&endpoint="+server.URL, getenv("AZURE_STORAGE_SAS_TOKEN", "sv=SECRETPW")); err != nil {
		t.Fatal(err)
	}
	if err := s.List(t.Context(), func(Object) error { return nil }); err == nil || !strings.Contains(err.Error(), "access is denied") || strings.Contains(err.Error(), "SECRETPW") {
		t.Errorf("%v", err)
	}
}

func TestAnAddressThatCannotBeIsToldWithAHint(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none"))
	for arg, says := range map[string]string{
		"/no/such/folder":            "/no/such/folder",
		"store.go":                   "is no folder",
		"gcs://bucket":               "did you mean gs://?",
		"abfss://x@y/z":              "holds no credentials",
		"abfss://x/z":                "did you mean azblob://?",
		"ftp://x/z":                  "name a folder, s3://BUCKET/PREFIX",
		"s3://":                      "names no bucket",
		"s3:///prefix":               "names no bucket",
		"s3://key:SECRETPW@bucket/x": "holds no credentials",
		"s3://b?regoin=x":            `no option "regoin": it has region, endpoint, path_style`,
		"s3://b":                     "set AWS_REGION",
		"gs://b?key=SECRETPW":        `no option "key"`,
		"gs://b":                     "there are no credentials: set GOOGLE_APPLICATION_CREDENTIALS",
		"azblob://c":                 "set AZURE_STORAGE_ACCOUNT",
		"azblob://c?account=a&x=y":   `no option "x"`,
		"azblob://c?%zz=SECRETPW":    "cannot be read",
	} {
		_, err := Open(t.Context(), arg, getenv("AZURE_STORAGE_KEY", "SECRETPW!"))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "SECRETPW") {
			t.Errorf("%s: %v, want %s", arg, err, says)
		}
	}
	if _, err := Open(t.Context(), "azblob://c?account=a", getenv("AZURE_STORAGE_KEY", "SECRETPW!")); err == nil || strings.Contains(err.Error(), "SECRETPW") || !strings.Contains(err.Error(), "base64") {
		t.Errorf("%v", err)
	}
	if _, err := Open(t.Context(), "azblob://c", getenv("AZURE_STORAGE_CONNECTION_STRING", "SECRETPW")); err == nil || strings.Contains(err.Error(), "SECRETPW") {
		t.Errorf("%v", err)
	}
}

// Statuses of providers become sentences without what the provider says.
func TestWhatAProviderAnswersIsASentence(t *testing.T) {
	status, body := 0, "SECRETPW"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "SECRETPW")
	t.Setenv("AWS_REGION", "eu-central-1")
	for code, says := range map[int]string{400: "check the bucket's name, the region and the credentials", 401: "credentials are refused", 403: "access is denied", 404: `"b" does not exist`, 301: "another region"} {
		status = code
		for _, arg := range []string{"s3://b?endpoint=" + server.URL, "gs://b"} {
			if code == 301 && strings.HasPrefix(arg, "gs") {
				continue // Google's API does not redirect
			}
			s, err := Open(t.Context(), arg, getenv("STORAGE_EMULATOR_HOST", server.URL))
			if err != nil {
				t.Fatal(err)
			}
			err = s.List(t.Context(), func(Object) error { return nil })
			if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "SECRETPW") {
				t.Errorf("%s %d: %v", arg, code, err)
			}
			_ = s.Close()
		}
	}
	server.Close()
	for _, arg := range []string{"gs://b"} {
		s, err := Open(t.Context(), arg, getenv("STORAGE_EMULATOR_HOST", server.URL))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.List(t.Context(), func(Object) error { return nil }); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%s: %v", arg, err)
		}
	}
}
