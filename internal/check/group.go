package check

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gx-ol/gx-ol/internal/kafkaclient"
)

// No question of this file goes to a coordinator on purpose: to find one makes a cluster create the topic that it coordinates by. Every broker looks at the
// rights first, and only then whether it is the right one to ask.

// group tells whether the user may join the group, by the heartbeat of a member that there is not: without the right it is refused, and with it the member is
// unknown. Neither has an effect.
func (p *Plan) group(ctx context.Context) []Result {
	c, name := p.Kafka, p.Input.Group
	r := Result{Of: name, Status: Fail, Key: "input.group"}
	beat := kmsg.NewPtrHeartbeatRequest()
	beat.Group, beat.MemberID, beat.Generation = name, "gx-ol-check", math.MaxInt32
	resp, err := beat.RequestWith(ctx, c.Any)
	if err != nil {
		r.Text = c.diagnose(err)
		return []Result{r}
	}
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups, describe.IncludeAuthorizedOperations = []string{name}, true
	denied := errors.Is(kerr.ErrorForCode(resp.ErrorCode), kerr.GroupAuthorizationFailed)
	members := ""
	if answer, err := describe.RequestWith(ctx, c.Any); err == nil && len(answer.Groups) == 1 { // only the group's coordinator has more to say
		g := answer.Groups[0]
		denied = denied || errors.Is(kerr.ErrorForCode(g.ErrorCode), kerr.GroupAuthorizationFailed) || known(g.AuthorizedOperations) && !mayRead.in(g.AuthorizedOperations)
		if g.ErrorCode == 0 && len(g.Members) > 0 {
			members = fmt.Sprintf("; it has %s now", count(len(g.Members), "member"))
		}
	}
	if denied {
		r.Text = fmt.Sprintf("%s may not join the group: READ on it is missing", c.user())
		r.Hint = c.grant("READ", "--group", name)
		return []Result{r}
	}
	found := []Result{{Of: name, Status: OK, Text: c.user() + " may join it (READ is granted)" + members}}
	if p.Input.BrokersAssign {
		if offered, err := kafkaclient.BrokersAssign(ctx, c.Any); err == nil && !offered {
			found = append(found, Result{Of: name, Status: Warn, Key: c.Key + ".group.protocol", Text: kafkaclient.BrokersDoNotAssign})
		}
	}
	return found
}

// idempotence tells whether the user may write without duplicates, as every producer of gx-ol does. Since Kafka 2.8 WRITE on a topic is enough; a broker that
// cannot describe its cluster is older.
func (p *Plan) idempotence(ctx context.Context) []Result {
	c := p.Kafka
	req := kmsg.NewPtrDescribeClusterRequest()
	if resp, err := req.RequestWith(ctx, c.Any); err == nil && resp.ErrorCode == 0 {
		return []Result{{Status: OK, Text: "idempotent writing needs no right of its own on these brokers (Kafka 2.8 or later)"}}
	}
	old := kmsg.NewPtrMetadataRequest()
	old.Topics, old.IncludeClusterAuthorizedOperations = []kmsg.MetadataRequestTopic{}, true
	resp, err := old.RequestWith(ctx, c.Any)
	switch {
	case err != nil:
		return []Result{{Status: Fail, Text: c.diagnose(err)}}
	case !known(resp.AuthorizedOperations):
		return []Result{{Status: Warn, Text: "whether IDEMPOTENT_WRITE on the cluster is granted cannot be told without changing something",
			Hint: "brokers before 2.8 need it: " + c.grant("IdempotentWrite", "--cluster", "")}}
	case !mayIdempotent.in(resp.AuthorizedOperations):
		return []Result{{Status: Fail, Text: c.user() + " lacks IDEMPOTENT_WRITE on the cluster, which brokers before 2.8 ask of every idempotent producer", Hint: c.grant("IdempotentWrite", "--cluster", "")}}
	}
	return []Result{{Status: OK, Text: "IDEMPOTENT_WRITE on the cluster is granted"}}
}

// transactions tells whether the user may write in transactions under the id: it asks to add the group's offsets to the transaction of a producer that there
// cannot be. Without the right that is refused, and with it the producer is unknown. InitProducerID would tell too, and fence the one that runs.
func (p *Plan) transactions(ctx context.Context) []Result {
	c, id := p.Kafka, p.TransactionalID
	r := Result{Of: id, Status: Fail, Key: "delivery"}
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.Group, req.ProducerID, req.ProducerEpoch = id, p.Input.Group, math.MaxInt64, 0
	resp, err := req.RequestWith(ctx, c.Any)
	if err != nil {
		r.Text = c.diagnose(err)
		return []Result{r}
	}
	switch err := kerr.ErrorForCode(resp.ErrorCode); {
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		r.Text = fmt.Sprintf("%s may not use transactional ids that start with %q: WRITE on them is missing", c.user(), p.Input.Group+".")
		r.Hint = c.grant("WRITE", "--resource-pattern-type prefixed --transactional-id", p.Input.Group+".")
		return []Result{r}
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return []Result{{Of: id, Status: OK, Text: c.user() + " may use it (WRITE is granted)"}} // the group has a line of its own
	case err == nil, errors.Is(err, kerr.InvalidProducerIDMapping), errors.Is(err, kerr.NotCoordinator), errors.Is(err, kerr.CoordinatorNotAvailable),
		errors.Is(err, kerr.CoordinatorLoadInProgress), errors.Is(err, kerr.ConcurrentTransactions), errors.Is(err, kerr.InvalidTxnState):
		return []Result{{Of: id, Status: OK, Text: c.user() + " may use it (WRITE is granted)"}}
	default:
		return []Result{{Of: id, Status: Warn, Text: fmt.Sprintf("whether WRITE on it is granted cannot be told without changing something (%v)", err)}}
	}
}

// sameCluster tells whether input and destination are of one cluster, as transactions must be.
func sameCluster(ctx context.Context, a, b *Cluster) (bool, error) {
	one, err := a.metadata(ctx)
	if err != nil {
		return false, err
	}
	other, err := b.metadata(ctx)
	if err != nil {
		return false, err
	}
	return one.ClusterID != nil && other.ClusterID != nil && *one.ClusterID == *other.ClusterID, nil
}
