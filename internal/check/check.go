// Package check finds out, for real and changing nothing, what would keep the pipeline from running: of the brokers, the rights, the
// destinations, the clocks and the messages. What it is to look at is handed to it; it reads no configuration.
//
// Nothing is made, joined, committed, fenced or written: a right that no question without an effect can tell is said to be unknown.
package check

import (
	"context"
	"strings"
	"sync"
	"time"
)

// Status is how bad a finding is.
type Status string

// The closed set of them.
const (
	OK   Status = "ok"
	Warn Status = "warn" // the pipeline runs, and somebody should know; or it could not be told
	Fail Status = "fail" // the pipeline will not run, or waits for ever
)

// Result is one finding, told in one line.
type Result struct {
	Check   string   `json:"check"`             // which check found it: a name of Names
	Of      string   `json:"of,omitempty"`      // what it looked at: an address, a topic, a destination
	Status  Status   `json:"status"`            //
	Text    string   `json:"text"`              // one sentence, without secrets and row values
	Hint    string   `json:"hint,omitempty"`    // what to do about it
	Key     string   `json:"key,omitempty"`     // the key of the configuration that it is about
	Details []string `json:"details,omitempty"` // a line each, such as names
}

// Check is one thing to find out.
type Check struct {
	Name  string                             // stable: documentation and scripts name it
	After []string                           // the checks without whose success it cannot be tried; each stands earlier in the list
	Do    func(ctx context.Context) []Result // looks; ctx bounds it. It leaves Result.Check empty
}

// Run does all checks, side by side but for what waits for another, each within so long, and gives the findings in the checks' order. What depends on a
// check of which everything failed is not tried, and says so.
func Run(ctx context.Context, checks []Check, within time.Duration) []Result {
	found := make([][]Result, len(checks))
	done := make(map[string]chan struct{}, len(checks))
	at := make(map[string]int, len(checks))
	for i, c := range checks {
		done[c.Name], at[c.Name] = make(chan struct{}), i
	}
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			defer close(done[c.Name])
			for _, name := range c.After {
				if done[name] == nil {
					continue // there is no such thing to look at
				}
				<-done[name]
				if failed(found[at[name]]) {
					found[i] = []Result{{Check: c.Name, Status: Warn, Text: notTriedText + name + " failed"}}
					return
				}
			}
			ctx, cancel := context.WithTimeout(ctx, within)
			defer cancel()
			results := c.Do(ctx)
			for j := range results {
				results[j].Check = c.Name
			}
			found[i] = results
		})
	}
	all.Wait()
	var out []Result
	for _, results := range found {
		out = append(out, results...)
	}
	return out
}

// failed says whether nothing can be built on what was found: a failure, or that the check itself was not tried.
func failed(results []Result) bool {
	for _, r := range results {
		if r.Status == OK {
			return false
		}
	}
	for _, r := range results {
		if r.Status == Fail || notTried(r) {
			return true
		}
	}
	return false
}

func notTried(r Result) bool { return strings.HasPrefix(r.Text, notTriedText) }

const notTriedText = "not tried: "

// Worst is the worst of all findings.
func Worst(results []Result) Status {
	worst := OK
	for _, r := range results {
		if r.Status == Fail || r.Status == Warn && worst == OK {
			worst = r.Status
		}
	}
	return worst
}

// atOnce is how many things are looked at side by side: an expression may take in thousands of topics.
const atOnce = 16

// each looks at several things side by side, and gives the findings in their order.
func each[T any](things []T, look func(T) []Result) (out []Result) {
	found := make([][]Result, len(things))
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, thing := range things {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			found[i] = look(thing)
		})
	}
	all.Wait()
	for _, results := range found {
		out = append(out, results...)
	}
	return out
}

// The checks, in the order in which they are told.
const (
	Configuration = "configuration"
	Brokers       = "brokers"
	Advertised    = "advertised"
	Topics        = "topics"
	Group         = "group"
	DeadLetters   = "dead-letters"
	Ledger        = "ledger"
	Idempotence   = "idempotence"
	Transactions  = "transactions"
	Destination   = "destination"
	Clock         = "clock"
	MappingCheck  = "mapping"
	Datasources   = "datasources"
	Datasets      = "datasets"
	Telemetry     = "telemetry"
	GatewayTopics = "gateway-topics"
	GatewayListen = "gateway-listen"
)

// Names are all checks, in their order.
func Names() []string {
	return []string{Configuration, Brokers, Advertised, Topics, Group, DeadLetters, Ledger, Idempotence, Transactions, Destination, Clock, MappingCheck, Datasources,
		Datasets, Telemetry, GatewayTopics, GatewayListen}
}
