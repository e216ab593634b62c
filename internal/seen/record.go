package seen

import "time"

// record is a Run as it is kept: small, since there may be hundreds of thousands, and without pointers, so that no collection of garbage looks through them.
type record struct {
	number                  uint64
	id                      [16]byte // of the run, where it is a UUID; all zero: its subject has it
	offset                  int64
	started, ended          int64 // microseconds since 1970; started 0: not known
	rows                    int64
	subject                 uint32 // where subjects hold it
	partition               int32
	passed, failed, skipped int32
	outcome                 outcome
	buried                  bool
	columns                 columnsID // of its null counts, which its dataset's nulls hold
}

// recordBytes is what a record takes.
const recordBytes = 80

// outcome is an index of Outcomes.
type outcome byte

const (
	outcomeFailed outcome = iota
	outcomeWarned
	outcomePassed
	outcomeNone
)

// run is the record for who asks; of is its subject.
func (r *record) run(of *subject) Run {
	out := Run{Number: r.number, ID: of.id, JobNamespace: of.namespace, Job: of.job, Suite: of.suite, Part: of.part, Datasets: of.datasets,
		Outcome: Outcomes[r.outcome], Buried: r.buried, Passed: int(r.passed), Failed: int(r.failed), Skipped: int(r.skipped), Ended: time.UnixMicro(r.ended).UTC(),
		Rows: r.rows, At: Place{of.topic, r.partition, r.offset}}
	if r.id != ([16]byte{}) {
		out.ID = uuidText(r.id)
	}
	if r.started != 0 {
		out.Started = time.UnixMicro(r.started).UTC()
	}
	return out
}

const digits = "0123456789abcdef"

// uuidText is a UUID as it is usually written.
func uuidText(id [16]byte) string {
	text := make([]byte, 0, 36)
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text = append(text, '-')
		}
		text = append(text, digits[b>>4], digits[b&15])
	}
	return string(text)
}

// uuidOf reads a UUID that uuidText would write just so; ok: it is one, and not that of zeros.
func uuidOf(text string) (id [16]byte, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	at, wrong := 0, byte(0)
	for i := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			at++
		}
		high, low := digitValues[text[at]], digitValues[text[at+1]]
		wrong |= high | low
		id[i] = high<<4 | low&15
		at += 2
	}
	if wrong > 15 || id == ([16]byte{}) {
		return [16]byte{}, false
	}
	return id, true
}

// digitValues are the values of digits as uuidText writes them, by their bytes; 255 for all else. A processor cannot predict how comparisons of random digits end, so
// a table is faster.
var digitValues = func() (values [256]byte) {
	for c := range values {
		values[c] = 255
	}
	for n, c := range digits {
		values[c] = byte(n)
	}
	return values
}()
