package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	headerRoom   = 64 << 10       // what a letter is larger than its record
	shortestKept = 24 * time.Hour // letters that are deleted sooner may be gone before anybody looks
)

// Settings of topics that are looked at.
const (
	maxMessageBytes = "max.message.bytes"
	retention       = "retention.ms"
	cleanupPolicy   = "cleanup.policy"
)

// settings are a topic's, by name; nil if they may not be read, which nothing depends on.
func (c *Cluster) settings(ctx context.Context, name string) map[string]string {
	req := kmsg.NewPtrDescribeConfigsRequest()
	asked := kmsg.NewDescribeConfigsRequestResource()
	asked.ResourceType, asked.ResourceName = kmsg.ConfigResourceTypeTopic, name
	asked.ConfigNames = []string{maxMessageBytes, retention, cleanupPolicy}
	req.Resources = append(req.Resources, asked)
	resp, err := req.RequestWith(ctx, c.Any)
	if err != nil || len(resp.Resources) != 1 || resp.Resources[0].ErrorCode != 0 {
		return nil
	}
	out := make(map[string]string)
	for _, s := range resp.Resources[0].Configs {
		if s.Value != nil {
			out[s.Name] = *s.Value
		}
	}
	return out
}

// letters looks at the dead-letter topic of each input topic.
func (p *Plan) letters(ctx context.Context) []Result {
	names, err := p.Input.Expand(ctx, p.Kafka)
	if err != nil {
		return []Result{{Status: Fail, Text: p.Kafka.diagnose(err), Key: "dead_letters.topic"}}
	}
	if len(names) == 0 {
		return []Result{{Status: Warn, Text: "not tried: no topic is read yet whose dead-letter topic could be looked at"}}
	}
	sources := make(map[string]string) // dead-letter topic → the first input topic of it
	var order []string
	for _, name := range names {
		letters := p.LettersOf(name)
		if sources[letters] == "" {
			sources[letters] = name
			order = append(order, letters)
		}
	}
	return brief(each(order, func(letters string) []Result { return p.lettersOf(ctx, sources[letters], letters) }), "dead-letter topics")
}

func (p *Plan) lettersOf(ctx context.Context, source, letters string) []Result {
	const key = "dead_letters.topic"
	t, err := p.Kafka.topic(ctx, letters)
	if err != nil {
		return []Result{{Of: letters, Status: Fail, Text: p.Kafka.diagnose(err), Key: key}}
	}
	if t.missing() {
		return []Result{p.creatable(ctx, t, source)}
	}
	r := p.Kafka.usable(ctx, t, mayWrite, key)
	if r.Status != OK {
		return []Result{r}
	}
	return p.lettersSettings(ctx, source, r)
}

// creatable tells whether run could make a topic that is missing, by a request that is only to be validated.
func (p *Plan) creatable(ctx context.Context, t topic, source string) Result {
	c := p.Kafka
	r := Result{Of: t.name, Status: Fail, Key: "dead_letters.topic"}
	partitions, replicas := int32(-1), int16(-1)
	if in, err := c.topic(ctx, source); err == nil && in.partitions > 0 {
		partitions, replicas = int32(in.partitions), int16(in.replicas)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.ValidateOnly = true
	made := kmsg.NewCreateTopicsRequestTopic()
	made.Topic, made.NumPartitions, made.ReplicationFactor = t.name, partitions, replicas
	req.Topics = append(req.Topics, made)
	resp, err := req.RequestWith(ctx, c.Client)
	if err == nil && len(resp.Topics) == 1 {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		r.Text = fmt.Sprintf("the topic does not exist, and %s may not create it: CREATE is missing", c.user())
		r.Hint = "create it before, with the partitions of " + source + ", or: " + c.grant("CREATE", "--topic", t.name)
	case err != nil && !errors.Is(err, kerr.TopicAlreadyExists):
		r.Text, r.Hint = fmt.Sprintf("the topic does not exist, and the brokers would not make it: %v", err), "create it before, with the partitions of "+source
	case known(t.rights) && !mayWrite.in(t.rights):
		r.Text = fmt.Sprintf("the topic does not exist and would be made, and %s lacks WRITE on it", c.user())
		r.Hint = c.grant("WRITE", "--topic", t.name)
	case !known(t.rights):
		return Result{Of: t.name, Status: Warn, Text: "does not exist yet: run makes it; whether it may then be written (WRITE) cannot be told without changing something"}
	default:
		return Result{Of: t.name, Status: OK, Text: "does not exist yet: run makes it (CREATE and WRITE are granted)"}
	}
	return r
}

// lettersSettings looks at settings that lose letters. r is the line that says that the topic is usable.
func (p *Plan) lettersSettings(ctx context.Context, source string, r Result) []Result {
	has, of := p.Kafka.settings(ctx, r.Of), p.Kafka.settings(ctx, source)
	if has == nil {
		r.Text += "; its settings may not be read (DESCRIBE_CONFIGS)"
		return []Result{r}
	}
	found := []Result{r}
	warn := func(text, hint string) {
		found = append(found, Result{Of: r.Of, Status: Warn, Text: text, Hint: hint})
	}
	if policy := strings.Split(has[cleanupPolicy], ","); slices.Contains(policy, "compact") {
		warn("cleanup.policy is "+has[cleanupPolicy]+": a letter deletes older ones with the same key", "set cleanup.policy=delete on the topic")
	}
	if kept, err := strconv.ParseInt(has[retention], 10, 64); err == nil && kept >= 0 && time.Duration(kept)*time.Millisecond < shortestKept {
		warn(fmt.Sprintf("letters are deleted after %s (retention.ms)", time.Duration(kept)*time.Millisecond), "set a retention.ms of some days on the topic, so that somebody can look and replay")
	}
	own, in := number(has[maxMessageBytes]), number(of[maxMessageBytes])
	if own > 0 && in > 0 && own < in {
		warn(fmt.Sprintf("max.message.bytes is %d, and that of %s %d: large records become letters that only refer to them", own, source, in),
			fmt.Sprintf("set max.message.bytes=%d on the topic", in+headerRoom))
	}
	return found
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// ledger looks at what belongs to the dead letters: what run reads of it, and what gx-ol dlq replay writes as the same user.
func (p *Plan) ledger(ctx context.Context) []Result {
	names, err := p.Input.Expand(ctx, p.Kafka)
	if err != nil {
		return []Result{{Status: Fail, Text: p.Kafka.diagnose(err), Key: "dead_letters.topic"}}
	}
	var order []string
	for _, name := range names {
		if letters := p.LettersOf(name); !slices.Contains(order, letters) {
			order = append(order, letters)
		}
	}
	return brief(each(order, func(letters string) []Result { return []Result{p.ledgerOf(ctx, letters)} }), "ledgers")
}

func (p *Plan) ledgerOf(ctx context.Context, letters string) Result {
	r := Result{Of: letters, Status: OK, Text: "letters can be counted, and replayed by this user too"}
	var lacks, hints []string
	lack := func(t topic, need right, what string) {
		denied := errors.Is(t.err, kerr.TopicAuthorizationFailed)
		if denied || known(t.rights) && !need.in(t.rights) {
			lacks = append(lacks, fmt.Sprintf("%s on %s (%s)", need, t.name, what))
			hints = append(hints, p.Kafka.grant(need.String(), "--topic", t.name))
		}
	}
	ask := func(name string) topic {
		t, err := p.Kafka.topic(ctx, name)
		if err != nil {
			return topic{name: name, err: err}
		}
		return t
	}
	if p.Counted {
		lack(ask(letters), mayRead, "run counts dead letters")
	}
	ledger := ask(letters + ".ledger")
	lack(ledger, mayRead, "run counts dead letters and sees orders to bury")
	for _, t := range []topic{ledger, ask(letters + ".audit"), ask(letters + ".quarantine")} {
		lack(t, mayWrite, "gx-ol dlq replay")
	}
	if ledger.err == nil && !known(ledger.rights) {
		r.Status, r.Text = Warn, "which rights there are on the ledger these brokers do not tell, and it cannot be told without changing something"
	}
	if len(lacks) > 0 {
		r.Status, r.Text = Warn, p.Kafka.user()+" lacks "+strings.Join(lacks, ", ")+"; run works without"
		r.Hint = "grant what this user is to do: " + hints[0]
		if !slices.ContainsFunc(lacks, func(l string) bool { return strings.Contains(l, "run counts") }) {
			r.Hint = "needed only if this user is to replay: " + hints[0]
		}
	}
	return r
}
