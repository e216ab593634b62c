package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/internal/dlq"
)

// lettersFilter is which letters are asked for: the flags of the dlq commands, by the same names, as the query of the URL.
type lettersFilter struct {
	Topic                          string
	Code, Disposition, Source, Key string // lists have commas between; a key has none
	Partition, Offset              string
	Since, Until, Grep             string
	All                            bool
	Page                           int // from 1
}

func lettersFilterOf(q url.Values) lettersFilter {
	f := lettersFilter{Topic: word(q, "topic"), Code: words(q, "code"), Disposition: words(q, "disposition"), Source: words(q, "source-topic"), Key: word(q, "key"),
		Partition: words(q, "partition"), Offset: word(q, "offset"), Since: word(q, "since"), Until: word(q, "until"), Grep: word(q, "grep")}
	f.All, _ = strconv.ParseBool(q.Get("all"))
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 && n < 1_000_000 {
		f.Page = n
	}
	return f
}

// words is a list that may be given as several parameters, or as one with commas.
func words(q url.Values, name string) string {
	return word(url.Values{name: {strings.Join(q[name], ",")}}, name)
}

// query is the URL's query, without the page of the list.
func (f lettersFilter) query() url.Values {
	q := make(url.Values)
	for _, p := range f.params() {
		if p[1] != "" {
			q.Set(p[0], p[1])
		}
	}
	return q
}

func (f lettersFilter) params() [][2]string {
	all := ""
	if f.All {
		all = "true"
	}
	return [][2]string{{"topic", f.Topic}, {"code", f.Code}, {"disposition", f.Disposition}, {"source-topic", f.Source}, {"key", f.Key}, {"partition", f.Partition},
		{"offset", f.Offset}, {"since", f.Since}, {"until", f.Until}, {"grep", f.Grep}, {"all", all}}
}

// Fields are what is set of it, for the hidden fields of a form.
func (f lettersFilter) Fields() [][2]string {
	return slices.DeleteFunc(f.params(), func(p [2]string) bool { return p[1] == "" })
}

// Words are what is set of it beside the topic, as a person reads it.
func (f lettersFilter) Words() string {
	var out []string
	for _, p := range f.Fields() {
		if p[0] != "topic" {
			out = append(out, p[0]+" "+p[1])
		}
	}
	if len(out) == 0 {
		return "all that are not settled"
	}
	return strings.Join(out, ", ")
}

// At is the URL of a path with this filter. It is made here: a query that is put together in a template would be escaped as one value, and choose all letters.
func (f lettersFilter) At(path string) string { return path + "?" + f.query().Encode() }

// page is the URL of a page of the list.
func (f lettersFilter) page(n int) string {
	q := f.query()
	if n > 1 {
		q.Set("page", strconv.Itoa(n))
	}
	return "/letters?" + q.Encode()
}

// with is the URL of the list with another value of one parameter.
func (f lettersFilter) with(name, value string) string {
	q := f.query()
	q.Set(name, value)
	return "/letters?" + q.Encode()
}

// read makes a filter of it, and says what in it cannot be meant.
func (f lettersFilter) read(now time.Time) (out dlq.Filter, wrong []error) {
	out = dlq.Filter{Codes: list(f.Code), Dispositions: list(f.Disposition), SourceTopics: list(f.Source), Grep: f.Grep, All: f.All}
	if f.Key != "" {
		out.Keys = []string{f.Key}
	}
	for _, d := range out.Dispositions {
		if !slices.Contains(dlq.Dispositions, d) {
			wrong = append(wrong, fmt.Errorf("disposition %q must be one of %s", cut(80, d), strings.Join(dlq.Dispositions, ", ")))
		}
	}
	for _, p := range list(f.Partition) {
		n, err := strconv.ParseInt(p, 10, 32)
		if err != nil || n < 0 {
			wrong = append(wrong, fmt.Errorf("partition %q is no number of a partition", cut(80, p)))
		}
		out.Partitions = append(out.Partitions, int32(n))
	}
	var err error
	if f.Offset != "" {
		if out.Offsets, err = dlq.ParseOffsets("offset", f.Offset); err != nil {
			wrong = append(wrong, err)
		}
	}
	if out.Since, err = dlq.ParseWhen("since", f.Since, now); err != nil {
		wrong = append(wrong, err)
	}
	if out.Until, err = dlq.ParseWhen("until", f.Until, now); err != nil {
		wrong = append(wrong, err)
	}
	return out, wrong
}

func list(s string) (out []string) {
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// bars is a small histogram over time, as a path of SVG in a box of 240 × 24.
type bars struct {
	Path string
	Text string
}

func barsOf(counts []int, most int) bars {
	var b strings.Builder
	width := 240 / float64(len(counts))
	used := 0
	for i, n := range counts {
		if n == 0 {
			continue
		}
		used++
		high := max(24*float64(n)/float64(most), 2) // one letter among thousands is seen, too
		fmt.Fprintf(&b, "M%.1f 24v-%.1fh%.1fv%.1fz", float64(i)*width, high, width-1, high)
	}
	return bars{b.String(), fmt.Sprintf("given up in %d of %d parts of the time", used, len(counts))}
}
