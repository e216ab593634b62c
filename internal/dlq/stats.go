package dlq

import (
	"cmp"
	"slices"
	"time"

	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Stats is a histogram of letters.
type Stats struct {
	Letters      int         `json:"letters"`
	Bytes        int64       `json:"bytes"`
	Oldest       *time.Time  `json:"oldest,omitempty"`
	Newest       *time.Time  `json:"newest,omitempty"`
	Codes        []CodeCount `json:"codes"`
	Dispositions []Count     `json:"dispositions"`
	SourceTopics []Count     `json:"source_topics"`
	Systems      []Count     `json:"systems"`
	Ages         []Count     `json:"ages"`
	Replays      []Count     `json:"replays"`
	States       []Count     `json:"states"`
}

// Count is how many letters share a value.
type Count struct {
	Value   string `json:"value"`
	Letters int    `json:"letters"`
}

// CodeCount is how many letters share a code, with one of their error texts and what could help.
type CodeCount struct {
	Code        string `json:"code"`
	Disposition string `json:"disposition"`
	Letters     int    `json:"letters"`
	Example     string `json:"example"` // the newest one's error
	At          string `json:"at"`      // its place
	Advice      string `json:"advice"`
}

// Histogram counts letters.
func Histogram(letters []*Letter, now time.Time) Stats {
	s := Stats{Letters: len(letters)}
	type cause struct{ code, disposition string }
	codes := make(map[cause]*CodeCount)
	newest := make(map[cause]time.Time)
	count := map[string]map[string]int{}
	add := func(what, value string) {
		if count[what] == nil {
			count[what] = make(map[string]int)
		}
		count[what][cmp.Or(value, "-")]++
	}
	for _, l := range letters {
		at := l.GivenUp()
		s.Bytes += int64(l.Bytes)
		if s.Oldest == nil || at.Before(*s.Oldest) {
			s.Oldest = &at
		}
		if s.Newest == nil || at.After(*s.Newest) {
			s.Newest = &at
		}
		c := cause{l.Said.Code, l.Said.Disposition}
		if codes[c] == nil {
			codes[c] = &CodeCount{Code: l.Said.Code, Disposition: cmp.Or(l.Said.Disposition, "-"), Advice: Advice(l)}
		}
		codes[c].Letters++
		if !at.Before(newest[c]) {
			newest[c], codes[c].Example, codes[c].At = at, l.Said.Error, l.String()
		}
		add("disposition", l.Said.Disposition)
		add("topic", l.Said.Topic)
		add("system", string(l.System))
		add("age", age(now.Sub(at)))
		add("replays", replays(l.Said.Replays))
		add("state", string(l.State))
	}
	for _, c := range codes {
		s.Codes = append(s.Codes, *c)
	}
	slices.SortFunc(s.Codes, func(a, b CodeCount) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Disposition, b.Disposition))
	})
	s.Dispositions, s.SourceTopics, s.Systems, s.States = most(count["disposition"]), most(count["topic"]), most(count["system"]), most(count["state"])
	s.Ages, s.Replays = inOrder(count["age"], ages), inOrder(count["replays"], replayCounts)
	return s
}

var (
	ages         = []string{"under 1 hour", "1 – 24 hours", "1 – 7 days", "over 7 days"}
	replayCounts = []string{"never", "once", "twice", "more often"}
)

func age(d time.Duration) string {
	switch {
	case d < time.Hour:
		return ages[0]
	case d < 24*time.Hour:
		return ages[1]
	case d < 7*24*time.Hour:
		return ages[2]
	}
	return ages[3]
}

func replays(n int) string { return replayCounts[min(n, len(replayCounts)-1)] }

func most(counts map[string]int) []Count {
	var out []Count
	for v, n := range counts {
		out = append(out, Count{v, n})
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.Value, b.Value))
	})
	return out
}

func inOrder(counts map[string]int, order []string) []Count {
	var out []Count
	for _, v := range order {
		if counts[v] > 0 {
			out = append(out, Count{v, counts[v]})
		}
	}
	return out
}

// Advice is what could help a letter, in one sentence.
func Advice(l *Letter) string {
	if l.Batch != nil {
		return "look who wrote it; raise input.max_message_bytes if it is to be read, else discard it"
	}
	if l.State == Unclear {
		return "look into the ledger and the source topic: discard it if it was replayed, else export and import it"
	}
	if l.System != deadletter.Ours {
		if l.System == "" {
			return "no dead letter: look at it, and discard it"
		}
		return "of another system: replay it when what failed there is mended"
	}
	if a, ok := adviceByCode[l.Said.Code]; ok {
		return a
	}
	return adviceByDisposition[l.Said.Disposition]
}

var adviceByCode = map[string]string{
	"unmapped_dataset":        "add the datasource to datasources, restart, then replay",
	"tombstone":               "nothing to deliver: discard it",
	"empty_value":             "nothing to deliver: discard it",
	"unsafe_event":            "would break the backend for everybody: mend the result's names (export, import), or discard it",
	"buried_by_hand":          "an operator did not want to wait for it: mend the cause, then replay it, or discard it",
	"kafka_message_too_large": "raise max.message.bytes of the destination topic, then replay",
	"http_413":                "raise the backend's body limit or lower transport.max_event_bytes, then replay",
	"skipped":                 "the backend stored nothing: look at its rules, then replay",
}

var adviceByDisposition = map[string]string{
	"poison":    "replay does not help by itself: mend the message (export, import) or the producer, or discard it",
	"rejected":  "the backend refused it: replay after the backend, or the mapping, was changed",
	"exhausted": "it alone kept failing: replay when the backend was mended",
	"oversize":  "raise the limit that its error names, then replay",
	"bug":       "report it; replay with a version that mends it",
}

func sortedKeys(e ranges.Extent) []int32 {
	out := make([]int32, 0, len(e))
	for p := range e {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}
