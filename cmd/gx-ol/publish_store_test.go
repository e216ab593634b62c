package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// storeOf makes a validations store as Great Expectations lays it out, one result a day.
func storeOf(t *testing.T, days int) string {
	t.Helper()
	root := t.TempDir()
	for n := range days {
		at := time.Date(2024, 1, 1+n, 3, 4, 5, 6000, time.UTC)
		text := fmt.Sprintf(`{"success": true, "results": [], "meta": {"expectation_suite_name": "suite%d", "run_id": {"run_name": "n", "run_time": %q},
			"active_batch_definition": {"datasource_name": "warehouse", "data_asset_name": "orders"}}}`, n%2, at.Format(time.RFC3339Nano))
		path := filepath.Join(root, fmt.Sprintf("suite%d", n%2), "n", at.Format("20060102T150405.000000Z"), "batch.json")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestPublishPublishesAStoreOnceAndSaysWhatItDid(t *testing.T) {
	addr := buried(t)
	root := storeOf(t, 9)
	if err := os.WriteFile(filepath.Join(root, ".ge_store_backend_id"), []byte("store_backend_id = x"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (int, string, string) {
		return call(t, "", append([]string{"publish", "--brokers", addr, "--topic", "orders"}, args...)...)
	}
	code, stdout, said := run("--dry-run", "--since", "2024-01-03", root)
	if code != 0 || !strings.Contains(stdout, "suite0  4        2024-01-03T03:04:05Z  2024-01-09T03:04:05Z\nsuite1  3        2024-01-04T03:04:05Z  2024-01-08T03:04:05Z\n") ||
		!strings.Contains(said, "7 results would go to orders; files: 2 outside --since and --until, 1 no results by their names") {
		t.Errorf("%d\n%s\n%s", code, stdout, said)
	}
	for _, c := range []struct{ flags, says string }{
		{"--since 2024-01-03 --until 2024-01-05", "published 2 results to orders; files: 7 outside --since and --until, 1 no results by their names\n"},
		{"--backfill", "published 7 results to orders; files: 2 published before, 1 no results by their names\n"},
		{"--backfill", "published 0 results to orders; files: 9 published before, 1 no results by their names\n"},
		{"--backfill --ledger other --rate 1000", "published 9 results to orders; files: 1 no results by their names\n"},
	} {
		if code, _, said := run(append(strings.Fields(c.flags), root)...); code != 0 || said != c.says {
			t.Errorf("%s: %d %q", c.flags, code, said)
		}
	}
	if code, stdout, said := run("--dry-run", "--backfill", root); code != 0 || strings.Contains(stdout, "suite0") || !strings.Contains(said, "0 results would go") {
		t.Errorf("%d\n%s\n%s", code, stdout, said)
	}
	if err := os.WriteFile(filepath.Join(root, "bad.json"), []byte(`{"half`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := run("--backfill", root); code != 1 || !strings.Contains(said, "gx-ol: bad.json: ") || !strings.Contains(said, "1 with faults") || strings.Contains(said, "half") {
		t.Errorf("%d %q", code, said)
	}
}

// Without brokers a dry run asks nobody; with brokers that do not answer it says what it does not know.
func TestADryRunOfAStoreNeedsNoBroker(t *testing.T) {
	root := storeOf(t, 2)
	for flags, says := range map[string]string{"": "no brokers are named", "--brokers 127.0.0.1:1": "the ledger cannot be asked, so what it has counts too: no broker answers at 127.0.0.1:1"} {
		code, stdout, said := call(t, "", append(append([]string{"publish", "--dry-run", "--backfill"}, strings.Fields(flags)...), root)...)
		if code != 0 || !strings.Contains(stdout, "suite1  1") || !strings.Contains(said, says) {
			t.Errorf("%d\n%s\n%s", code, stdout, said)
		}
	}
}

func TestPublishRefusesWhatGoesNotTogether(t *testing.T) {
	root := storeOf(t, 1)
	for flags, says := range map[string]string{
		"--watch --backfill ROOT":                    "leave --backfill out",
		"--watch --dry-run ROOT":                     "--dry-run goes with --backfill",
		"--watch --until 7d ROOT":                    "--until goes with --backfill",
		"--watch --raw ROOT":                         "--raw is for single files",
		"--watch -":                                  "a store is a folder or a bucket",
		"--watch ROOT ROOT":                          "one store at a time",
		"--backfill --scan-interval 1s ROOT":         "--scan-interval is for --watch",
		"--watch --scan-interval 0s ROOT":            "--scan-interval is positive",
		"--patience 1s ROOT":                         "--patience is for --watch",
		"--ledger x ROOT":                            "--ledger is for a store: add --backfill or --watch",
		"--since yesterday ROOT":                     `--since "yesterday" must be a time`,
		"--since 2024-02-01 --until 2024-01-01 ROOT": "is not before --until",
		"--rate -1 ROOT":                             "--rate is not negative",
	} {
		args := strings.Fields(strings.ReplaceAll(flags, "ROOT", root))
		if code, _, said := call(t, "", append([]string{"publish", "--brokers", "127.0.0.1:1"}, args...)...); code != 2 || !strings.Contains(said, says) {
			t.Errorf("%s: %d %s", flags, code, said)
		}
	}
	for flags, says := range map[string]string{
		"--watch ROOT/none": "no such file",
		"gcs://bucket":      "did you mean gs://?",
		"--backfill ROOT":   "no broker answers at 127.0.0.1:1",
		"--watch ROOT":      "no broker answers at 127.0.0.1:1",
	} {
		args := strings.Fields(strings.ReplaceAll(flags, "ROOT", root))
		if code, _, said := call(t, "", append([]string{"publish", "--brokers", "127.0.0.1:1"}, args...)...); code != 1 || !strings.Contains(said, says) {
			t.Errorf("%s: %d %s", flags, code, said)
		}
	}
}
