package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReferencesInValues(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("of-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	getenv := env(map[string]string{"A": "a", "EMPTY": "", "DIR": dir})
	for in, want := range map[string]string{
		"plain": "plain", "$A $ {A} }": "$A $ {A} }", "${A}": "a", "x${A}y${A}": "xaya", "$${A}": "${A}", "$${${A}": "${a",
		"${EMPTY}": "", "${EMPTY:-d}": "d", "${NO:-}": "", "${NO:-d}": "d", "${NO:-a:-b}": "a:-b",
		"${NO:-${A}}": "a", "${NO:-${NEIN:-z}}": "z", "${NO:-${NEIN:-${A}-z}}!": "a-z!", "${A:-${NEIN}}": "a", // a default that is not needed is not asked for
		"${NO:-${file:" + dir + "/key}}": "of-file", "${file:${DIR}/key}": "of-file", "${file:${NO:-" + dir + "}/key}": "of-file",
	} {
		if got, err := expand(in, getenv); err != nil || got.value != want {
			t.Errorf("%s: %q, %v; want %q", in, got.value, err, want)
		}
	}
	for in, broken := range map[string]bool{
		"${NO}": false, "${NO:-${NEIN}}": false, "${file:/nowhere/x}": false, "${file:${NO}/key}": false, "${file:" + dir + "}": false,
		"${}": true, "${A": true, "${A-x}": true, "${A:?why}": true, "${env:A}": true, "${a b}": true, "${NO:-${A}": true, "${1}": true,
	} {
		if got, err := expand(in, getenv); err == nil || isMalformed(err) != broken {
			t.Errorf("%s: %q, %v; malformed: %t", in, got.value, err, isMalformed(err))
		}
	}
}

// What no variable and no file can mend is a fault wherever it is read, also where none is needed.
func TestABrokenReferenceIsAFaultWithoutSecretsToo(t *testing.T) {
	for _, value := range []string{"${KEY-x}", "${}", "${env:KEY}", "${KEY"} {
		file := fileOf(t, "kafka: {bootstrap.servers: \"h:1\"}\ninput: {topics: [t]}\ntransport: {type: http, url: \"http://h\", auth: {apiKey: \""+value+"\"}}")
		if _, _, err := LoadForCheck(file, envOf(nil), nil, CheckOptions{Lenient: true}); err == nil {
			t.Errorf("%s passes check --config-only", value)
		}
		if _, err := LoadForMap(file, envOf(nil), nil); err == nil {
			t.Errorf("%s passes map", value)
		}
	}
}

func TestAFileThatAVariableNamesIsAskedAgainToo(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	write := func(text string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(key, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if at := time.Now().Add(-age); os.Chtimes(key, at, at) != nil {
			t.Fatal("no times can be set")
		}
	}
	write("first", time.Hour)
	cfg, err := Parse("c.yaml", []byte("transport: {type: http, url: \"http://h\", auth: {apiKey: \"${file:${DIR}/key}\"}}"), env(map[string]string{"DIR": dir}))
	if err != nil {
		t.Fatal(err)
	}
	live := cfg.Live("transport.auth.apiKey")
	if got := live(); got != "first" {
		t.Errorf("at the start %q", got)
	}
	write("second", time.Minute)
	if got := live(); got != "second" {
		t.Errorf("renewed %q", got)
	}
}
