package kafkaclient

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/test/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFaultsOfProperties(t *testing.T) {
	for name, c := range map[string]struct {
		props map[string]string
		want  string
	}{
		"misspelt":   {map[string]string{"bootstrap.server": "a:1"}, `unknown Kafka property "bootstrap.server": did you mean "bootstrap.servers"?`},
		"kerberos":   {map[string]string{"sasl.mechanism": "GSSAPI"}, "Kerberos (GSSAPI) is not supported"},
		"group":      {map[string]string{"group.id": "g"}, "set input.group"},
		"no user":    {map[string]string{"security.protocol": "SASL_SSL"}, "set sasl.username and sasl.password"},
		"unused":     {map[string]string{"sasl.username": "u"}, "security.protocol does not use it"},
		"jaas":       {map[string]string{"sasl.jaas.config": "SECRETPW"}, "must be a login module's line"},
		"number":     {map[string]string{"session.timeout.ms": "x"}, "whole number of milliseconds"},
		"half a key": {map[string]string{"security.protocol": "SSL", "ssl.key.location": "k"}, "go together"},
	} {
		_, err := Opts(c.props)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "SECRETPW") {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// kfake hangs up on a wrong password; Apache Kafka answers with this error.
func TestRefusedUserIsNamed(t *testing.T) {
	got := diagnose(kerr.SaslAuthenticationFailed, party{servers: "h:1", user: "ann"}).Error()
	if want := "the brokers at h:1 refused user ann: check sasl.username and sasl.password"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// webServer answers whatever comes as a web server does that takes it for no request, and gives its address.
func webServer(t *testing.T) string {
	t.Helper()
	return process.Answering(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 512))
		_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
	})
}

func TestConnectionFaultsAreOneSentence(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "ann", "right"), kfake.SeedTopics(1, "there"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	servers := strings.Join(cluster.ListenAddrs(), ",")
	web := webServer(t)
	for name, c := range map[string]struct{ servers, password, topic, want string }{
		"a web server":   {web, "right", "there", "what answers at " + web + " speaks HTTP, and is no Kafka broker: check host and port of bootstrap.servers"},
		"good":           {servers, "right", "there", ""},
		"wrong password": {servers, "SECRETPW", "there", "the brokers at " + servers + " closed the connection as user ann signed in: check sasl.username and sasl.password, and security.protocol"},
		"missing topic":  {servers, "right", "gone", `the topic "gone" does not exist on the brokers at ` + servers + ": check its name, or create it first"},
		"nobody there":   {"127.0.0.1:1", "right", "there", "no broker answers at 127.0.0.1:1 (connection refused): check bootstrap.servers, and that Kafka runs"},
	} {
		t.Run(name, func(t *testing.T) {
			opts, err := Opts(map[string]string{"bootstrap.servers": c.servers, "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-256",
				"sasl.jaas.config": `x required username="ann" password="` + c.password + `";`})
			if err != nil {
				t.Fatal(err)
			}
			client, err := kgo.NewClient(opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			got := ""
			if err := CheckConnection(t.Context(), client, []string{c.topic}); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// A broker, or what stands in its place, may quote the password that it was given, beside whatever code.
func TestABrokersWordsAtASignInAreNotRepeated(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "right"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var code atomic.Int32
	cluster.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		resp := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode, resp.ErrorMessage = int16(code.Load()), kmsg.StringPtr("no: "+string(r.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes))
		return resp, nil, true
	})
	opts, err := Opts(map[string]string{"bootstrap.servers": strings.Join(cluster.ListenAddrs(), ","), "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "ann", "sasl.password": "SECRETPW"})
	if err != nil {
		t.Fatal(err)
	}
	for _, refused := range []*kerr.Error{kerr.SaslAuthenticationFailed, kerr.UnknownServerError, kerr.UnsupportedVersion, kerr.IllegalSaslState, kerr.OffsetOutOfRange, kerr.TopicAuthorizationFailed} {
		code.Store(int32(refused.Code))
		client, err := kgo.NewClient(opts...)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // for those that the client tries again
		err = CheckConnection(ctx, client, nil)
		cancel()
		client.Close()
		if err == nil || strings.Contains(err.Error(), "SECRETPW") {
			t.Errorf("%s: %v", refused.Message, err)
		}
	}
}

func TestAPasswordIsAskedForAtEachAuthentication(t *testing.T) {
	password, line := "first", `x required username="jane" password="one";`
	live := func(name string) func() string {
		switch name {
		case "sasl.password":
			return func() string { return password }
		case "sasl.jaas.config":
			return func() string { return line }
		}
		return nil
	}
	plainly := saslSettings{user: "ann", password: "first", live: func(name string) func() string {
		if name == "sasl.password" {
			return live(name)
		}
		return nil
	}}.now()
	jaas := saslSettings{jaas: jaasLine{options: map[string]string{"username": "jane", "password": "one"}}, live: func(name string) func() string {
		if name == "sasl.jaas.config" {
			return live(name)
		}
		return nil
	}}.now()
	password, line = "second", `x required username="jane" password="two";`
	if u, p := plainly(); u != "ann" || p != "second" {
		t.Errorf("%s, %s", u, p)
	}
	if u, p := jaas(); u != "jane" || p != "two" {
		t.Errorf("%s, %s", u, p)
	}
	line = "x required user" // half written
	if u, p := jaas(); u != "jane" || p != "one" {
		t.Errorf("%s, %s; want what was there at the start", u, p)
	}
}
