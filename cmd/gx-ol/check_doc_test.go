package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	findings "github.com/gx-ol/gx-ol/internal/check"
)

func checkPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/check.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// The page has each check once, in the order in which they are told.
func TestThePageNamesEveryCheck(t *testing.T) {
	var rows []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|[^|]+\\|[^|]+\\|$").FindAllStringSubmatch(checkPage(t), -1) {
		rows = append(rows, row[1])
	}
	if !slices.Equal(rows, findings.Names()) {
		t.Errorf("docs/check.md has %v, the code %v", rows, findings.Names())
	}
}

// Every command of the page runs as it stands, beside a gx-ol.yaml, and finds no failure.
func TestTheCommandsOfTheCheckPageRun(t *testing.T) {
	page := checkPage(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "gx.validation-results", "openlineage.events"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	backend := httptest.NewServer(http.HandlerFunc(aMarquez))
	defer backend.Close()
	brokers := strings.Join(cluster.ListenAddrs(), ",")
	folder, _ := newcomersFolder(t, brokers, backend.URL)
	t.Chdir(folder)
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(page, -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(line, " #")
			typed := strings.NewReplacer("localhost:9092", brokers, "http://localhost:5000", backend.URL).Replace(line)
			words := strings.Fields(typed)
			if code, stdout, stderr := call(t, "", words[1:]...); code != 0 || stdout == "" {
				t.Errorf("$ %s\nexit %d\n%s%s", line, code, stdout, stderr)
			}
			ran++
		}
	}
	if ran < 10 {
		t.Errorf("%d commands", ran)
	}
}
