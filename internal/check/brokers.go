package check

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gx-ol/gx-ol/internal/kafkaclient"
)

// soon is how long before its end a certificate is spoken of.
const soon = 21 * 24 * time.Hour

// Cluster is a Kafka cluster as one user sees it.
type Cluster struct {
	Key       string         // the key of its properties: kafka, or transport.config
	User      string         // who signs in; empty: nobody does
	Protocol  string         // security.protocol
	Addresses []Address      // of bootstrap.servers
	Client    kmsg.Requestor // asks the broker that a request is for
	Any       kmsg.Requestor // asks whichever broker answers: each tells rights before it looks whether it is the right one to ask
}

// Address is one of bootstrap.servers.
type Address struct {
	HostPort string
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error) // over TLS; nil: there is none
	SignIn   func(ctx context.Context) error                                   // connects to this address alone, and signs in
}

// user is how a sentence calls who signs in.
func (c *Cluster) user() string {
	if c.User == "" {
		return "the user"
	}
	return "user " + c.User
}

// brokers looks at each bootstrap address. One of several that is away is a warning: the others do.
func (c *Cluster) brokers(ctx context.Context) []Result {
	results := each(c.Addresses, func(a Address) []Result { return []Result{c.address(ctx, a)} })
	if failed(results) {
		return results
	}
	for i := range results {
		if results[i].Status == Fail {
			results[i].Status = Warn
			results[i].Text += "; another address answers"
		}
	}
	return results
}

// address goes the way of a connection, step by step, so that the step that fails is named.
func (c *Cluster) address(ctx context.Context, a Address) Result {
	r := Result{Of: a.HostPort, Status: Fail, Key: c.Key + ".bootstrap.servers"}
	host, port, err := net.SplitHostPort(a.HostPort)
	if err != nil {
		host, port = a.HostPort, "9092"
	}
	if net.ParseIP(host) == nil {
		if _, err := new(net.Resolver).LookupHost(ctx, host); err != nil {
			return unreachable(r, "the host name "+host+" is not known (DNS)", err, "check the name, and that this machine's DNS knows it")
		}
	}
	addr := net.JoinHostPort(host, port)
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return unreachable(r, "nothing can be connected to at this address (TCP)", err, "check host and port, that Kafka runs, and firewalls between")
	}
	_ = conn.Close()
	text := "answers"
	if a.Dial != nil {
		var fault *Result
		if text, fault = c.handshake(ctx, a, addr, r); fault != nil {
			return *fault
		}
	}
	if err := a.SignIn(ctx); err != nil {
		return c.refused(ctx, a, addr, err, r)
	}
	if c.User != "" {
		text += ", " + c.user() + " may sign in"
	}
	r.Status, r.Key, r.Text = OK, "", text
	if until, ok := strings.CutPrefix(text, expiring); ok {
		r.Status, r.Key, r.Text, r.Hint = Warn, c.Key+".ssl.ca.location", expiring+until, "renew the broker's certificate"
	}
	return r
}

// refused tells of an address that takes connections, and whose answer is none of a broker that knows the user.
func (c *Cluster) refused(ctx context.Context, a Address, addr string, err error, r Result) Result {
	silent := isTimeout(err) || errors.Is(err, context.DeadlineExceeded)
	switch {
	case silent && a.Dial == nil && speaksHTTP(ctx, addr):
		r.Text, r.Hint = "what answers there speaks HTTP, and is no Kafka broker", "name the port at which the brokers listen, often 9092"
	case silent:
		r.Text, r.Hint = "the address can be connected to, and what is there does not answer as a broker does: timed out", "is it the port of Kafka, and does it want TLS (security.protocol)?"
	default:
		r.Text, r.Key = kafkaclient.Diagnose(err, a.HostPort).Error(), c.signInKey(err)
	}
	return r
}

// speaksHTTP asks what took a connection and then said nothing whether it is a web server. To a broker the question is a request that is too large: it
// closes the connection.
func speaksHTTP(ctx context.Context, addr string) bool {
	const within = time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	if conn.SetDeadline(time.Now().Add(within)) != nil {
		return false
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return false
	}
	var answer [5]byte
	_, err = io.ReadFull(conn, answer[:])
	return err == nil && string(answer[:]) == "HTTP/"
}

// expiring begins the text about a certificate that ends soon.
const expiring = "its certificate ends soon, "

// handshake does the one of TLS, and tells how long the certificate is good for.
func (c *Cluster) handshake(ctx context.Context, a Address, addr string, r Result) (string, *Result) {
	conn, err := a.Dial(ctx, "tcp", addr)
	if err != nil {
		r.Text, r.Key = kafkaclient.Diagnose(err, a.HostPort).Error(), c.Key+".security.protocol"
		switch {
		case isTimeout(err), errors.Is(err, context.DeadlineExceeded):
			r.Text = "the address can be connected to, and does not speak TLS: check security.protocol and the port"
		case strings.Contains(r.Text, "ssl.certificate"):
			r.Key = c.Key + ".ssl.certificate.location"
		case strings.Contains(r.Text, "ssl.ca"):
			r.Key = c.Key + ".ssl.ca.location"
		}
		return "", &r
	}
	defer func() { _ = conn.Close() }()
	if secure, ok := conn.(*tls.Conn); ok {
		if certs := secure.ConnectionState().PeerCertificates; len(certs) > 0 {
			return certificate(certs[0].NotAfter), nil
		}
	}
	return "answers over TLS", nil
}

func certificate(until time.Time) string {
	day := until.UTC().Format(time.DateOnly)
	if time.Until(until) < soon {
		return expiring + "on " + day
	}
	return "answers over TLS, its certificate is good until " + day
}

// signInKey is the key that a refused connection is most likely about.
func (c *Cluster) signInKey(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "sasl.username"):
		return c.Key + ".sasl.password"
	case strings.Contains(text, "sasl.mechanism"):
		return c.Key + ".sasl.mechanism"
	case strings.Contains(text, "ssl.certificate"):
		return c.Key + ".ssl.certificate.location"
	}
	return c.Key + ".security.protocol"
}

// unreachable tells a fault of the network with its cause.
func unreachable(r Result, text string, err error, hint string) Result {
	switch dns := new(net.DNSError); {
	case errors.As(err, &dns) && dns.IsNotFound:
	case errors.Is(err, syscall.ECONNREFUSED):
		text += ": connection refused"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		text += ": timed out"
	default:
		text += ": " + cause(err)
	}
	r.Text, r.Hint = text, hint
	return r
}

func isTimeout(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// cause is the innermost of a network error, without the ports that differ each time.
func cause(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		return op.Err.Error()
	}
	return err.Error()
}

// advertised tries the addresses that the brokers give to their clients, which then use no other.
func (c *Cluster) advertised(ctx context.Context) []Result {
	meta, err := c.metadata(ctx)
	if err != nil {
		return []Result{{Status: Fail, Text: c.diagnose(err), Key: c.Key + ".bootstrap.servers"}}
	}
	results := each(meta.Brokers, func(b kmsg.MetadataResponseBroker) []Result {
		addr := net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = conn.Close()
			return nil
		}
		r := Result{Of: addr, Status: Fail, Key: c.Key + ".bootstrap.servers"}
		return []Result{unreachable(r, fmt.Sprintf("broker %d names this address to its clients, and nothing can be connected to there", b.NodeID), err,
			"set the broker's advertised.listeners to what its clients can reach, or make the name known here")}
	})
	if len(results) == 0 {
		return []Result{{Status: OK, Text: count(len(meta.Brokers), "broker") + " can be reached, at the addresses told to clients"}}
	}
	return results
}

// metadata asks for the cluster, and for no topic.
func (c *Cluster) metadata(ctx context.Context) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // nil would ask for all
	return req.RequestWith(ctx, c.Any)
}

// diagnose is a client's error in one sentence.
func (c *Cluster) diagnose(err error) string {
	var addresses []string
	for _, a := range c.Addresses {
		addresses = append(addresses, a.HostPort)
	}
	return kafkaclient.Diagnose(err, strings.Join(addresses, ",")).Error()
}
