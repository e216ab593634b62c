package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAValueFromAFileIsAskedAgainWhenTheFileChanges(t *testing.T) {
	dir := t.TempDir()
	// As Kubernetes mounts a secret: the file is a link into a folder that is exchanged as a whole.
	for name, text := range map[string]string{"one": "first\n", "two": "second-key\n", "empty": ""} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(dir, "data")
	point := func(to string) {
		t.Helper()
		_ = os.Remove(link) // there is none at first
		if err := os.Symlink(filepath.Join(dir, to), link); err != nil {
			t.Fatal(err)
		}
	}
	point("one")
	key := "${file:" + filepath.Join(link, "key") + "}"
	yaml := "kafka: {sasl.password: \"" + key + "\", sasl.username: me}\ntransport: {type: http, url: \"http://h\", auth: {apiKey: \"" + key + "\"}, custom_headers: {X-Key: \"Key " + key + "\"}}\n"
	cfg, err := Parse("c.yaml", []byte(yaml), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Live("kafka.sasl.username") != nil || cfg.Live("transport.url") != nil {
		t.Error("a plain value is no live one")
	}
	api, password, header := cfg.Live("transport.auth.apiKey"), cfg.Live("kafka.sasl.password"), cfg.Live("transport.custom_headers.X-Key")
	if api == nil || password == nil || header == nil {
		t.Fatal("a value from a file is not live")
	}
	check := func(when, want string) {
		t.Helper()
		if a, p, h := api(), password(), header(); a != want || p != want || h != "Key "+want {
			t.Errorf("%s: %q, %q, %q; want %q", when, a, p, h, want)
		}
	}
	check("at the start", "first")
	point("two")
	check("renewed", "second-key")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	check("away for a moment", "second-key")
	point("one")
	check("back", "first")
}

// What another source sets is not the file's any more.
func TestAVariableWinsOverAFileForGood(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("of the file"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("transport: {type: http, url: \"http://h\", auth: {apiKey: \"${file:"+path+"}\"}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadForMap(file, env(map[string]string{"GX_OL_TRANSPORT_AUTH_APIKEY": "of the variable"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Transport.Auth.APIKey != "of the variable" || cfg.Live("transport.auth.apiKey") != nil {
		t.Errorf("%q, live: %t", cfg.Transport.Auth.APIKey, cfg.Live("transport.auth.apiKey") != nil)
	}
}
