package app

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
)

// wire is a connection on which a test writes HTTP as no library would.
type wire struct {
	net.Conn
	*bufio.Reader
}

func dialGateway(t *testing.T, address string) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &wire{conn, bufio.NewReader(conn)}
}

func (w *wire) Read(p []byte) (int, error) { return w.Reader.Read(p) }

func (w *wire) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(w.Conn, text); err != nil {
		t.Fatal(err)
	}
}

// answered is the status of the next answer, which may be a 100.
func (w *wire) answered(t *testing.T) int {
	t.Helper()
	resp, err := http.ReadResponse(w.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// posting is a request as it stands on the wire.
func posting(body string, headers ...string) string {
	return "POST /api/v1/lineage HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n" + body
}

func lengthOf(body string) string { return fmt.Sprintf("Content-Length: %d", len(body)) }

// eventOf is an event of a job of its own.
func eventOf(job string) string { return strings.Replace(lineageEvent, `"load"`, `"`+job+`"`, 1) }

// keys are those of the first n records of the events topic.
func keys(t *testing.T, cluster *kfake.Cluster, n int) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, rec := range consumed(t, cluster, "openlineage.events", n) {
		all[string(rec.Key)] = true
	}
	return all
}

const guarded = "  tokens: {airflow: token-of-airflow-0123456789}\n"

// A client that asks before it sends is told to go on only where its body is wanted.
func TestWhoAsksBeforeSendingIsToldBefore(t *testing.T) {
	g := startGateway(t, gatewayCluster(t), guarded+"  max_request_bytes: 1000\n")
	expect := []string{"Expect: 100-continue", "Authorization: Bearer token-of-airflow-0123456789"}
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"no token":        {append([]string{lengthOf(lineageEvent)}, expect[0]), http.StatusUnauthorized},
		"too large":       {append([]string{"Content-Length: 1001"}, expect...), http.StatusRequestEntityTooLarge},
		"another type":    {append([]string{lengthOf(lineageEvent), "Content-Encoding: br"}, expect...), http.StatusUnsupportedMediaType},
		"without a limit": {append([]string{"Content-Length: 99999999999999999999"}, expect...), http.StatusBadRequest},
	} {
		w := dialGateway(t, g.address)
		w.send(t, posting("", c.headers...))
		if status := w.answered(t); status != c.status {
			t.Errorf("%s: %d, want %d and no 100", name, status, c.status)
		}
	}
	w := dialGateway(t, g.address)
	w.send(t, posting("", append([]string{lengthOf(lineageEvent)}, expect...)...))
	if status := w.answered(t); status != http.StatusContinue {
		t.Fatalf("%d, want 100", status)
	}
	w.send(t, lineageEvent)
	if status := w.answered(t); status != http.StatusCreated {
		t.Errorf("%d", status)
	}
}

// Requests on one connection are answered one after the other, each by itself: what is left of a body that was refused is not the next request.
func TestPipelinedRequestsAreAnsweredInTheirOrder(t *testing.T) {
	cluster := gatewayCluster(t)
	g := startGateway(t, cluster, guarded+"  max_request_bytes: 100000\n")
	token := "Authorization: Bearer token-of-airflow-0123456789"
	smuggled := posting(eventOf("smuggled"), lengthOf(eventOf("smuggled")), token)
	w := dialGateway(t, g.address)
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(eventOf("chunked")), eventOf("chunked"))
	w.send(t, posting(eventOf("one"), lengthOf(eventOf("one")), token)+posting(smuggled, lengthOf(smuggled))+posting(chunked, "Transfer-Encoding: chunked", token)+
		posting(eventOf("two"), lengthOf(eventOf("two")), token))
	for i, want := range []int{201, 401, 201, 201} {
		if status := w.answered(t); status != want {
			t.Errorf("answer %d: %d, want %d", i, status, want)
		}
	}
	if got := keys(t, cluster, 3); !got["run:etl/one"] || !got["run:etl/chunked"] || !got["run:etl/two"] {
		t.Errorf("%v", got)
	}
	endless := dialGateway(t, g.address)
	endless.send(t, posting("", "Transfer-Encoding: chunked", token)+strings.Repeat(fmt.Sprintf("10000\r\n%s\r\n", strings.Repeat(" ", 1<<16)), 2)) // and more would come
	if status := endless.answered(t); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that does not end: %d", status)
	}
	endless.send(t, "0\r\n\r\n"+posting(eventOf("after"), lengthOf(eventOf("after")), token))
	if _, err := endless.ReadByte(); err == nil {
		t.Error("the connection of a body that does not end goes on")
	}
	for name, headers := range map[string][]string{"two lengths": {"Content-Length: 5", "Content-Length: 6"}, "no length that is one": {"Content-Length: +5"}, "another coding": {"Transfer-Encoding: gzip, chunked"}} {
		w := dialGateway(t, g.address)
		w.send(t, posting("hello!", append(headers, token)...))
		if status := w.answered(t); status/100 != 4 && status != http.StatusNotImplemented {
			t.Errorf("%s: %d", name, status)
		}
		if _, err := w.ReadByte(); err == nil {
			t.Errorf("%s: the connection goes on", name)
		}
	}
}

// No more connections than there may be are served: the next one is, when one has ended.
func TestNoMoreConnectionsThanThereMayBe(t *testing.T) {
	g := startGateway(t, gatewayCluster(t), "  max_connections: 2\n")
	const ask = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	var held []*wire
	for range 2 {
		w := dialGateway(t, g.address)
		w.send(t, ask)
		if status := w.answered(t); status != 200 {
			t.Fatal(status)
		}
		held = append(held, w)
	}
	third := dialGateway(t, g.address)
	third.send(t, ask)
	if err := third.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := third.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a third connection is served beside two: %v", err)
	}
	_ = held[0].Close()
	if err := third.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	third.Reset(third.Conn)
	if status := third.answered(t); status != 200 {
		t.Errorf("when one has ended: %d", status)
	}
}

// How long a client may take is bounded for the head of a request, for its body, for its answer, and for doing nothing; and how long the head may be.
func TestWhatAClientMayTakeIsBounded(t *testing.T) {
	cfg, err := config.LoadForGateway("", func(string) (string, bool) { return "", false }, map[string]string{"brokers": "127.0.0.1:1", "listen": "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	server, l, err := gatewayServer(t.Context(), cfg, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if server.ReadHeaderTimeout != 10*time.Second || server.ReadTimeout != cfg.Gateway.ReadTimeout || server.IdleTimeout != 30*time.Second ||
		server.WriteTimeout != cfg.Gateway.ReadTimeout+cfg.Gateway.AckTimeout+10*time.Second || server.MaxHeaderBytes != 32<<10 {
		t.Errorf("%+v", server)
	}
	g := startGateway(t, gatewayCluster(t), "")
	w := dialGateway(t, g.address)
	w.send(t, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 40<<10)+"\r\n\r\n")
	if status := w.answered(t); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a head of 40 KiB: %d", status)
	}
}

// Over HTTP/2 the bounds are those of each request: many on one connection are taken, and one that does not send is cut alone.
func TestOverHTTP2EachRequestIsBounded(t *testing.T) {
	cluster := gatewayCluster(t)
	cert, key, roots := certificateOfLoopback(t)
	g := startGateway(t, cluster, fmt.Sprintf("  read_timeout: 2s\n  max_request_bytes: 1000\n  ssl.certificate.location: %s\n  ssl.key.location: %s\n", cert, key))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	send := func(body io.Reader) (int, string) {
		req, err := http.NewRequest(http.MethodPost, "https://"+g.address+"/api/v1/lineage", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		said, _ := io.ReadAll(resp.Body)
		if resp.ProtoMajor != 2 {
			t.Fatalf("answered over %s", resp.Proto)
		}
		return resp.StatusCode, string(said)
	}
	if status, said := send(strings.NewReader(eventOf("one"))); status != 201 {
		t.Fatalf("%d %s", status, said)
	}
	if status, _ := send(bytes.NewReader(make([]byte, 5000))); status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", status)
	}
	body, hand := io.Pipe() // of which nothing comes
	slow := make(chan string, 1)
	go func() {
		status, said := send(body)
		slow <- fmt.Sprint(status, said)
	}()
	if status, _ := send(io.MultiReader(strings.NewReader(eventOf("two")))); status != 201 { // of no known length
		t.Errorf("beside a slow one: %d", status)
	}
	if said := <-slow; !strings.HasPrefix(said, "408") || !strings.Contains(said, "slow_client") {
		t.Errorf("a body that does not come: %s", said)
	}
	_ = hand.Close()
	if got := keys(t, cluster, 2); !got["run:etl/one"] || !got["run:etl/two"] {
		t.Errorf("%v", got)
	}
}

// roomForOne has no room for two events of these tests, which have more than 160 bytes.
const roomForOne = "  max_request_bytes: 300\n  max_bytes_in_flight: 310\n"

// slowBroker is a broker that answers no produce request until goOn is called; asked is told of the first one.
func slowBroker(cluster *kfake.Cluster) (asked <-chan struct{}, goOn func()) {
	began, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.SleepControl(func() {
			once.Do(func() { close(began) })
			<-free
		})
		return nil, nil, false
	})
	return began, func() { close(free) }
}

// While a broker is slow, what it has not answered for holds its room: who finds none is told to come again, and is taken when there is room again.
func TestWhileTheBrokerIsSlowClientsAreToldToComeAgain(t *testing.T) {
	cluster := gatewayCluster(t)
	g := startGateway(t, cluster, roomForOne+"  ack_timeout: 1m\n")
	asked, goOn := slowBroker(cluster)
	first := make(chan int, 1)
	go func() {
		resp, err := http.Post("http://"+g.address+"/api/v1/lineage", "application/json", strings.NewReader(eventOf("first")))
		if err != nil {
			first <- 0
			return
		}
		_ = resp.Body.Close()
		first <- resp.StatusCode
	}()
	<-asked
	w := dialGateway(t, g.address)
	w.send(t, posting(eventOf("second"), lengthOf(eventOf("second"))))
	resp, err := http.ReadResponse(w.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" || !strings.Contains(string(said), `"busy"`) {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, said)
	}
	goOn()
	if status := <-first; status != 201 {
		t.Errorf("the first: %d", status)
	}
	for status := 0; status != 201; { // when its room is free
		if status, _ = postTo(t, g.address, "/api/v1/lineage", eventOf("third")); status != 201 && status != 429 {
			t.Fatalf("afterwards: %d", status)
		}
	}
	if got := keys(t, cluster, 2); !got["run:etl/first"] || !got["run:etl/third"] || got["run:etl/second"] {
		t.Errorf("%v", got)
	}
}

// A broker that does not answer in time is 503: the record may be written all the same, so its room is held until that is known.
func TestABrokerThatDoesNotAnswerInTimeIs503(t *testing.T) {
	cluster := gatewayCluster(t)
	g := startGateway(t, cluster, roomForOne+"  ack_timeout: 50ms\n")
	asked, goOn := slowBroker(cluster)
	w := dialGateway(t, g.address)
	w.send(t, posting(eventOf("late"), lengthOf(eventOf("late"))))
	resp, err := http.ReadResponse(w.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "5" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	<-asked
	if status, said := postTo(t, g.address, "/api/v1/lineage", eventOf("next")); status != http.StatusTooManyRequests {
		t.Errorf("its room is given to others: %d %s", status, said)
	}
	goOn()
	if got := keys(t, cluster, 1); !got["run:etl/late"] {
		t.Errorf("%v", got)
	}
}

// Brokers that went away are 503 at once as soon as that is known, and /readyz says so.
func TestBrokersThatWentAwayAre503(t *testing.T) {
	cluster := gatewayCluster(t)
	g := startGateway(t, cluster, "  ack_timeout: 50ms\n")
	cluster.Close()
	if status, said := postTo(t, g.address, "/api/v1/lineage", lineageEvent); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, said)
	}
	for {
		resp, err := http.Get("http://" + g.address + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusServiceUnavailable {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	http.DefaultClient.CloseIdleConnections()
	if g.log.FilterMessageSnippet("Kafka does not take records").Len() != 1 {
		t.Errorf("the log: %v", g.log.All())
	}
}

// After a stop has begun nothing more is taken: not on a connection that was kept, not behind the request that is finished, not on a new one.
func TestNothingIsTakenAfterAStopHasBegun(t *testing.T) {
	cluster := gatewayCluster(t)
	g := startGateway(t, cluster, "  ack_timeout: 1m\n")
	kept, busy := dialGateway(t, g.address), dialGateway(t, g.address)
	kept.send(t, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if status := kept.answered(t); status != 200 {
		t.Fatal(status)
	}
	asked, goOn := slowBroker(cluster)
	busy.send(t, posting(eventOf("taken"), lengthOf(eventOf("taken")))+posting(eventOf("behind"), lengthOf(eventOf("behind"))))
	<-asked
	stopped := make(chan error, 1)
	go func() { stopped <- g.stop() }()
	if _, err := kept.ReadByte(); !errors.Is(err, io.EOF) { // the stop ends it
		t.Errorf("a kept connection: %v", err)
	}
	for { // and takes no new one
		conn, err := net.DialTimeout("tcp", g.address, time.Second)
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	goOn()
	if status := busy.answered(t); status != 201 {
		t.Errorf("what was taken: %d", status)
	}
	if rest, _ := io.ReadAll(busy.Reader); len(rest) > 0 {
		t.Errorf("what came behind it is answered: %s", rest)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	after := startGateway(t, cluster, "")
	if status, _ := postTo(t, after.address, "/api/v1/lineage", eventOf("after")); status != 201 {
		t.Fatal(status)
	}
	if got := keys(t, cluster, 2); !got["run:etl/taken"] || !got["run:etl/after"] {
		t.Errorf("%v", got)
	}
}

// certificateOfLoopback is that of net/http's own tests, in files.
func certificateOfLoopback(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	private, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: server.Certificate().Raw}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return cert, key, roots
}
