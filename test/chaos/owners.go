package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// owners asks the group who has which partition. It does so with the product's client library: kafka-go can't read what members
// of a cooperative group say of themselves.
type owners struct {
	admin      *kadm.Client
	partitions int
}

func newOwners(servers string, partitions int) (*owners, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(servers, ",")...))
	if err != nil {
		return nil, fmt.Errorf("making a client that asks for the group's members: %w", err)
	}
	return &owners{kadm.NewClient(client), partitions}, nil
}

func (o *owners) close() { o.admin.Close() }

// ask returns the client.id of each partition's owner; nil while members join and leave.
func (o *owners) ask(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	all, err := o.admin.DescribeGroups(ctx, group)
	if err != nil {
		return nil, err
	}
	g := all[group]
	if g.Err != nil || g.State != "Stable" {
		return nil, g.Err
	}
	out := make([]string, o.partitions)
	for _, m := range g.Members {
		assigned, ok := m.Assigned.AsConsumer()
		if !ok {
			continue
		}
		for _, t := range assigned.Topics {
			for _, p := range t.Partitions {
				if t.Topic == input {
					out[p] = m.ClientID
				}
			}
		}
	}
	return out, nil
}
