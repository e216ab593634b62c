package config

import (
	"os"
	"strings"
	"testing"
)

func TestADestinationThatWasMeant(t *testing.T) {
	for value, want := range map[string]string{
		"localhost:5000": "did you mean http://localhost:5000?", "marquez.example.com:5000/api": "did you mean http://marquez.example.com:5000/api?",
		"htp://x": "did you mean http:…?", "htpps://user:SECRET@x": "did you mean https:…?", "kafak:events": "did you mean kafka:…?", "kafka": "did you mean kafka:NAME?", "file": "did you mean file:NAME?",
		"console": "did you mean -?", "stdout": "did you mean -?", "SECRET": "for the console", "u:SECRET@h:1": "for the console", "": "for the console",
	} {
		_, err := load("", env(nil), map[string]string{"to": value, "brokers": "h:1", "topic": "t"}, true, nil, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "--to: must be http://…") || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestAFileThatWasMeant(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("conf", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gx-ol.prod.yaml", "notes.txt", "conf/base.yml"} {
		if err := os.WriteFile(name, []byte("log: {level: info}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"gx-ol.prod.yml": "gx-ol.prod.yml: cannot be read: no such file or directory: did you mean gx-ol.prod.yaml?",
		"conf/bse.yml":   "conf/bse.yml: cannot be read: no such file or directory: did you mean conf/base.yml?",
		"note.txt":       "note.txt: cannot be read: no such file or directory",
		"no/where.yaml":  "no/where.yaml: cannot be read: no such file or directory",
		"conf":           "conf: cannot be read: is a directory",
	} {
		if _, err := LoadForMap(path, env(nil), nil); err == nil || !strings.HasPrefix(err.Error()+"\n", want+"\n") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
