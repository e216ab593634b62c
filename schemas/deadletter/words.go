package deadletter

import "github.com/twmb/franz-go/pkg/kgo"

// The values of HeaderStage: where on its journey the record failed.
const (
	StageDecode  = "decode"
	StageMap     = "map"
	StageDeliver = "deliver"
)

// The values of HeaderDisposition: what became of the record.
const (
	DispositionPoison    = "poison"    // the message is wrong
	DispositionRejected  = "rejected"  // the backend refused its events
	DispositionExhausted = "exhausted" // it failed again and again while others succeeded
	DispositionOversize  = "oversize"  // it is too large for its destination, or for us
	DispositionBug       = "bug"       // our own code failed on it
)

// The values of HeaderCode that no decoder, mapper or destination makes.
const (
	CodeOversize      = "oversize"       // more than input.max_message_bytes
	CodeOversizeBatch = "oversize_batch" // its compressed batch inflates to more than is read
	CodeTombstone     = "tombstone"      // a record without a value
	CodeBuriedByHand  = "buried_by_hand" // an operator did not want to wait for it
	CodePanic         = "panic"
	CodeBug           = "bug" // an error that nobody classified
)

// SizeOf is how many bytes a record has: key, value and headers, uncompressed.
func SizeOf(rec *kgo.Record) int {
	n := len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}
