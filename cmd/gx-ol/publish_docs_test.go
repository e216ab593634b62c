package main

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Every command of docs/publish.md runs, with the files that it names.
func TestTheCommandsOfThePageOfPublishRun(t *testing.T) {
	page, err := os.ReadFile("../../docs/publish.md")
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "gx.validation-results"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	bucket := s3mem.New()
	if err := bucket.CreateBucket("my-bucket"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(bucket).Server())
	defer server.Close()
	folder, bin := newcomersFolder(t, strings.Join(cluster.ListenAddrs(), ","), "http://127.0.0.1:1")
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "   #")
			typed := line
			if strings.Contains(line, "--watch") {
				typed = "timeout --preserve-status -s INT 2 " + line
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			cmd := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", typed)
			cmd.Dir = folder
			cmd.Env = []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + folder, "USER=newcomer",
				"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_ENDPOINT_URL_S3=" + server.URL}
			said, err := cmd.CombinedOutput()
			cancel()
			if ran++; err != nil {
				t.Errorf("$ %s\n%v\n%s", line, err, said)
			}
		}
	}
	if ran < 10 {
		t.Errorf("%d commands", ran)
	}
}

// The page names every flag, and no other.
func TestThePageOfPublishNamesEveryFlag(t *testing.T) {
	page, err := os.ReadFile("../../docs/publish.md")
	if err != nil {
		t.Fatal(err)
	}
	cmd := newPublishCommand(&process{})
	for _, name := range regexp.MustCompile("--([a-z][a-z-]+)").FindAllStringSubmatch(string(page), -1) {
		if cmd.Flags().Lookup(name[1]) == nil {
			t.Errorf("the page names --%s, which is none", name[1])
		}
	}
	for _, name := range []string{"backfill", "watch", "since", "until", "rate", "ledger", "store", "scan-interval", "patience", "dry-run", "raw", "key", "brokers", "topic"} {
		if !strings.Contains(string(page), "--"+name) {
			t.Errorf("the page does not name --%s", name)
		}
	}
}
