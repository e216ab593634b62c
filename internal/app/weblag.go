package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gx-ol/gx-ol/internal/seen"
)

// askGroup asks how far the group is behind.
func (o *onlooker) askGroup(ctx context.Context) {
	parts, group, err := o.lags(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil && !isAnswer(err) {
		o.failed = err
		return
	}
	o.answered, o.failed, o.group = time.Now(), err, group
	if err == nil {
		o.parts = parts
	}
}

func isAnswer(err error) bool {
	_, answer := errors.AsType[*kerr.Error](err)
	return answer
}

// lags are those of the group. group is why they are not known although the brokers answer.
func (o *onlooker) lags(ctx context.Context) (parts []seen.Partition, group, err error) {
	admin := kadm.NewClient(o.client)
	topics := o.cfg.Input.Topics
	if o.cfg.Input.Regex() {
		if topics, err = o.fitting(ctx, admin); err != nil || len(topics) == 0 {
			return nil, nil, err
		}
	}
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	begins, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, nil, err
	}
	committed, err := admin.FetchOffsets(ctx, o.cfg.Input.Group)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, errNoOffsets, nil
	}
	if isAnswer(err) {
		return nil, explain(o.cfg)(err), nil
	}
	if err != nil {
		return nil, nil, err
	}
	ends.Each(func(end kadm.ListedOffset) {
		begin, known := begins.Lookup(end.Topic, end.Partition)
		c, has := committed.Lookup(end.Topic, end.Partition)
		if !known || begin.Err != nil || end.Err != nil || !has || c.At < 0 {
			return
		}
		parts = append(parts, seen.Partition{Topic: end.Topic, Partition: end.Partition, Lag: max(end.Offset-max(c.At, begin.Offset), 0), Retained: max(c.At-begin.Offset, 0)})
	})
	slices.SortFunc(parts, func(a, b seen.Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	if len(parts) == 0 {
		group = errNoOffsets
	}
	return parts, group, nil
}

var errNoOffsets = errors.New("the group has committed no offset of these topics yet: is gx-ol run running with this group?")

// fitting are the topics that the regular expression takes.
func (o *onlooker) fitting(ctx context.Context, admin *kadm.Client) (names []string, err error) {
	details, err := admin.ListTopics(ctx)
	if err != nil {
		return nil, err
	}
	isInput := inputs(o.cfg)
	return slices.DeleteFunc(details.Names(), func(name string) bool { return !isInput(name) }), nil
}
