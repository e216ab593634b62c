package main

import (
	"context"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
)

// collect reads what the run left in Kafka.
func (s *estate) collect(ctx context.Context) error {
	s.mu.Lock()
	s.e.samples = s.samples
	s.mu.Unlock()
	s.e.inFlight = inFlight
	s.e.toKafka = s.o.mode != http
	s.e.exactlyOnce = s.o.mode == exactlyOnce
	if s.backend != nil {
		s.e.storedFaults = int(s.backend.stored.Load())
		s.e.failures = int(s.backend.failed.Load())
	}
	places := make(map[[2]int]int, len(s.e.kinds))
	for i := range s.e.kinds {
		places[[2]int{int(s.e.partition[i]), int(s.e.offset[i])}] = i
	}
	place := func(p, o int) int {
		if i, ok := places[[2]int{p, o}]; ok {
			return i
		}
		return -1
	}
	err := s.read(ctx, s.kafka, s.topics, input+".dlq", func(m message) error {
		s.e.letters = append(s.e.letters, letterOf(m.headers, place, s.journal.at(m.at)))
		return nil
	})
	if err != nil || s.o.mode == http {
		return err
	}
	return s.read(ctx, s.sink, s.events, output, func(m message) error {
		i, event, err := parse(m.value)
		if err != nil {
			return err
		}
		s.journal.add(i, event, m.value, s.journal.at(m.at))
		return nil
	})
}

func (s *estate) read(ctx context.Context, from *kafkatest.Cluster, topics *cluster, topic string, each func(message) error) error {
	if s.o.mode == exactlyOnce {
		return kafkatest.ReadCommitted(ctx, from.Servers(), topic, func(r kafkatest.Record) error {
			return each(message{value: []byte(r.Value), headers: r.Headers})
		})
	}
	return topics.read(ctx, topic, each)
}
