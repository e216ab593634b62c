package check

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Plan is all that there is to look at.
type Plan struct {
	Configured []Result // what is known of the configuration already

	Kafka           *Cluster // of the input
	Input           Input
	LettersOf       func(topic string) string // the dead-letter topic of an input topic
	Counted         bool                      // run counts dead letters
	TransactionalID string                    // one that run would use; empty: it uses none
	Targets         []Target
	Listen          string // telemetry.listen

	Mapper Mapper // nil: no message is tried

	// Messages hands over the last messages of the input, one after the other, without a group and without committing anything. An error is
	// that it ended before its time; what came before stands.
	Messages func(ctx context.Context, each func(*kgo.Record)) error

	tally tally
}

// Checks are the plan's, in the order in which they are told. A plan is for one Run.
func (p *Plan) Checks() []Check {
	all := []Check{
		{Name: Configuration, Do: func(context.Context) []Result { return p.Configured }},
		{Name: Brokers, Do: p.Kafka.brokers},
		{Name: Advertised, After: []string{Brokers}, Do: p.Kafka.advertised},
		{Name: Topics, After: []string{Brokers}, Do: p.topics},
		{Name: Group, After: []string{Brokers}, Do: p.group},
		{Name: DeadLetters, After: []string{Brokers}, Do: p.letters},
		{Name: Ledger, After: []string{Brokers}, Do: p.ledger},
		{Name: Idempotence, After: []string{Brokers}, Do: p.idempotence},
	}
	if p.TransactionalID != "" {
		all = append(all, Check{Name: Transactions, After: []string{Brokers}, Do: p.transactions})
	}
	to := Check{Name: Destination, Do: p.destinations}
	for _, t := range p.Targets {
		if t.Topic != "" && t.Cluster == nil && len(p.Targets) == 1 {
			to.After = []string{Brokers} // the same ones
		}
	}
	all = append(all, to, Check{Name: Clock, Do: p.clocks})
	if p.Mapper != nil {
		all = append(all,
			Check{Name: MappingCheck, After: []string{Brokers, Topics}, Do: p.mapping},
			Check{Name: Datasources, After: []string{Brokers, Topics}, Do: p.datasources},
			Check{Name: Datasets, After: []string{Brokers, Topics}, Do: p.datasets})
	}
	return append(all, Check{Name: Telemetry, Do: p.telemetry})
}
