package kafka

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// What a broker says beside its code is not repeated: at a sign-in it may quote the password.
func TestAFaultHoldsNoWordsOfABroker(t *testing.T) {
	for _, answer := range []*kerr.Error{kerr.UnknownServerError, kerr.SaslAuthenticationFailed, kerr.NotEnoughReplicas} {
		err := Fault(t.Context(), fmt.Errorf("%w: no: SECRETPW", answer), "writing to topic", "t")
		f := fault.Of(err)
		if strings.Contains(err.Error(), "SECRETPW") || !strings.Contains(err.Error(), answer.Message) || !errors.Is(err, answer) || f.Kind != fault.Backend {
			t.Errorf("%s: %v", answer.Message, err)
		}
	}
	if err := Fault(t.Context(), errors.New("dial tcp: refused"), "writing to topic", "t"); !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
}
