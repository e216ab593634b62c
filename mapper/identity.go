package mapper

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// window is how far from the clock a time may lie and still be one of the run.
const window = time.Hour

// times are a run's own times.
type times struct {
	clock      time.Time // as the message writes it, for the identity; zero if it has none
	start      time.Time
	end        time.Time // before the run id's share of microseconds
	nominal    time.Time // a run_time that a caller set to another day; zero if none
	run        time.Time // run_time, validation_time and ge_load_time as they leave: local time labelled as UTC put right, no unlikely ones
	validation time.Time
	load       time.Time
	unlikely   bool // a time was none
}

// timesOf picks a run's times: of those in the message, the ones near the clock; else received.
func timesOf(v *gx.Validation, received time.Time) times {
	t := times{clock: clockOf(v.GXVersion, v.LoadTime, v.ValidationTime)}
	t.run, t.validation, t.load = t.likely(v.RunTime, received), t.likely(v.ValidationTime, received), t.likely(v.LoadTime, received)
	clock := clockOf(v.GXVersion, t.load, t.validation)
	if clock.IsZero() {
		clock = received
	}
	t.start, t.end = clock, clock
	t.take(t.validation, clock)
	t.take(t.load, clock)
	if shift := localShift(v.GXVersion, t.run, clock); shift != 0 && !t.run.IsZero() {
		t.run = t.run.Add(-shift) // it is the clock's instant: the clock counts
	} else if !t.take(t.run, clock) {
		t.nominal = t.run
	}
	t.start = t.start.UTC().Truncate(time.Microsecond)
	t.end = t.end.UTC().Truncate(time.Microsecond)
	if least := t.start.Add(time.Millisecond); t.end.Before(least) {
		t.end = least
	}
	return t
}

// take makes at one of the run's times, if it lies near the clock.
func (t *times) take(at, clock time.Time) bool {
	if at.IsZero() || at.Sub(clock).Abs() > window {
		return false
	}
	if at.Before(t.start) {
		t.start = at
	}
	if at.After(t.end) {
		t.end = at
	}
	return true
}

// Nobody validated before 2015, and no message is read after 2100: a record's time outside of that was written in the wrong unit, or is none.
var (
	firstLikely = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	lastLikely  = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Likely reports whether a message can have been received then.
func Likely(received time.Time) bool {
	return !received.Before(firstLikely) && received.Before(lastLikely)
}

// likely is at, or none where no validation can have been then: a time in the wrong unit, 0, -1.
func (t *times) likely(at, received time.Time) time.Time {
	latest := lastLikely
	if Likely(received) {
		latest = received.Add(24 * time.Hour)
	}
	if !at.IsZero() && (at.Before(firstLikely) || at.After(latest)) {
		t.unlikely = true
		return time.Time{}
	}
	return at
}

// localShift is how far run_time is off where GX wrote the machine's local time and labelled it +00:00, as it did before 0.16: zones
// are multiples of a quarter of an hour, and a run begins within the minute before its clock. 0: it is not off.
func localShift(version string, run, clock time.Time) time.Duration {
	const quarter = 15 * time.Minute
	minor, ok := minorOf0(version)
	if !ok || minor >= 16 {
		return 0
	}
	d := run.Sub(clock)
	shift := d.Truncate(quarter)
	if shift < d {
		shift += quarter
	}
	if shift-d > time.Minute || shift.Abs() > 14*time.Hour {
		return 0
	}
	return shift
}

// minorOf0 is N of version 0.N.
func minorOf0(version string) (int, bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(version, "v"), "0.")
	n := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	minor, err := strconv.Atoi(rest[:n])
	return minor, ok && err == nil
}

// clockOf is when the data was validated, by the producer's clock. In 1.x validation_time repeats run_time, which a
// caller may set to any day, so the load time is asked first.
func clockOf(version string, load, validation time.Time) time.Time {
	first, second := load, validation
	if strings.HasPrefix(strings.TrimPrefix(version, "v"), "0.") {
		first, second = second, first
	}
	if first.IsZero() {
		return second
	}
	return first
}

// runID derives a version 7 UUID from what every full form of one validation carries itself. docs/run-ids.md has the rule
// and test vectors.
func runID(v *gx.Validation, t times, received time.Time) uuid.UUID {
	text := make(idText, 0, 512)
	for _, part := range [...]string{v.ValidationID, v.Suite, v.Batch.Datasource, v.Batch.Asset} {
		text = text.part(part)
	}
	text = append(text.length(len(v.Batch.Identifiers)), v.Batch.Identifiers...)
	text = text.part(v.RunName).micros(v.RunTime).micros(t.clock).number(int64(v.ResultCount))
	if v.RunTime.IsZero() && v.ValidationID == "" {
		facts := v.FactsHash()
		text = append(text.length(len(facts)), facts[:]...).micros(received)
	}
	return text.id(t.start)
}

// idText is what an id is derived from: parts, each with its length before it, so that no two lists of parts read alike.
type idText []byte

func (t idText) length(n int) idText { return binary.BigEndian.AppendUint64(t, uint64(n)) }

func (t idText) part(text string) idText { return append(t.length(len(text)), text...) }

func (t idText) number(n int64) idText {
	var text [20]byte
	digits := strconv.AppendInt(text[:0], n, 10)
	return append(t.length(len(digits)), digits...)
}

// micros writes an instant as text: microseconds since 1970 in UTC; empty for none.
func (t idText) micros(at time.Time) idText {
	if at.IsZero() {
		return t.length(0)
	}
	return t.number(at.UnixMicro())
}

// id is a version 7 UUID: the start time in milliseconds, then SHA-256 over the parts.
func (t idText) id(start time.Time) uuid.UUID {
	sum := sha256.Sum256(t)
	var id uuid.UUID
	copy(id[6:], sum[:10])
	ms := uint64(max(start.UnixMilli(), 0))
	id[0], id[1] = byte(ms>>40), byte(ms>>32)
	binary.BigEndian.PutUint32(id[2:], uint32(ms))
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// endTime spreads terminal times over a millisecond by the run id, since Marquez shows at random one of two facets
// with equal times. A partial result ends a millisecond earlier, so that the full one wins on the dataset's page.
func endTime(t times, id uuid.UUID, partial bool) time.Time {
	end := t.end.Add(time.Duration(binary.BigEndian.Uint16(id[14:])%1000) * time.Microsecond)
	if partial {
		end = end.Add(-time.Millisecond)
		if least := t.start.Add(time.Microsecond); end.Before(least) {
			end = least
		}
	}
	return end
}
