package kafkatest

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// kafkaVersion is the version in pom.xml; a test compares the two.
const kafkaVersion = "4.3.0"

//go:embed pom.xml
var pom []byte

//go:embed log4j2.properties
var log4j []byte

// stopWithin bounds a clean stop; after it the broker is killed. The guard script waits as long.
const stopWithin = 20 * time.Second

// guard runs the broker ($1 its folder, $2 not empty to leave its files, the rest its command line) and ends it as soon as its own stdin closes. The test process holds the
// other end, so the broker goes even when that process is killed or its deadline panics, and leaves no files. Descriptor 3 is
// that stdin: a shell gives its background jobs /dev/null instead.
const guard = `
trap '' INT
exec 3<&0
dir=$1; keep=$2; shift 2
"$@" >> "$dir/log" 2>&1 < /dev/null 3<&- &
pid=$!
{
  while read -r _; do :; done <&3
  kill -TERM $pid 2>/dev/null
  for _ in $(seq 1 100); do kill -0 $pid 2>/dev/null || exit 0; sleep 0.2; done
  kill -KILL $pid 2>/dev/null
} &
watch=$!
wait $pid
code=$?
kill $watch 2>/dev/null
[ -n "$keep" ] || case $code in 137|143) rm -rf "$dir" ;; esac # ended by us; else somebody wants to read the log
exit $code
`

// broker is one running Apache Kafka.
type broker struct {
	servers string // host:port
	dir     string // its configuration, data and log
	cmd     *exec.Cmd
	stdin   io.Closer
	gone    chan struct{} // closed when the guard has ended
}

// jars gives the folder with Kafka's jars. Maven fetches them once a user: into a new folder that is renamed when it is
// whole, so that two test processes at the same time do not read each other's half.
func jars() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir() // no HOME: slower, not wrong
	}
	home := filepath.Join(cache, "gx-ol-kafka-"+kafkaVersion+"-tools")
	libs := filepath.Join(home, "libs")
	if _, err := os.Stat(libs); err == nil {
		return libs, nil
	}
	if err := os.MkdirAll(home, 0o750); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(home, "fetch-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	pomFile := filepath.Join(fresh, "pom.xml")
	if err := os.WriteFile(pomFile, pom, 0o600); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	got := filepath.Join(fresh, "libs")
	//nolint:gosec // our own arguments
	out, err := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", pomFile, "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+got).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("fetching Kafka's jars with Maven: %w\n%s", err, out)
	}
	if err := os.Rename(got, libs); err != nil {
		if _, there := os.Stat(libs); there != nil { // else another process was first
			return "", err
		}
	}
	return libs, nil
}

// start formats a storage folder and starts a broker on it. It does not wait until the broker answers.
func start(libs string) (*broker, error) {
	dir, err := os.MkdirTemp("", "gx-ol-kafka-")
	if err != nil {
		return nil, err
	}
	b := &broker{dir: dir, gone: make(chan struct{})}
	if err := b.launch(libs); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return b, nil
}

func (b *broker) launch(libs string) error {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	b.servers = fmt.Sprintf("127.0.0.1:%d", ports[0])
	config, logging := filepath.Join(b.dir, "server.properties"), filepath.Join(b.dir, "log4j2.properties")
	if err := os.WriteFile(config, []byte(properties(b.dir, ports[0], ports[1])+patient), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(logging, log4j, 0o600); err != nil {
		return err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	if err := formatStorage(libs, b.dir, base64.RawURLEncoding.EncodeToString(id[:])); err != nil {
		return err
	}
	return b.spawn(libs, "")
}

// keepFiles as keep leaves the broker's files when it has ended.
const keepFiles = "keep"

// spawn starts the broker on its formatted storage.
func (b *broker) spawn(libs, keep string, jvm ...string) error {
	args := append([]string{"-c", guard, "kafka-guard", b.dir, keep, "java", "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC"}, jvm...)
	args = append(args, "-cp", filepath.Join(libs, "*"), "-Dlog4j2.configurationFile="+filepath.Join(b.dir, "log4j2.properties"),
		"kafka.Kafka", filepath.Join(b.dir, "server.properties"))
	b.cmd = exec.Command("sh", args...) //nolint:gosec,noctx // lives as long as who started it
	if keep != "" {
		b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that a kill reaches broker and guard alike
	}
	var err error
	b.stdin, err = b.cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := b.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = b.cmd.Wait() // why it ended is in its log
		close(b.gone)
	}()
	return nil
}

// properties is the configuration of a single node that is broker and controller.
func properties(dir string, port, controllerPort int) string {
	return strings.NewReplacer("{dir}", filepath.ToSlash(dir), "{port}", fmt.Sprint(port), "{controller}", fmt.Sprint(controllerPort)).Replace(`
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={dir}/data
num.partitions=4
auto.create.topics.enable=false
# Internal topics: more replicas than brokers, and no group or transaction would ever start.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Tests wait for neither: the first member's company, and the session of a process that was killed.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
`)
}

// patient is for a broker that is never killed: a machine that stood still for nine seconds would make its controller take it for dead, and its partitions would have no
// leader. One that is killed comes back only when that time is over.
const patient = "broker.session.timeout.ms=300000\n"

// stop closes the guard's stdin, waits until the broker is gone, and removes its files.
func (b *broker) stop() {
	_ = b.stdin.Close()
	select {
	case <-b.gone:
	case <-time.After(stopWithin + 5*time.Second):
		_ = b.cmd.Process.Kill()
		<-b.gone
	}
	_ = os.RemoveAll(b.dir)
}

// logTail is the end of what the broker said, at most 4 KiB.
func (b *broker) logTail() string {
	text, err := os.ReadFile(filepath.Join(b.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4096):])
}

// freePorts finds n loopback ports. They are closed again before the broker opens them: another process could be
// quicker, which shows as a broker that ends at once.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // all at the end, or the same port would be found twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
