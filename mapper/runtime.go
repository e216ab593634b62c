package mapper

import (
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// RunTimeOf is when the checkpoint of a message's results ran, as they write it (a caller may have set it to any day), and the latest clock by which their data was
// validated. Where one is missing it is the other; both are zero where the message has no time.
func RunTimeOf(msg *gx.Message) (run, clock time.Time) {
	for i := range msg.Validations {
		v := &msg.Validations[i]
		if at := clockOf(v.GXVersion, v.LoadTime, v.ValidationTime); at.After(clock) {
			clock = at
		}
		if v.RunTime.After(run) {
			run = v.RunTime
		}
	}
	if run.IsZero() {
		run = clock
	}
	if clock.IsZero() {
		clock = run
	}
	return run, clock
}
