package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	manyDatasets = 10_000
	wideGraph    = 2_000 // datasets that are made from one
)

// write puts texts on a topic, many at once.
func write(t *testing.T, brokers, topic string, texts [][]byte) {
	t.Helper()
	w := &kafka.Writer{Addr: kafka.TCP(brokers), Topic: topic, BatchSize: 1000, BatchTimeout: 10 * time.Millisecond, RequiredAcks: kafka.RequireAll}
	defer func() { _ = w.Close() }()
	all := make([]kafka.Message, len(texts))
	for i := range texts {
		all[i].Value = texts[i]
	}
	if err := w.WriteMessages(context.Background(), all...); err != nil {
		t.Fatal(err)
	}
}

// A large estate is paged, and drawn as far as somebody can look at it; no place keeps the reader waiting.
func TestTenThousandDatasetsCanBeLookedAt(t *testing.T) {
	chromium(t)
	out := start(t, "dev", "--no-open", "--kafka-port", "0", "--port", "0", "--metrics-port", "0")
	at := out.finds(t, `the page at (http://\S+)/`)[1]
	brokers := out.finds(t, `Kafka at (\S+) `)[1]
	var texts [][]byte
	for i := range manyDatasets {
		texts = append(texts, compact(t, bytes.ReplaceAll([]byte(failing), []byte(`"orders"`), fmt.Appendf(nil, `"table_%05d"`, i))))
	}
	hub := []dataset{{"great_expectations://shop", "table_00000"}}
	for i := range wideGraph {
		texts = append(texts, moves(t, i, fmt.Sprintf("build_mart_%04d", i), hub, []dataset{{"warehouse", fmt.Sprintf("marts.mart_%04d", i)}}))
	}
	write(t, brokers, "gx.validation-results", texts)
	write(t, brokers, "gx.validation-results", texts[:1]) // what is seen of lineage is the latest alone
	b := Open(t, at)
	b.Go("/datasets?q=table_")
	b.Sees("of 10\u202f000")
	timed := func(path, sees string) {
		t.Helper()
		b.Weigh()
		began := time.Now()
		b.Go(path)
		b.Sees(sees)
		t.Logf("%s: %s, %.1f kB", path, time.Since(began).Round(time.Millisecond), float64(b.Weigh())/1000)
		b.Check(path)
	}
	timed("/now", "Datasets failed")
	timed("/datasets", "1 – 50 of 10\u202f00")
	timed("/datasets?page=150&outcome=failed", "of 10\u202f00")
	timed("/datasets?q=table_09999", "1 – 1 of 1")
	timed("/results?q=table_09999", "2026-03-01")
	timed("/lineage?dataset=table_00000", "marts.mart_0")
	b.Waits("#graph svg")
	timed("/lineage?dataset=mart", "is part of several names")
	timed("/lineage?dataset=mart_1999&ask=upstream", "fails in what marts.mart_1999 is made from")
	timed("/lineage?ask=consumers", "build_mart_")
	timed("/lineage?ask=common", "Nothing has failed in the last 7 days")
}

func compact(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
