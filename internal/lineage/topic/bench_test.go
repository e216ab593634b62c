package topic_test

import (
	"fmt"
	"math/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/topic"
)

// The estate of the benchmark: each dataset is made of two others by a job, and checked by another; of the runs, half are checks.
const (
	benchDatasets = 10_000
	benchRuns     = 100_000
)

// estate gives events one after the other: a START and a terminal one of each run.
func estate(each func(key string, event []byte)) {
	draw := rand.New(rand.NewSource(1))
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	set := func(i int) string {
		return fmt.Sprintf(`{"namespace":"postgres://db:5432","name":"shop.public.table_%05d"`, i)
	}
	facet := `"_producer":"https://github.com/gx-ol/gx-ol","_schemaURL":"https://openlineage.io/spec/facets/1-1-0/DataQualityAssertionsDatasetFacet.json"`
	for run := range benchRuns {
		i := run / 2 % benchDatasets
		begin, end := at.Add(time.Duration(run)*time.Second), at.Add(time.Duration(run)*time.Second+500*time.Millisecond)
		id := fmt.Sprintf("01a20718-75ee-7799-a958-%012d", run)
		parent := fmt.Sprintf(`"parent":{%s,"run":{"runId":"01a20718-75ee-7799-a958-%012d"},"job":{"namespace":"airflow","name":"dag_%d.task_%d"}}`, facet, run/100+1_000_000, i/100, i)
		job, kind, in, out := fmt.Sprintf("suite.warehouse.table_%05d", i), "GREAT_EXPECTATIONS", "", ""
		terminal := "COMPLETE"
		if run%2 == 0 {
			job, kind = fmt.Sprintf("dbt.model_%05d", i), "DBT"
			if i > 10 {
				in = set(i/2) + "}," + set(i/3) + "}"
			}
			var columns []string
			for c := range 10 {
				columns = append(columns, fmt.Sprintf(`"column_%d":{"inputFields":[{"namespace":"postgres://db:5432","name":"shop.public.table_%05d","field":"column_%d"}]}`, c, i/2, c))
			}
			out = set(i) + `,"facets":{"columnLineage":{` + facet + `,"fields":{` + strings.Join(columns, ",") + `}}}}`
		} else {
			var list []string
			for a := range 10 {
				good := draw.Intn(200) > 0
				if !good {
					terminal = "FAIL"
				}
				list = append(list, fmt.Sprintf(`{"assertion":"expect_column_values_to_not_be_null","success":%v,"column":"column_%d","severity":"error","name":"%s-%d","expected":"no nulls","actual":"12 of 1200 unexpected (1 %%)","params":{"mostly":0.99}}`, good, a, id, a))
			}
			in = set(i) + `,"inputFacets":{"dataQualityAssertions":{` + facet + `,"assertions":[` + strings.Join(list, ",") + `]}}}`
		}
		form := `{"eventTime":%q,"eventType":%q,"run":{"runId":%q,"facets":{` + parent + `,"great_expectations_meta":{` + facet + `,"expectation_suite_name":"suite"}}},"job":{"namespace":"jobs","name":%q,"facets":{"jobType":{` + facet + `,"processingType":"BATCH","integration":%q,"jobType":"X"}}},"inputs":[%s],"outputs":[%s],"producer":"https://github.com/gx-ol/gx-ol","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`
		each(job, fmt.Appendf(nil, form, begin.Format(time.RFC3339Nano), "START", id, job, kind, "", ""))
		each(job, fmt.Appendf(nil, form, end.Format(time.RFC3339Nano), terminal, id, job, kind, in, out))
	}
}

// BenchmarkTopicOf100000Runs reads a topic of 100,000 runs, and asks the three questions. KAFKA_BROKERS names brokers to measure with; else it is a fake in
// this process, whose memory is measured too.
func BenchmarkTopicOf100000Runs(b *testing.B) {
	brokers := strings.Split(os.Getenv("KAFKA_BROKERS"), ",")
	name := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	if brokers[0] == "" {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(6, name))
		if err != nil {
			b.Fatal(err)
		}
		defer cluster.Close()
		brokers = cluster.ListenAddrs()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(name), kgo.MaxBufferedRecords(50_000))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	if os.Getenv("KAFKA_BROKERS") != "" {
		if _, err := kadm.NewClient(client).CreateTopic(b.Context(), 6, 1, nil, name); err != nil {
			b.Fatal(err)
		}
	}
	var bytes int64
	estate(func(key string, event []byte) {
		bytes += int64(len(event))
		client.Produce(b.Context(), &kgo.Record{Key: []byte(key), Value: event}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	})
	if err := client.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(bytes)
	b.Logf("topic %s, %d MB of events", name, bytes>>20)
	b.ResetTimer()
	for b.Loop() {
		src, err := topic.Read(b.Context(), topic.Config{Client: client, Topic: name})
		if err != nil {
			b.Fatal(err)
		}
		o := lineage.Options{Now: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)}
		up, err := lineage.Upstream(b.Context(), src, lineage.Dataset{Namespace: "postgres://db:5432", Name: "shop.public.table_09999"}, lineage.WrittenAll, o)
		if err != nil || len(up.Datasets) < 10 {
			b.Fatalf("%v %+v", err, up)
		}
		began := time.Now()
		down, err := lineage.Consumers(b.Context(), src, nil, o)
		if err != nil || len(down.Consumers) == 0 {
			b.Fatalf("%v %+v", err, down)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/consumers")
		began = time.Now()
		common, err := lineage.Common(b.Context(), src, o)
		if err != nil || len(common.Groups) == 0 {
			b.Fatalf("%v %+v", err, common)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/common")
		b.ReportMetric(float64(len(common.Failed)), "failed")
	}
}
