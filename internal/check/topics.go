package check

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

// right is something that may be done with a topic, a group or the cluster: its place in the set of rights that brokers answer with.
type right int

// The rights that gx-ol needs, as Kafka numbers them.
const (
	mayRead       right = 3
	mayWrite      right = 4
	mayIdempotent right = 12
)

func (r right) String() string {
	switch r {
	case mayRead:
		return "READ"
	case mayWrite:
		return "WRITE"
	}
	return "IDEMPOTENT_WRITE"
}

// known says whether a set of rights was answered at all: brokers that do not know say so with their least number.
func known(set int32) bool { return set > 0 }

func (r right) in(set int32) bool { return set&(1<<r) != 0 }

// topic is what a broker tells of a topic.
type topic struct {
	name       string
	err        error // it does not exist, may not be seen, or has no valid name
	rights     int32 // also of one that does not exist
	partitions int
	replicas   int
	leaderless []int32
}

// validTopic is what Kafka takes for the name of a topic.
var validTopic = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func (t topic) missing() bool { return errors.Is(t.err, kerr.UnknownTopicOrPartition) }

// topic asks for one topic, which is not made by that. The error is that nobody answered.
func (c *Cluster) topic(ctx context.Context, name string) (topic, error) {
	if !validTopic.MatchString(name) {
		return topic{name: name, err: kerr.InvalidTopicException}, nil
	}
	req := kmsg.NewPtrMetadataRequest()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = kmsg.StringPtr(name)
	req.Topics = []kmsg.MetadataRequestTopic{asked}
	req.IncludeTopicAuthorizedOperations = true
	req.AllowAutoTopicCreation = false
	resp, err := req.RequestWith(ctx, c.Any)
	if err != nil {
		return topic{name: name}, err
	}
	if len(resp.Topics) != 1 {
		return topic{name: name}, errors.New("the broker's answer does not hold the topic")
	}
	answer := resp.Topics[0]
	t := topic{name: name, err: kerr.ErrorForCode(answer.ErrorCode), rights: answer.AuthorizedOperations, partitions: len(answer.Partitions)}
	for _, p := range answer.Partitions {
		t.replicas = max(t.replicas, len(p.Replicas))
		if p.Leader < 0 {
			t.leaderless = append(t.leaderless, p.Partition)
		}
	}
	return t, nil
}

// names are all topics that may be seen.
func (c *Cluster) names(ctx context.Context) ([]string, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = nil // all
	resp, err := req.RequestWith(ctx, c.Any)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range resp.Topics {
		if t.Topic != nil && t.ErrorCode == 0 {
			names = append(names, *t.Topic)
		}
	}
	slices.Sort(names)
	return names, nil
}

// usable tells whether a topic is there and gives a right on it; key is the one that names it. The line is good as it is, or about what is missing.
func (c *Cluster) usable(ctx context.Context, t topic, need right, key string) Result {
	r := Result{Of: t.name, Status: Fail, Key: key}
	switch {
	case t.missing():
		r.Text = "the topic does not exist"
		r.Hint = "create it, or check its name"
		if names, err := c.names(ctx); err == nil {
			if near := nearest.Name(t.name, names); near != "" {
				r.Hint = fmt.Sprintf("did you mean %q?", near)
			}
		}
	case errors.Is(t.err, kerr.TopicAuthorizationFailed):
		r.Text = fmt.Sprintf("%s may not see the topic (or it does not exist): %s on it, which brings DESCRIBE, is missing", c.user(), need)
		r.Hint = c.grant(need.String(), "--topic", t.name)
	case errors.Is(t.err, kerr.InvalidTopicException):
		r.Text, r.Hint = "this is no valid name of a topic", "letters, digits, dots, dashes and underscores only"
	case t.err != nil:
		r.Text = fmt.Sprintf("the brokers have no answer for it: %v", t.err)
	case known(t.rights) && !need.in(t.rights):
		r.Text = fmt.Sprintf("%s lacks %s on the topic", c.user(), need)
		r.Hint = c.grant(need.String(), "--topic", t.name)
	case len(t.leaderless) > 0:
		r.Text = fmt.Sprintf("%d of its %d partitions have no leader", len(t.leaderless), t.partitions)
		r.Hint, r.Key = "the cluster must mend that: are brokers away?", ""
	case !known(t.rights):
		r.Status, r.Text = Warn, fmt.Sprintf("there, with %s; whether %s on it is granted, these brokers do not tell, and it cannot be told without changing something", count(t.partitions, "partition"), need)
		if need == mayRead {
			r.Text = fmt.Sprintf("there, with %s; these brokers do not tell rights: the check %s tries to read", count(t.partitions, "partition"), MappingCheck)
		}
		r.Key = ""
	default:
		r.Status, r.Key, r.Text = OK, "", fmt.Sprintf("there, with %s, and %s is granted", count(t.partitions, "partition"), need)
	}
	return r
}

// grant is how a right is given.
func (c *Cluster) grant(operation, resource, name string) string {
	user := c.User
	if user == "" {
		user = "NAME"
	}
	return fmt.Sprintf("kafka-acls.sh --add --allow-principal User:%s --operation %s %s %s", user, operation, resource, name)
}

func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

// Input is what is read.
type Input struct {
	Topics  []string       // names, or one regular expression starting with ^
	Exclude *regexp.Regexp // what the expression never takes in
	Group   string

	BrokersAssign bool // group.protocol: consumer is asked for
}

// regex is the expression that chooses topics; nil: they have names.
func (in Input) regex() *regexp.Regexp {
	if len(in.Topics) != 1 || !strings.HasPrefix(in.Topics[0], "^") {
		return nil
	}
	re, err := regexp.Compile(in.Topics[0])
	if err != nil {
		return nil // a fault of the configuration, told there
	}
	return re
}

// Expand gives the names of what is read.
func (in Input) Expand(ctx context.Context, c *Cluster) ([]string, error) {
	re := in.regex()
	if re == nil {
		return in.Topics, nil
	}
	all, err := c.names(ctx)
	return slices.DeleteFunc(all, func(name string) bool {
		return !re.MatchString(name) || in.Exclude != nil && in.Exclude.MatchString(name)
	}), err
}

// topics looks at what is to be read.
func (p *Plan) topics(ctx context.Context) []Result {
	const key = "input.topics"
	names, err := p.Input.Expand(ctx, p.Kafka)
	switch {
	case err != nil:
		return []Result{{Status: Fail, Text: p.Kafka.diagnose(err), Key: key}}
	case len(names) == 0:
		return []Result{{Of: p.Input.Topics[0], Status: Warn, Key: key, Text: "the regular expression fits no topic that may be seen; topics that come later are read",
			Hint: "check the expression; topics without DESCRIBE are not seen at all"}}
	}
	results := each(names, func(name string) []Result {
		t, err := p.Kafka.topic(ctx, name)
		if err != nil {
			return []Result{{Of: name, Status: Fail, Text: p.Kafka.diagnose(err), Key: key}}
		}
		return []Result{p.Kafka.usable(ctx, t, mayRead, key)}
	})
	return brief(results, "topics")
}

// many is how many good lines of one check are told one by one.
const many = 5

// brief tells many good lines as one.
func brief(results []Result, things string) []Result {
	var good []string
	var rest []Result
	for _, r := range results {
		if r.Status == OK {
			good = append(good, r.Of)
		} else {
			rest = append(rest, r)
		}
	}
	if len(good) <= many {
		return results
	}
	return append([]Result{{Status: OK, Text: fmt.Sprintf("%d %s are as they should be", len(good), things), Details: good}}, rest...)
}
