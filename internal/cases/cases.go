// Package cases reads cases that a configuration must pass, and judges what became of each: an input, and the few fields of the events that must come of it.
package cases

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/internal/config"
)

// Case is one message, a configuration, and what must become of it.
type Case struct {
	File   string
	Line   int
	Name   string
	Layers []config.Layer // the file's configuration, and the case's over it
	Env    map[string]string
	Own    bool // it has a configuration or variables of its own: that of the file does not do

	Value    []byte // nil: a tombstone
	Topic    string
	Headers  map[string]string
	Received time.Time // zero: now

	Expect Expectation
}

// Expectation is what must become of a case's message. What is nil is not asked for.
type Expectation struct {
	Events   []*yaml.Node // each fits an event, in their order; other events may stand between
	Each     *yaml.Node   // fits every event
	Count    *int         // of events
	Refused  *string      // the code of the dead letter
	Filtered *int         // how many results are left out; -1: all, and at least one
	Warnings *[]string    // codes, in any order

	places map[string]string // of each of these
}

// Outcome is what became of a case's message.
type Outcome struct {
	Events   [][]byte
	Filtered int
	Code     string // of the dead letter that it would be; empty: none
	Reason   string
	Warnings []string
}

// Failure is one thing that is not as it must be.
type Failure struct {
	Place string `json:"place"`           // file:line:column of what was expected
	Event string `json:"event,omitempty"` // which one, as 2 (COMPLETE)
	Field string `json:"field"`           // path in the event, or the kind of expectation
	Want  string `json:"want"`
	Got   string `json:"got"`
	Hint  string `json:"hint,omitempty"`
}
