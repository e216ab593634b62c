package kafkaclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/gx-ol/gx-ol/internal/accesstoken"
	"github.com/gx-ol/gx-ol/internal/tlsfiles"
)

// checkWithin bounds CheckConnection: a person waits in front of it.
const checkWithin = 10 * time.Second

// CheckConnection asks the brokers for topics that are to be read (names; regular expressions starting with ^ are passed over) and
// answers within about ten seconds. Its error is one sentence with a hint and wraps the cause.
func CheckConnection(ctx context.Context, client *kgo.Client, topics []string) error {
	return check(ctx, client, topics, right{"READ", 3})
}

// CheckWritable is CheckConnection for topics that are to be written.
func CheckWritable(ctx context.Context, client *kgo.Client, topics []string) error {
	return check(ctx, client, topics, right{"WRITE", 4})
}

// right is what is to be done with a topic; bit is its place in the set of rights that brokers answer with.
type right struct {
	name string
	bit  int
}

// missing reports whether the set of rights that a broker answered with lacks it. One that does not know says so with its least number.
func (r right) missing(set int32) bool { return set > 0 && set&(1<<r.bit) == 0 }

func check(ctx context.Context, client *kgo.Client, topics []string, need right) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	who := identity(client)
	if err := client.Ping(ctx); err != nil {
		return diagnose(err, who)
	}
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // nil would ask for all
	req.IncludeTopicAuthorizedOperations = true
	for _, topic := range topics {
		if !strings.HasPrefix(topic, "^") {
			t := kmsg.NewMetadataRequestTopic()
			t.Topic = kmsg.StringPtr(topic)
			req.Topics = append(req.Topics, t)
		}
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return diagnose(err, who)
	}
	var faults []error
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if err == nil && need.missing(t.AuthorizedOperations) {
			err = kerr.TopicAuthorizationFailed
		}
		if err != nil && t.Topic != nil {
			faults = append(faults, topicFault(err, *t.Topic, who, need))
		}
	}
	return errors.Join(faults...)
}

// CheckGroup asks for the group's offsets: who may not do that may not join the group either.
func CheckGroup(ctx context.Context, client *kgo.Client, group string) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	_, err := kadm.NewClient(client).FetchOffsets(ctx, group)
	if !errors.Is(err, kerr.GroupAuthorizationFailed) {
		return nil // whatever else it is, the member meets it too, and says so
	}
	who := identity(client)
	return &Fault{cause: err, Text: fmt.Sprintf("the brokers at %s do not let %s join the group %q: grant it READ on that group", who.servers, who, group)}
}

func topicFault(err error, topic string, who party, need right) error {
	servers := who.servers
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return &Fault{cause: err, Text: fmt.Sprintf("the topic %q does not exist on the brokers at %s: check its name, or create it first", topic, servers)}
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return &Fault{cause: err, Text: fmt.Sprintf("the brokers at %s do not let %s use the topic %q: grant it DESCRIBE and %s on that topic", servers, who, topic, need.name)}
	case errors.Is(err, kerr.InvalidTopicException):
		return &Fault{cause: err, Text: fmt.Sprintf("%q is no valid topic name: letters, digits, dots, dashes and underscores only", topic)}
	}
	return &Fault{cause: err, Text: fmt.Sprintf("the brokers at %s have no answer for the topic %q: %v", servers, topic, ownWords(err))}
}

// Fault is a connection problem in one sentence.
type Fault struct {
	Text  string
	cause error
}

func (f *Fault) Error() string { return f.Text }

// Unwrap is the client's own error.
func (f *Fault) Unwrap() error { return f.cause }

// Diagnose turns a client's error into one clear sentence with a hint; servers is what bootstrap.servers says. A nil err
// stays nil, and an error that is already a sentence stays as it is.
func Diagnose(err error, servers string) error { return diagnose(err, party{servers: servers}) }

func diagnose(err error, who party) error {
	if err == nil {
		return nil
	}
	if already := new(Fault); errors.As(err, &already) {
		return already
	}
	return &Fault{cause: err, Text: sentence(err, who)}
}

func sentence(err error, who party) string {
	servers := who.servers
	if token, ok := errors.AsType[*accesstoken.Error](err); ok {
		return fmt.Sprintf("no access token to sign in to the brokers at %s: %v", servers, token)
	}
	var dns *net.DNSError
	tlsFault := tlsSentence(err, servers)
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return fmt.Sprintf("the brokers at %s refused %s: check %s", servers, who, who.check())
	case errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState):
		return fmt.Sprintf("the brokers at %s do not take this way to sign in: check sasl.mechanism and security.protocol", servers)
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return fmt.Sprintf("the brokers at %s do not let %s join the group: grant it READ on input.group", servers, who)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return fmt.Sprintf("the brokers at %s do not let %s use the topic: check its permissions", servers, who)
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return fmt.Sprintf("the topic does not exist on the brokers at %s: check its name, or create it first", servers)
	case errors.Is(err, kerr.InconsistentGroupProtocol):
		return "another member of the group assigns partitions in another way, so that this one cannot join: stop that one, or set another input.group"
	case errors.Is(err, kerr.FencedInstanceID):
		return "another process has the same group.instance.id: give each its own"
	case tlsFault != "":
		return tlsFault
	case errors.As(err, &dns):
		return fmt.Sprintf("the host name of the brokers at %s is not known: check bootstrap.servers", servers)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("no broker answers at %s (connection refused): check bootstrap.servers, and that Kafka runs", servers)
	case closedEarly(err) && who.user != "":
		return fmt.Sprintf("the brokers at %s closed the connection as %s signed in: check %s, and security.protocol", servers, who, who.check())
	case closedEarly(err):
		return fmt.Sprintf("the brokers at %s closed the connection at once: check security.protocol (TLS or SASL may be expected)", servers)
	case strings.Contains(err.Error(), httpAnswer):
		return fmt.Sprintf("what answers at %s speaks HTTP, and is no Kafka broker: check host and port of bootstrap.servers", servers)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrRecordTimeout), isTimeout(err):
		return fmt.Sprintf("no broker answers at %s (timed out): check bootstrap.servers, the network and that Kafka runs", servers)
	}
	return fmt.Sprintf("the brokers at %s cannot be used: %v", servers, ownWords(err))
}

// ownWords is what Kafka's protocol calls an error, without what a broker says beside it: whoever is asked to sign somebody in has heard the password, and may
// quote it.
func ownWords(err error) error {
	if code, ok := errors.AsType[*kerr.Error](err); ok {
		return code
	}
	return err
}

// httpAnswer is what the client makes of HTTP/1.1 where the size of an answer should stand.
const httpAnswer = "invalid large response size 1213486160"

// tlsSentence names the key of each way in which TLS fails; "" for anything else.
func tlsSentence(err error, servers string) string {
	if f, ok := errors.AsType[*tlsfiles.ExpiredError](err); ok {
		return fmt.Sprintf("gx-ol cannot show the brokers at %s who it is: %v", servers, f)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("the brokers at %s show a certificate of an unknown authority, or a self-signed one: set ssl.ca.location", servers)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("the certificate of the brokers at %s is for another host: check bootstrap.servers and ssl.endpoint.identification.algorithm", servers)
	}
	if f, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if f.Reason == x509.Expired {
			return fmt.Sprintf("the certificate of the brokers at %s has expired, or is not valid yet: renew it (or one in the file of ssl.ca.location), and check the clocks", servers)
		}
		return fmt.Sprintf("the certificate of the brokers at %s is not good for a server (%v): check it, and ssl.ca.location", servers, f)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Sprintf("the brokers at %s do not speak TLS: check security.protocol and the port", servers)
	}
	// What the other side says in the handshake; it is about the certificate that it was shown, or not shown.
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return fmt.Sprintf("the brokers at %s refuse the connection (%v): do they ask for a certificate? set ssl.certificate.location and ssl.key.location to one that they trust", servers, op.Err)
	}
	return ""
}

func closedEarly(err error) bool {
	var first *kgo.ErrFirstReadEOF
	return errors.As(err, &first) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// party is who asks whom: what a client was configured with.
type party struct {
	servers string
	user    string // empty: nobody in particular
	keys    string // what decides about him
}

// String is the user.
func (p party) String() string {
	if p.user == "" {
		return "the user"
	}
	return "user " + p.user
}

func (p party) check() string { return cmp.Or(p.keys, "sasl.username and sasl.password") }

// identity is what the client was configured with: its brokers and, if it came from Opts, its SASL user.
func identity(client *kgo.Client) (p party) {
	if seeds, ok := client.OptValue(kgo.SeedBrokers).([]string); ok {
		p.servers = strings.Join(seeds, ",")
	}
	if all, ok := client.OptValue(kgo.SASL).([]sasl.Mechanism); ok {
		for _, m := range all {
			if named, ok := m.(mechanism); ok {
				p.user, p.keys = named.user, named.keys
			}
		}
	}
	return p
}
