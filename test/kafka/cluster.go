package kafkatest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Cluster is one Apache Kafka broker, or three with replication factor 3 and min.insync.replicas 2, whose brokers can be killed
// and started again on their data. Unlike the shared broker of Start it belongs to who made it, and needs no test.
type Cluster struct {
	libs    string
	id      string // cluster id
	dir     string
	servers []string
	voters  string
	ports   []int // two a broker: for clients, for controllers
	nodes   []*broker
	extra   string // lines of server.properties that win
	jvm     []string
}

// NewCluster starts a cluster of so many brokers, which end with the process, or earlier with Stop. Without Java 17 or Maven
// its error says so.
func NewCluster(brokers int) (*Cluster, error) { return newCluster(brokers, nil) }

// The user whom a Guarded cluster knows.
const (
	User     = "gx"
	Password = "of-gx"
)

// NewGuarded starts one broker that gives User no right but those that are granted, at the second address (SASL_PLAINTEXT, PLAIN). Whoever asks
// at Servers may do everything.
func NewGuarded() (c *Cluster, guarded string, err error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, "", err
	}
	guarded = fmt.Sprintf("127.0.0.1:%d", ports[0])
	c, err = newCluster(1, func(c *Cluster) string {
		return strings.NewReplacer("{port}", fmt.Sprint(c.ports[0]), "{controller}", fmt.Sprint(c.ports[1]), "{guarded}", fmt.Sprint(ports[0]), "{user}", User, "{password}", Password).Replace(`
listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{guarded},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{guarded}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
`) + patient
	})
	return c, guarded, err
}

// newCluster takes lines of server.properties that win.
func newCluster(brokers int, extra func(*Cluster) string) (*Cluster, error) {
	if err := haveJava(); err != nil {
		return nil, err
	}
	libs, err := jars()
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(2 * brokers)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gx-ol-cluster-")
	if err != nil {
		return nil, err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	c := &Cluster{libs: libs, id: base64.RawURLEncoding.EncodeToString(id[:]), dir: dir, ports: ports, nodes: make([]*broker, brokers)}
	var voters []string
	for n := range brokers {
		c.servers = append(c.servers, fmt.Sprintf("127.0.0.1:%d", ports[2*n]))
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", n+1, ports[2*n+1]))
	}
	c.voters = strings.Join(voters, ",")
	if extra != nil {
		c.extra = extra(c)
	}
	for n := range brokers {
		if err := c.format(n); err != nil {
			c.Stop()
			return nil, err
		}
		if err := c.Up(n); err != nil {
			c.Stop()
			return nil, err
		}
	}
	if err := ready(c.Servers(), c.nodes[0].gone); err != nil {
		tail := c.nodes[0].logTail()
		c.Stop()
		return nil, fmt.Errorf("%w\nlast lines of the first broker's log:\n%s", err, tail)
	}
	return c, nil
}

// Servers are the bootstrap servers.
func (c *Cluster) Servers() string { return strings.Join(c.servers, ",") }

func (c *Cluster) format(n int) error {
	node := filepath.Join(c.dir, fmt.Sprint("broker-", n+1))
	if err := os.MkdirAll(node, 0o750); err != nil {
		return err
	}
	text := properties(node, c.ports[2*n], c.ports[2*n+1])
	replicas, inSync := "1", "1"
	if len(c.nodes) >= 3 {
		replicas, inSync = "3", "2"
	}
	text += strings.NewReplacer("{n}", fmt.Sprint(n+1), "{voters}", c.voters, "{rf}", replicas, "{isr}", inSync).Replace(`
node.id={n}
controller.quorum.voters={voters}
default.replication.factor={rf}
min.insync.replicas={isr}
offsets.topic.replication.factor={rf}
transaction.state.log.replication.factor={rf}
transaction.state.log.min.isr={isr}
share.coordinator.state.topic.replication.factor={rf}
share.coordinator.state.topic.min.isr={isr}
`) + c.extra // a later line wins
	if err := os.WriteFile(filepath.Join(node, "server.properties"), []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(node, "log4j2.properties"), log4j, 0o600); err != nil {
		return err
	}
	return formatStorage(c.libs, node, c.id)
}

// Up starts broker n, counted from 0, on the data that it has.
func (c *Cluster) Up(n int) error {
	b := &broker{servers: c.servers[n], dir: filepath.Join(c.dir, fmt.Sprint("broker-", n+1)), gone: make(chan struct{})}
	if err := b.spawn(c.libs, keepFiles, c.jvm...); err != nil {
		return err
	}
	c.nodes[n] = b
	return nil
}

// Kill ends broker n at once, as a crash does; its data stays.
func (c *Cluster) Kill(n int) {
	// The guard's child is the broker: the group of the guard gets the signal, and the guard ends with it.
	_ = syscall.Kill(-c.nodes[n].cmd.Process.Pid, syscall.SIGKILL)
	<-c.nodes[n].gone
}

// Hang lets broker n neither answer nor break a connection until GoOn is called, as a frozen virtual machine does.
func (c *Cluster) Hang(n int) { _ = syscall.Kill(-c.nodes[n].cmd.Process.Pid, syscall.SIGSTOP) }

// GoOn ends Hang: the broker answers what it was asked meanwhile.
func (c *Cluster) GoOn(n int) { _ = syscall.Kill(-c.nodes[n].cmd.Process.Pid, syscall.SIGCONT) }

// Restart ends broker n cleanly and starts it again.
func (c *Cluster) Restart(n int) error {
	_ = c.nodes[n].stdin.Close()
	<-c.nodes[n].gone
	return c.Up(n)
}

// Stop ends all brokers and removes their files.
func (c *Cluster) Stop() {
	for _, b := range c.nodes {
		if b != nil {
			_ = b.stdin.Close()
		}
	}
	for _, b := range c.nodes {
		if b != nil {
			<-b.gone
		}
	}
	_ = os.RemoveAll(c.dir)
}

// formatStorage writes a broker's storage folder.
func formatStorage(libs, dir, id string) error {
	args := []string{"-cp", filepath.Join(libs, "*"), "-Dlog4j2.configurationFile=" + filepath.Join(dir, "log4j2.properties"),
		"kafka.tools.StorageTool", "format", "--cluster-id=" + id, // one word: one id in 64 begins with a dash
		"--config", filepath.Join(dir, "server.properties")}
	if out, err := exec.Command("java", args...).CombinedOutput(); err != nil { //nolint:gosec,noctx // our own arguments; ends by itself
		return fmt.Errorf("formatting Kafka's storage: %w\n%s", err, out)
	}
	return nil
}
