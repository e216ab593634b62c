package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/internal/config"
)

func TestAFirstConfigurationIsWrittenOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	code, stdout, stderr := call(t, "", "config", "init", "--to", "kafka")
	first, err := os.ReadFile("gx-ol.yaml")
	if code != 0 || stdout != "" || err != nil || !strings.Contains(stderr, "gx-ol.yaml is written") || !strings.Contains(string(first), "topic: openlineage.events") {
		t.Fatalf("exit %d, %q %q %v\n%s", code, stdout, stderr, err, first)
	}
	if info, _ := os.Stat("gx-ol.yaml"); info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	if code, _, stderr = call(t, "", "config", "init"); code != 2 || !strings.Contains(stderr, "is there already") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	if now, _ := os.ReadFile("gx-ol.yaml"); !bytes.Equal(now, first) {
		t.Error("it was overwritten")
	}
	if code, _, _ = call(t, "", "config", "init", "--force"); code != 0 {
		t.Errorf("--force: exit %d", code)
	}
	if now, _ := os.ReadFile("gx-ol.yaml"); !strings.Contains(string(now), "backend: marquez") || strings.Contains(string(now), "openlineage.events") {
		t.Errorf("--force: %s", now)
	}
	if code, stdout, _ = call(t, "", "config", "init", "-o", "-", "--to", "file"); code != 0 || !strings.Contains(stdout, "log_file_path") {
		t.Errorf("exit %d, %s", code, stdout)
	}
	if code, _, stderr = call(t, "", "config", "init", "--to", "kafak"); code != 2 || !strings.Contains(stderr, `did you mean "kafka"?`) {
		t.Errorf("exit %d, %s", code, stderr)
	}
	if code, _, stderr = call(t, "", "config", "inti"); code != 2 || !strings.Contains(stderr, `did you mean "init"?`) {
		t.Errorf("exit %d, %s", code, stderr)
	}
	if code, stdout, _ = call(t, "", "config", "schema"); code != 0 || stdout != string(config.Schema()) {
		t.Errorf("exit %d, another schema", code)
	}
}
