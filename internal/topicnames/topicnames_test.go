package topicnames_test

import (
	"testing"

	"github.com/gx-ol/gx-ol/internal/topicnames"
)

// A topic of our own that were read as input would have its records buried, and those again, for ever.
func TestTopicsOfOurOwnAreNeverInput(t *testing.T) {
	for name, want := range map[string]bool{
		"gx.results":                  false,
		"gx.results.dlq":              true,
		"gx.results.dlq.ledger":       true,
		"gx.results.dlq.quarantine":   true,
		"gx.results.published.ledger": true,
		"__consumer_offsets":          true,
		"gx.dlqs":                     false,
		"gx-dlq":                      false,
		"gx.published.ledgers":        false,
		"gx.unpublished-ledger":       false,
		"gx__results":                 false,
		"":                            false,
	} {
		if topicnames.IsOwn(name) != want {
			t.Errorf("%q is our own: %t", name, !want)
		}
	}
}
