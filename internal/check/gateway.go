package check

import "context"

// GatewayPlan is all that there is to look at for gx-ol gateway.
type GatewayPlan struct {
	Configured []Result // what is known of the configuration already
	Kafka      *Cluster
	Topics     map[string]string // key of the configuration → the topic that is written; none is empty
	Listen     string            // gateway.listen
}

// Checks are the plan's, in the order in which they are told.
func (p *GatewayPlan) Checks() []Check {
	kafka := &Plan{Kafka: p.Kafka}
	return []Check{
		{Name: Configuration, Do: func(context.Context) []Result { return p.Configured }},
		{Name: Brokers, Do: p.Kafka.brokers},
		{Name: Advertised, After: []string{Brokers}, Do: p.Kafka.advertised},
		{Name: Idempotence, After: []string{Brokers}, Do: kafka.idempotence},
		{Name: GatewayTopics, After: []string{Brokers}, Do: p.topics},
		{Name: GatewayListen, Do: p.listen},
	}
}

// topics looks at what is written.
func (p *GatewayPlan) topics(ctx context.Context) []Result {
	var keys []string
	for _, key := range []string{"gateway.events_topic", "gateway.results_topic"} {
		if p.Topics[key] != "" {
			keys = append(keys, key)
		}
	}
	return each(keys, func(key string) []Result {
		name := p.Topics[key]
		t, err := p.Kafka.topic(ctx, name)
		if err != nil {
			return []Result{{Of: name, Status: Fail, Text: p.Kafka.diagnose(err), Key: key}}
		}
		r := p.Kafka.usable(ctx, t, mayWrite, key)
		if t.missing() {
			r.Hint += "; or leave it out: " + key + ": off"
		}
		return []Result{r}
	})
}

// listen looks whether the address can be had.
func (p *GatewayPlan) listen(ctx context.Context) []Result {
	return listens(ctx, Result{Of: p.Listen, Key: "gateway.listen"}, "the address of the gateway is free", "by gx-ol gateway", "")
}
