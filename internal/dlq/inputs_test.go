package dlq

import "testing"

func TestInputsAreWhatNameOrOperatorTell(t *testing.T) {
	all := func(string) bool { return true }
	for _, c := range []struct {
		topic, source string
		inputs        func(string) bool
		want          bool
	}{
		{"in.dlq", "in", nil, true},
		{"in.dlq.quarantine", "in", nil, true},
		{"in.dlq.quarantine.quarantine", "in", nil, true},
		{"in-dlt", "in", nil, true},
		{"in.DLT", "in", nil, true},
		{"in.dlq", "", all, false},
		{"in.dlq", "on", nil, false},
		{"in.dlq", "in.dlq", all, false},
		{"in.dlq", "in.dlq.ledger", all, false},
		{"in.dlq", "on.dlq", all, false},
		{"in.dlq", "on.dlq.audit", all, false},
		{"in.dlq", "__consumer_offsets", all, false},
		{"in.dlq", "on.published.ledger", all, false},
		{"__x.dlq", "__x", nil, false},
		{"dead", "in", nil, false},
		{"dead", "in", all, true},
		{"dead", "dead", all, false},
		{"dead", "dead.ledger", all, false},
		{"dead", "dead.audit", all, false},
		{"dead.quarantine", "dead.quarantine", all, false},
		{"dead.quarantine", "dead.ledger", all, false},
	} {
		topic := &Topic{Name: c.topic, inputs: c.inputs}
		if got := topic.IsInput(c.source); got != c.want {
			t.Errorf("%q of %q: %t", c.source, c.topic, got)
		}
	}
}
