package app

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.uber.org/zap"
)

// The pipeline is handed the rate of a destination, one for all events that go there, and none where there is none.
func TestTheRateOfADestinationIsKept(t *testing.T) {
	for _, rate := range []string{"0", "0.001"} {
		cfg := parse(t, "127.0.0.1:1", fmt.Sprintf("transport: {url: \"http://127.0.0.1:1\", backend: generic, rate_limit: %s}", rate))
		all, err := NewDestinations(t.Context(), cfg, Process{Log: zap.NewNop()})
		if err != nil {
			t.Fatal(err)
		}
		defer all.Close()
		pace := all.To[0].Pace
		if (pace != nil) != (rate != "0") {
			t.Fatalf("rate %s: paced %v", rate, pace != nil)
		}
		if pace == nil {
			continue
		}
		if err := pace(t.Context()); err != nil {
			t.Errorf("the first event: %v", err)
		}
		ended, stop := context.WithCancel(t.Context())
		stop()
		if err := pace(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("the second event at once: %v", err)
		}
	}
}
