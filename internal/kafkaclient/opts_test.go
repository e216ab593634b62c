package kafkaclient

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/gx-ol/gx-ol/producer/kafka"
)

// What the operator sets wins over the defaults of whoever makes the client: those go first.
func TestTheOperatorsPropertiesWin(t *testing.T) {
	for _, c := range []struct {
		name, value string
		opt         any
		want        string
	}{
		{"linger.ms", "37", kgo.ProducerLinger, "37ms"},
		{"delivery.timeout.ms", "41000", kgo.RecordDeliveryTimeout, "41s"},
		{"max.request.size", "1234567", kgo.ProducerBatchMaxBytes, "1234567"},
		{"fetch.max.bytes", "1234567", kgo.FetchMaxBytes, "1234567"},
		{"fetch.min.bytes", "77", kgo.FetchMinBytes, "77"},
		{"fetch.max.wait.ms", "77", kgo.FetchMaxWait, "77ms"},
		{"max.partition.fetch.bytes", "65536", kgo.FetchMaxPartitionBytes, "65536"},
		{"request.timeout.ms", "12000", kgo.RequestTimeoutOverhead, "12s"},
		{"client.id", "mine", kgo.ClientID, "mine"},
	} {
		for name, defaults := range map[string][]kgo.Opt{"events": kafka.EventOpts(32 << 20), "letters": kafka.LetterOpts(32 << 20), "large": kafka.LargeOpts(32 << 20)} {
			operator, err := Opts(map[string]string{"bootstrap.servers": "127.0.0.1:1", c.name: c.value})
			if err != nil {
				t.Fatal(err)
			}
			client, err := kgo.NewClient(append(defaults, operator...)...)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if got := fmt.Sprint(client.OptValue(c.opt)); got != c.want {
				t.Errorf("%s: %s is %s, want %s", name, c.name, got, c.want)
			}
			client.Close()
		}
	}
}

func TestTheOperatorsCompressionWins(t *testing.T) {
	for value, want := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		operator, err := Opts(map[string]string{"bootstrap.servers": "127.0.0.1:1", "compression.type": value})
		if err != nil {
			t.Fatal(err)
		}
		for _, defaults := range [][]kgo.Opt{kafka.EventOpts(32 << 20), kafka.LetterOpts(32 << 20)} {
			client, err := kgo.NewClient(append(defaults, operator...)...)
			if err != nil {
				t.Fatal(err)
			}
			if got := client.OptValue(kgo.ProducerBatchCompression); !reflect.DeepEqual(got, []kgo.CompressionCodec{want}) {
				t.Errorf("%s: %v", value, got)
			}
			client.Close()
		}
	}
}

func TestWhatIsSoAnywayIsTaken(t *testing.T) {
	for name, values := range map[string]map[string]bool{
		"acks":               {"all": true, "-1": true, "1": false, "0": false},
		"enable.auto.commit": {"false": true, "true": false},
		"enable.idempotence": {"true": true, "TRUE": true, "false": false},
		"group.protocol":     {"classic": true, "consumer": true, "Consumer": true, "share": false},
		"max.request.size":   {"1048576": true, "536870912": true, "1073741824": false, "100": false, "x": false},
	} {
		for value, ok := range values {
			opts, err := Opts(map[string]string{"bootstrap.servers": "127.0.0.1:1", name: value})
			if (err == nil) != ok {
				t.Errorf("%s: %s: %v", name, value, err)
			}
			if err != nil {
				continue
			}
			client, err := kgo.NewClient(append(kafka.EventOpts(32<<20), opts...)...)
			if err != nil {
				t.Errorf("%s: %s: %v", name, value, err)
				continue
			}
			client.Close()
		}
	}
}

func TestTheGroupsProtocolReachesTheClient(t *testing.T) {
	for value, want := range map[string]bool{"classic": false, "consumer": true} {
		opts, err := Opts(map[string]string{"bootstrap.servers": "127.0.0.1:1", "group.protocol": value})
		if err != nil {
			t.Fatal(err)
		}
		client, err := kgo.NewClient(append([]kgo.Opt{kgo.Balancers(kgo.RoundRobinBalancer())}, opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := client.OptValue(kgo.ServerSideBalancer); got != want {
			t.Errorf("%s: %v", value, got)
		}
		client.Close()
	}
}

// Who asks for the brokers' own protocol hears where they have none: the client goes on without it and says nothing.
func TestWhetherTheBrokersAssign(t *testing.T) {
	for version, want := range map[*kversion.Versions]bool{kversion.V3_6_0(): false, kversion.V3_9_0(): false, kversion.V4_0_0(): true, nil: true} {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.MaxVersions(version))
		if err != nil {
			t.Fatal(err)
		}
		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := BrokersAssign(t.Context(), client); err != nil || got != want {
			t.Errorf("%v: %t, %v", version, got, err)
		}
		client.Close()
		cluster.Close()
	}
	for value, want := range map[string]bool{"": false, "classic": false, "consumer": true, "Consumer": true} {
		if got := WantsBrokersToAssign(map[string]string{"group.protocol": value}); got != want {
			t.Errorf("%q: %t", value, got)
		}
	}
}

func TestWhereToBegin(t *testing.T) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) string { return kgo.NewOffset().AfterMilli(now.Add(-d).UnixMilli()).String() }
	for value, want := range map[string]string{
		"earliest":                  kgo.NewOffset().AtStart().String(),
		"latest":                    kgo.NewOffset().AtEnd().String(),
		"none":                      kgo.NoResetOffset().String(),
		"Earliest":                  kgo.NewOffset().AtStart().String(),
		"smallest":                  kgo.NewOffset().AtStart().String(),
		"beginning":                 kgo.NewOffset().AtStart().String(),
		"largest":                   kgo.NewOffset().AtEnd().String(),
		"end":                       kgo.NewOffset().AtEnd().String(),
		"error":                     kgo.NoResetOffset().String(),
		"2026-01-31":                kgo.NewOffset().AfterMilli(1769817600000).String(),
		"7d":                        ago(7 * 24 * time.Hour),
		"2026-01-31T00:00:00Z":      kgo.NewOffset().AfterMilli(1769817600000).String(),
		"2026-01-31T01:00:00+01:00": kgo.NewOffset().AfterMilli(1769817600000).String(),
		"24h":                       ago(24 * time.Hour),
		"90m":                       ago(90 * time.Minute),
		"by_duration:PT1H":          ago(time.Hour),
		"by_duration:P1DT2H3M4S":    ago(26*time.Hour + 3*time.Minute + 4*time.Second),
		"by_duration:P7D":           ago(7 * 24 * time.Hour),
		"by_duration:P":             "",
		"by_duration:P1DT":          "",
		"by_duration:1h":            "",
		"by_duration:P1M":           "",
		"-1h":                       "",
		"erliest":                   "",
		"2026-13-31":                "",
		"2026-01-31T00:00:00":       "", // of which zone?
		"1769817600000":             "",
		"d":                         "",
		"-7d":                       "",
		"7.5d":                      "",
		"99999d":                    "",
		"P7D":                       "",
		"":                          "",
	} {
		got, err := offsetReset(value, now)
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "earliest") {
				t.Errorf("%s: %v, %v", value, got, err)
			}
			continue
		}
		if err != nil || got.String() != want {
			t.Errorf("%s: %s, %v; want %s", value, got, err, want)
		}
	}
}

// Nothing is skipped in silence: without a committed offset the client ends, and does not begin at the end.
func TestWithNoneTheClientBeginsAtACommittedOffsetOrNotAtAll(t *testing.T) {
	for _, value := range []string{"none", "error"} {
		opts, err := Opts(map[string]string{"bootstrap.servers": "127.0.0.1:1", "auto.offset.reset": value})
		if err != nil {
			t.Fatal(err)
		}
		client, err := kgo.NewClient(opts...)
		if err != nil {
			t.Fatal(err)
		}
		if got := client.OptValue(kgo.ConsumeStartOffset); got != any(kgo.NewOffset().AtCommitted()) {
			t.Errorf("%s: begins at %v", value, got)
		}
		if got := client.OptValue(kgo.ConsumeResetOffset); got != any(kgo.NoResetOffset()) {
			t.Errorf("%s: resets to %v", value, got)
		}
		client.Close()
	}
}

func FuzzOffsetReset(f *testing.F) {
	for _, v := range []string{"earliest", "by_duration:P1DT2H", "24h", "2026-01-31T00:00:00Z"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if d, ok := duration(v); ok && d < 0 {
			t.Errorf("%q is %s", v, d)
		}
	})
}

// What is taken for a broker is shown when it does not answer: an address with a password is none.
func TestServersAreHostsAndPorts(t *testing.T) {
	for servers, ok := range map[string]bool{
		"h:9092": true, "h": true, "h:1, i:2": true, "[::1]:9092": true, "[::1]": true, "10.0.0.1:9092": true, "h_1:9092": true,
		"u:SECRETPW@h:9092": false, "SECRETPW@h": false, "kafka://h:9092": false, "h:SECRETPW": false, "h:0": false, "::1": false, "h:1?password=SECRETPW": false, "u:SECRETPW:h:1": false, "": false,
	} {
		err := CheckValue("bootstrap.servers", servers)
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "SECRETPW") {
			t.Errorf("%s: %v", servers, err)
		}
	}
}
