package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
)

// A broker's words beside its code are in no line of the log, wherever the error comes from.
func TestTheLogRepeatsNoWordsOfABroker(t *testing.T) {
	var out strings.Builder
	log, err := NewLogger(config.Log{Level: "info", Format: "json"}, &out, false)
	if err != nil {
		t.Fatal(err)
	}
	quoted := fmt.Errorf("asking for topic t: %w", fmt.Errorf("%w: no: SECRETPW", kerr.UnknownServerError))
	log.Warn("one", zap.String("a", "b"), zap.Error(quoted))
	log.With(zap.Error(quoted)).Warn("two")
	log.Debug("three", zap.Error(quoted))
	log.Warn("four", zap.Error(errors.New("plain")))
	said := out.String()
	if strings.Contains(said, "SECRETPW") || strings.Count(said, "asking for topic t: UNKNOWN_SERVER_ERROR") != 2 || strings.Count(said, "\n") != 3 || !strings.Contains(said, `"error":"plain"`) || !strings.Contains(said, `"a":"b"`) {
		t.Error(said)
	}
}
