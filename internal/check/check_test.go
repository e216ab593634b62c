package check

import (
	"context"
	"errors"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What depends on a check of which everything failed is not tried, nor what depends on that; everything else is, and the order of telling stays.
func TestWhatDependsOnAFailureIsNotTried(t *testing.T) {
	finding := func(all ...Status) func(context.Context) []Result {
		return func(ctx context.Context) (out []Result) {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("a check is not bounded in time")
			}
			for _, s := range all {
				out = append(out, Result{Status: s, Text: "looked"})
			}
			return out
		}
	}
	got := Run(t.Context(), []Check{
		{Name: "half", Do: finding(OK, Fail)},
		{Name: "bad", Do: finding(Fail)},
		{Name: "warned", Do: finding(Warn)},
		{Name: "after half", After: []string{"half", "no such check"}, Do: finding(OK)},
		{Name: "after bad", After: []string{"bad"}, Do: finding(OK)},
		{Name: "after that", After: []string{"after bad"}, Do: finding(OK)},
		{Name: "after warned", After: []string{"warned"}, Do: finding(OK)},
		{Name: "silent", Do: finding()},
	}, time.Minute)
	var told []string
	for _, r := range got {
		told = append(told, r.Check+" "+string(r.Status)+" "+r.Text)
	}
	want := []string{"half ok looked", "half fail looked", "bad fail looked", "warned warn looked", "after half ok looked", "after bad warn not tried: bad failed",
		"after that warn not tried: after bad failed", "after warned ok looked"}
	if !slices.Equal(told, want) {
		t.Errorf("got  %q\nwant %q", told, want)
	}
	if Worst(got) != Fail || Worst(nil) != OK || Worst(got[3:5]) != Warn {
		t.Error("the worst is another")
	}
}

// Checks run side by side: one that waits for another does not keep it from being done.
func TestChecksRunSideBySide(t *testing.T) {
	first, second := make(chan struct{}), make(chan struct{})
	meet := func(mine, other chan struct{}) func(context.Context) []Result {
		return func(context.Context) []Result { close(mine); <-other; return nil }
	}
	Run(t.Context(), []Check{{Name: "a", Do: meet(first, second)}, {Name: "b", Do: meet(second, first)}}, time.Minute)
}

// broker answers as one does that kfake cannot play.
type broker func(kmsg.Request) (kmsg.Response, error)

func (b broker) Request(_ context.Context, req kmsg.Request) (kmsg.Response, error) { return b(req) }

func of(answer broker) *Plan {
	c := &Cluster{Key: "kafka", User: "gx", Client: answer, Any: answer, Addresses: []Address{{HostPort: "kafka:9092"}}}
	return &Plan{Kafka: c, Input: Input{Topics: []string{"results"}, Group: "g"}, LettersOf: func(topic string) string { return topic + ".dlq" }, TransactionalID: "g.id"}
}

// closedPort is an address where nobody listens, and open one where somebody does.
func closedPort(t *testing.T) (closed, open kmsg.MetadataResponseBroker) {
	t.Helper()
	address := func(id int32, close bool) kmsg.MetadataResponseBroker {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if close {
			_ = l.Close()
		} else {
			t.Cleanup(func() { _ = l.Close() })
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		n, _ := strconv.Atoi(port)
		return kmsg.MetadataResponseBroker{NodeID: id, Host: "127.0.0.1", Port: int32(n)}
	}
	return address(7, true), address(8, false)
}

func TestWhatOnlyOddBrokersAnswer(t *testing.T) {
	closed, open := closedPort(t)
	metadata := func(change func(*kmsg.MetadataResponse)) broker {
		return func(req kmsg.Request) (kmsg.Response, error) {
			resp, ok := req.ResponseKind().(*kmsg.MetadataResponse)
			if !ok {
				return nil, errors.New("too old")
			}
			change(resp)
			return resp, nil
		}
	}
	topicIs := func(code int16, rights int32, leaders ...int32) broker {
		return metadata(func(resp *kmsg.MetadataResponse) {
			answer := kmsg.NewMetadataResponseTopic()
			answer.Topic, answer.ErrorCode, answer.AuthorizedOperations = kmsg.StringPtr("results"), code, rights
			for i, leader := range leaders {
				answer.Partitions = append(answer.Partitions, kmsg.MetadataResponseTopicPartition{Partition: int32(i), Leader: leader, Replicas: []int32{1}})
			}
			resp.Topics = append(resp.Topics, answer)
		})
	}
	codes := func(code int16) broker {
		return func(req kmsg.Request) (kmsg.Response, error) {
			switch resp := req.ResponseKind().(type) {
			case *kmsg.AddOffsetsToTxnResponse:
				resp.ErrorCode = code
				return resp, nil
			case *kmsg.HeartbeatResponse:
				resp.ErrorCode = code
				return resp, nil
			}
			return nil, errors.New("not asked")
		}
	}
	silent := broker(func(kmsg.Request) (kmsg.Response, error) { return nil, errors.New("gone") })
	rights := func(set int32) broker {
		return metadata(func(resp *kmsg.MetadataResponse) { resp.AuthorizedOperations = set })
	}
	const unknown = -1 << 31
	for name, c := range map[string]struct {
		got    []Result
		status Status
		text   string
	}{
		"advertised nowhere":     {of(metadata(func(r *kmsg.MetadataResponse) { r.Brokers = append(r.Brokers, closed, open) })).Kafka.advertised(t.Context()), Fail, "broker 7 names this address to its clients"},
		"no leader":              {of(topicIs(0, 1<<3|1<<8, 1, -1)).topics(t.Context()), Fail, "1 of its 2 partitions have no leader"},
		"rights are not told":    {of(topicIs(0, unknown, 1)).topics(t.Context()), Warn, "the check mapping tries to read"},
		"writing cannot be told": {of(topicIs(0, unknown, 1)).letters(t.Context()), Warn, "cannot be told without changing something"},
		"odd error":              {of(topicIs(kerr.UnknownServerError.Code, unknown)).topics(t.Context()), Fail, "the brokers have no answer for it"},
		"silent":                 {of(silent).topics(t.Context()), Fail, "cannot be used"},
		"silent for letters":     {of(silent).letters(t.Context()), Fail, "cannot be used"},
		"silent for the group":   {of(silent).group(t.Context()), Fail, "cannot be used"},
		"silent for ids":         {of(silent).transactions(t.Context()), Fail, "cannot be used"},
		"old, without the right": {of(rights(1 << 8)).idempotence(t.Context()), Fail, "lacks IDEMPOTENT_WRITE"},
		"old, with the right":    {of(rights(1 << 12)).idempotence(t.Context()), OK, "IDEMPOTENT_WRITE on the cluster is granted"},
		"old, not told":          {of(rights(unknown)).idempotence(t.Context()), Warn, "cannot be told without changing something"},
		"another's id":           {of(codes(kerr.NotCoordinator.Code)).transactions(t.Context()), OK, "WRITE is granted"},
		"id refused":             {of(codes(kerr.TransactionalIDAuthorizationFailed.Code)).transactions(t.Context()), Fail, "WRITE on them is missing"},
		"id not told":            {of(codes(kerr.UnsupportedVersion.Code)).transactions(t.Context()), Warn, "cannot be told without changing something"},
		"another's group":        {of(codes(kerr.NotCoordinator.Code)).group(t.Context()), OK, "READ is granted"},
		"group refused":          {of(codes(kerr.GroupAuthorizationFailed.Code)).group(t.Context()), Fail, "READ on it is missing"},
		"clock before":           {[]Result{skewed(time.Minute, time.Second)}, Warn, "1m0s ahead"},
		"clock behind":           {[]Result{skewed(-time.Minute, time.Second)}, Warn, "1m0s behind"},
		"clock not known better": {[]Result{skewed(time.Minute, 40*time.Second)}, OK, "within 1m40s"},
	} {
		if len(c.got) != 1 || c.got[0].Status != c.status || !strings.Contains(c.got[0].Text, c.text) {
			t.Errorf("%s: %+v, want %s %q", name, c.got, c.status, c.text)
		}
	}
}

// A transaction is of one cluster: a destination on another one is found.
func TestADestinationOnAnotherCluster(t *testing.T) {
	_, open := closedPort(t)
	at := net.JoinHostPort(open.Host, strconv.Itoa(int(open.Port)))
	cluster := func(id string) *Cluster {
		answer := broker(func(req kmsg.Request) (kmsg.Response, error) {
			resp, ok := req.ResponseKind().(*kmsg.MetadataResponse)
			if !ok {
				return nil, errors.New("not asked")
			}
			resp.ClusterID = &id
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic, topic.AuthorizedOperations = kmsg.StringPtr("out"), 1<<4
			resp.Topics = append(resp.Topics, topic)
			return resp, nil
		})
		return &Cluster{Client: answer, Any: answer, Addresses: []Address{{HostPort: at, SignIn: func(context.Context) error { return nil }}}}
	}
	for id, want := range map[string]Status{"a": OK, "b": Fail} {
		p := &Plan{Kafka: cluster("a"), TransactionalID: "g.id", Targets: []Target{{Name: "kafka", Path: "transport", Topic: "out", Cluster: cluster(id)}}}
		got := p.destinations(t.Context())
		if Worst(got) != want || want == Fail && (!strings.Contains(got[1].Text, "another Kafka cluster") || got[1].Key != "delivery") {
			t.Errorf("%s: %+v", id, got)
		}
	}
}

func TestManyGoodTopicsAreOneLine(t *testing.T) {
	var results []Result
	for i := range 7 {
		results = append(results, Result{Of: strconv.Itoa(i), Status: OK})
	}
	results = append(results, Result{Of: "bad", Status: Fail})
	got := brief(results, "topics")
	if len(got) != 2 || len(got[0].Details) != 7 || got[1].Of != "bad" || len(brief(results[3:], "topics")) != 5 {
		t.Errorf("%+v", got)
	}
}

func TestACertificateThatEndsSoonIsSpokenOf(t *testing.T) {
	if text := certificate(time.Now().Add(48 * time.Hour)); !strings.HasPrefix(text, expiring) {
		t.Error(text)
	}
	if text := certificate(time.Now().Add(30 * 24 * time.Hour)); strings.HasPrefix(text, expiring) {
		t.Error(text)
	}
}

// Names come from messages, and what is to be pasted is YAML that means them, whatever they hold.
func FuzzEntriesToPaste(f *testing.F) {
	f.Add("retail_pg", false)
	f.Add("a[1]*?", false)
	f.Add(strings.Repeat("\x01", 2000), true)
	f.Add("a\"b\\c: {d}\u2028#e", true)
	f.Fuzz(func(t *testing.T, name string, files bool) {
		if !utf8.ValidString(name) {
			return // the decoder refuses such a message
		}
		var got map[string]map[string]map[string]string
		if err := yaml.Unmarshal([]byte("datasources:\n  "+entry(name, files)+"\n"), &got); err != nil {
			t.Fatalf("%q: %v", entry(name, files), err)
		}
		for pattern, e := range got["datasources"] {
			if fits, err := path.Match(pattern, name); err != nil || !fits && !strings.Contains(name, "/") || e["namespace"] == "" {
				t.Errorf("%q means %q (%v)", entry(name, files), got, err)
			}
		}
	})
}
