// Package store is a place where validation results lie: a folder, or a bucket of S3, Google Cloud Storage or Azure. It lists their files and reads
// them, and writes nothing.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Object is a file of a store.
type Object struct {
	Path     string    // below the store, with slashes
	Size     int64     // bytes
	Modified time.Time // by the store's clock
	Stamp    string    // changes whenever the content does: the ETag, or modification time and size
	Young    bool      // it was written so lately that it may be written again without a new stamp
}

// Store lists and reads. Make one with Open, end it with Close. It is safe for concurrent use.
type Store interface {
	// Name is the store's address in its full form, without secrets: file:///srv/validations, s3://bucket/prefix.
	Name() string
	// List hands over every file, in no order. An error of each ends it.
	List(ctx context.Context, each func(Object) error) error
	// Read gives a file's bytes. One of more than most bytes is ErrTooLarge, one that is gone fs.ErrNotExist, and
	// ErrLocked one that alone may not be read.
	Read(ctx context.Context, path string, most int64) ([]byte, error)
	// Close frees what the store holds.
	Close() error
}

// What is wrong with a single file.
var (
	ErrTooLarge = errors.New("larger than input.max_message_bytes")
	ErrLocked   = errors.New("it may not be read")
)

// schemes are the addresses that are no folders.
var schemes = map[string]func(context.Context, address, func(string) (string, bool)) (Store, error){
	"s3":     openS3,
	"gs":     openGCS,
	"azblob": openAzure,
}

// Remote reports whether an address is that of a bucket, or of nothing that Open knows, and not of a folder.
func Remote(arg string) bool { return strings.Contains(arg, "://") }

// address is SCHEME://BUCKET/PREFIX?OPTIONS.
type address struct {
	scheme, bucket string
	prefix         string // empty, or with a slash at its end
	options        url.Values
}

func (a address) String() string {
	return strings.TrimSuffix(a.scheme+"://"+a.bucket+"/"+a.prefix, "/")
}

// key is the object's name in its bucket.
func (a address) key(path string) string { return a.prefix + path }

// Open opens the store at a folder's path or at s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or azblob://CONTAINER/PREFIX. Credentials come from where the providers'
// own tools take them; getenv reads the environment. It asks nobody yet: the first List tells what is wrong.
func Open(ctx context.Context, arg string, getenv func(string) (string, bool)) (Store, error) {
	if !Remote(arg) {
		return openFolder(arg)
	}
	scheme, rest, _ := strings.Cut(arg, "://")
	scheme = strings.ToLower(scheme)
	if scheme == "file" {
		return openFolder(filepath.FromSlash(rest))
	}
	rest, query, _ := strings.Cut(rest, "?")
	if i := strings.LastIndex(strings.SplitN(rest, "/", 2)[0], "@"); i >= 0 {
		return nil, errors.New("the address of a store holds no credentials: they come from the environment, as the provider's own tools take them")
	}
	open, ok := schemes[scheme]
	if !ok {
		return nil, fmt.Errorf("%s:// is no store that is known: name a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or azblob://CONTAINER/PREFIX%s", scheme, meant(scheme))
	}
	options, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("the options of the %s:// address cannot be read", scheme) // it may hold a token
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	if bucket == "" {
		return nil, fmt.Errorf("%s:// names no bucket: %s://BUCKET/PREFIX", scheme, scheme)
	}
	return open(ctx, address{scheme, bucket, prefix, options}, getenv)
}

// meant is a hint to whoever knows a store by another name.
func meant(scheme string) string {
	names := map[string]string{"s3a": "s3", "s3n": "s3", "gcs": "gs", "gcp": "gs", "google": "gs", "azure": "azblob", "az": "azblob", "abfs": "azblob", "abfss": "azblob", "wasb": "azblob", "wasbs": "azblob"}
	if near := names[scheme]; near != "" {
		return ": did you mean " + near + "://?"
	}
	return ""
}

// only refuses options that a store does not have.
func (a address) only(known ...string) error {
	for name := range a.options {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found && len(known) == 0 {
			return fmt.Errorf("%s:// has no option %q, nor any other", a.scheme, name)
		}
		if !found {
			return fmt.Errorf("%s:// has no option %q: it has %s", a.scheme, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// readAll reads at most most bytes, and closes.
func readAll(from io.ReadCloser, most int64) (data []byte, err error) {
	defer func() { err = errors.Join(err, from.Close()) }()
	data, err = io.ReadAll(io.LimitReader(from, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, ErrTooLarge
	}
	return data, err
}

// Fault is what is wrong with a store, in one sentence without secrets.
type Fault struct {
	Store string
	Text  string
	cause error
}

func (f *Fault) Error() string { return f.Store + ": " + f.Text }

// Unwrap is the provider's own error. Its text may hold more than a log should.
func (f *Fault) Unwrap() error { return f.cause }

// status is what an HTTP status of a provider means. code is the provider's own word for it.
func (a address) status(status int, code string, cause error, signIn string) error {
	text := fmt.Sprintf("the provider answers %d %s", status, code)
	switch status {
	case 400:
		text = fmt.Sprintf("the request is refused (%s): check the bucket's name, the region and the credentials", code)
	case 401:
		text = "the credentials are refused: " + signIn
	case 403:
		text = fmt.Sprintf("access is denied (%s): the credentials need the right to list and to read; %s", code, signIn)
	case 404:
		text = fmt.Sprintf("%q does not exist: check the name, the account and the region", a.bucket)
	case 301, 307:
		text = "the bucket lies in another region: set the region"
	}
	return &Fault{Store: a.String(), Text: text, cause: cause}
}
