package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// Kinds of backends, as transport.backend calls them.
const (
	auto    = "auto"
	marquez = "marquez"
	datahub = "datahub"
	generic = "generic"
)

// Backend is an OpenLineage backend over HTTP. Its functions ask it with the credentials of a delivery, by methods that store nothing.
type Backend struct {
	Kind       string                                                   // transport.backend; datahub also where the url tells it
	HasKey     bool                                                     // a key or a header is sent
	Namespaces func(ctx context.Context) (Answer, error)                // GET of Marquez's list
	Target     func(ctx context.Context, method string) (Answer, error) // of where events go
	Batch      func(ctx context.Context, method string) (Answer, error) // of where batches go; nil: there are none
}

// Answer is what a backend said.
type Answer struct {
	URL, Allow, Location, Words, Kind string
	Status                            int
	WebPage                           bool
	Date, Sent, Got, Expires          time.Time
}

// look asks a backend what it is, whether it lets us in, and whether there is a place for events.
func (b *Backend) look(ctx context.Context, t Target) []Result {
	kind := b.Kind
	var found []Result
	if kind == auto || kind == marquez {
		a, err := b.Namespaces(ctx)
		if r := b.answered(a, err, t); r != nil {
			return []Result{*r}
		}
		switch {
		case a.Kind == marquez:
			kind = marquez
		case kind == marquez:
			return []Result{{Status: Fail, Key: t.Path + ".url", Text: fmt.Sprintf("no Marquez answers: GET %s says %s", a.URL, status(a)),
				Hint: "set transport.url to Marquez's API (port 5000; 5001 is its administration, 3000 its web page), or transport.backend to what the backend is"}}
		}
		found = append(found, b.expiry(a, t)...)
	}
	learned, r := b.place(ctx, b.Target, t)
	found = append(found, b.expiry(learned, t)...)
	if r.Status == OK {
		r.Text = b.introduction(kind) + "; " + r.Text
	}
	found = append(found, r)
	if b.Batch != nil && r.Status == OK {
		if _, r := b.place(ctx, b.Batch, t); r.Status != OK {
			r.Status, r.Key = Warn, t.Path+".batch.endpoint"
			r.Text = "batches: " + r.Text + "; events go one by one"
			found = append(found, r)
		}
	}
	return found
}

func (b *Backend) introduction(kind string) string {
	is := map[string]string{marquez: "a Marquez", datahub: "a DataHub", generic: "a backend"}[kind]
	if is == "" {
		is = "a backend whose kind is not known (transport.backend says it)"
	}
	if b.HasKey {
		return is + " answers, with our credentials"
	}
	return is + " answers; no credentials are sent"
}

// answered is what is wrong with an answer, whatever was asked; nil: the backend talks with us.
func (b *Backend) answered(a Answer, err error, t Target) *Result {
	r := Result{Status: Fail, Key: t.Path + ".url"}
	if err != nil {
		r.Text = "no answer: " + err.Error()
		if f, ok := errors.AsType[*fault.Error](err); ok {
			r.Hint = f.Hint
			if f.Code == "tls" {
				r.Key = t.Path + ".ssl.ca.location"
			}
		}
		if errors.Is(err, context.DeadlineExceeded) {
			r.Text, r.Hint = "no answer in time", "is the backend overloaded, or something between that drops what is sent?"
		}
		return &r
	}
	r.Text = fmt.Sprintf("%s answers %s", a.URL, status(a))
	switch a.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		r.Key, r.Hint = t.Path+".auth.apiKey", "the backend does not take this key: check it, and what it may do"
		if !b.HasKey {
			r.Hint = "the backend asks for a key: set it"
		}
	case http.StatusProxyAuthRequired:
		r.Hint = "the proxy between wants credentials: check HTTPS_PROXY"
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		r.Hint = "a gateway answered, not the backend: is the backend running?"
	case http.StatusTooManyRequests, http.StatusRequestTimeout:
		r.Status, r.Hint = Warn, "the backend is busy: try again"
	default:
		switch {
		case a.Status/100 == 3:
			r.Hint = "redirects are not followed: set the url to where this one leads"
			if a.Location != "" {
				r.Hint += " (" + a.Location + ")"
			}
		case a.Status/100 == 2 && a.WebPage:
			r.Text, r.Hint = a.URL+" answers with a web page", "set the url of the backend's API: this is a login, or its web page"
		case a.Status == http.StatusInternalServerError && a.Kind == marquez:
			r.Hint = "Marquez runs, and its database does not answer"
		default:
			return nil
		}
	}
	return &r
}

// status is an answer's status in words, with the backend's own.
func status(a Answer) string {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status)))
	if a.Words != "" && a.Status/100 != 2 {
		text += " (" + a.Words + ")"
	}
	return text
}

// place finds out, without a POST, whether there is one for events. A place that knows no GET says so (405), complains of what the question lacks (400), or, where
// routes are told apart by their methods, of a missing page (404): then OPTIONS may know better.
func (b *Backend) place(ctx context.Context, ask func(context.Context, string) (Answer, error), t Target) (Answer, Result) {
	got, err := ask(ctx, http.MethodGet)
	if r := b.answered(got, err, t); r != nil {
		return got, *r
	}
	if present(got) {
		return got, Result{Status: OK, Text: "there is a place for events at " + got.URL}
	}
	options, err := ask(ctx, http.MethodOptions)
	if err == nil && (present(options) || options.Status/100 == 2) {
		return got, Result{Status: OK, Text: "there is a place for events at " + got.URL}
	}
	r := Result{Status: Fail, Key: t.Path + ".endpoint", Text: fmt.Sprintf("there is nothing at %s: GET is answered %s", got.URL, status(got))}
	if err == nil {
		r.Text += ", OPTIONS " + status(options)
	}
	r.Hint = fmt.Sprintf("check %s.url and %s.endpoint; a backend that knows nothing but POST there: set %s.backend: generic", t.Path, t.Path, t.Path)
	switch {
	case got.Status != http.StatusNotFound && got.Status != http.StatusGone:
		r.Status, r.Text = Warn, fmt.Sprintf("%s answers GET with %s: whether it takes events cannot be told without sending one", got.URL, status(got))
	case b.Kind == generic:
		r.Status = Warn
		r.Text += "; whether it knows POST alone cannot be told without sending an event"
		r.Hint = fmt.Sprintf("check %s.url and %s.endpoint", t.Path, t.Path)
	}
	return got, r
}

// present says whether an answer is that of an endpoint for events.
func present(a Answer) bool {
	switch a.Status {
	case http.StatusMethodNotAllowed:
		return a.Allow == "" || slices.ContainsFunc(strings.Split(a.Allow, ","), func(m string) bool { return strings.EqualFold(strings.TrimSpace(m), http.MethodPost) })
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType, http.StatusNotAcceptable, http.StatusLengthRequired:
		return true
	}
	return a.Status/100 == 2 && !a.WebPage
}

// expiry warns of a certificate that ends soon.
func (b *Backend) expiry(a Answer, t Target) []Result {
	if a.Expires.IsZero() || time.Until(a.Expires) > soon {
		return nil
	}
	return []Result{{Status: Warn, Text: expiring + "on " + a.Expires.UTC().Format(time.DateOnly), Hint: "renew the backend's certificate", Key: t.Path + ".ssl.ca.location"}}
}
