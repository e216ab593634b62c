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
	clock   time.Time // the message's own; zero if it has none
	start   time.Time
	end     time.Time // before the run id's share of microseconds
	nominal time.Time // a run_time that a caller set to another day; zero if none
}

// timesOf picks a run's times: of those in the message, the ones near the clock; else received.
func timesOf(v *gx.Validation, received time.Time) times {
	t := times{clock: clockOf(v)}
	clock := t.clock
	if clock.IsZero() {
		clock = received
	}
	t.start, t.end = clock, clock
	for _, at := range []time.Time{v.RunTime, v.ValidationTime, v.LoadTime} {
		if at.IsZero() || at.Sub(clock).Abs() > window {
			continue
		}
		if at.Before(t.start) {
			t.start = at
		}
		if at.After(t.end) {
			t.end = at
		}
	}
	if !v.RunTime.IsZero() && v.RunTime.Sub(clock).Abs() > window {
		t.nominal = v.RunTime
	}
	t.start = t.start.UTC().Truncate(time.Microsecond)
	t.end = t.end.UTC().Truncate(time.Microsecond)
	if least := t.start.Add(time.Millisecond); t.end.Before(least) {
		t.end = least
	}
	return t
}

// clockOf is when the data was validated, by the producer's clock. In 1.x validation_time repeats run_time, which a
// caller may set to any day, so the load time is asked first.
func clockOf(v *gx.Validation) time.Time {
	first, second := v.LoadTime, v.ValidationTime
	if strings.HasPrefix(strings.TrimPrefix(v.GXVersion, "v"), "0.") {
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
