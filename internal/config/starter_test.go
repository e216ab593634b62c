package config

import (
	"regexp"
	"strings"
	"testing"
)

// commented is a key that is left out: a # and no space.
var commented = regexp.MustCompile(`(?m)^( *)#([a-z])`)

// Each starter can be used as it stands, with nothing in the environment, and so can all of its keys that are left out.
func TestEachStarterIsARunnableConfiguration(t *testing.T) {
	schema := compile(t)
	for _, kind := range StarterKinds() {
		text, err := Starter(kind)
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(text, "\n"); first != "# yaml-language-server: $schema="+SchemaURL {
			t.Errorf("%s: the first line is %q", kind, first)
		}
		all := commented.ReplaceAllString(text, "$1$2")
		if strings.Count(all, "\n") != strings.Count(text, "\n") || all == text {
			t.Errorf("%s: no key is left out", kind)
		}
		for what, text := range map[string]string{"as it stands": text, "with everything": all} {
			vars := env(nil)
			if what != "as it stands" {
				vars = func(string) (string, bool) { return "x", true }
			}
			inFolder(t, map[string]string{"gx-ol.yaml": text})
			cfg, err := Load("gx-ol.yaml", func(name string) (string, bool) {
				if strings.HasPrefix(name, "GX_OL_") || strings.HasPrefix(name, "OPENLINEAGE_") && name != "OPENLINEAGE_API_KEY" {
					return "", false
				}
				return vars(name)
			}, nil)
			if err != nil || len(cfg.Warnings) > 0 {
				t.Errorf("%s %s: %v %+v", kind, what, err, cfg)
				continue
			}
			if err, _ := check(t, schema, text); err != nil {
				t.Errorf("%s %s: %v", kind, what, err)
			}
			if to := cfg.Transport; to.Type != kind && (to.Type != "http" || to.Backend != kind) {
				t.Errorf("%s: type %s, backend %s", kind, cfg.Transport.Type, cfg.Transport.Backend)
			}
		}
	}
	for name, want := range map[string]string{"marqez": `did you mean "marquez"?`, "head": "there is no destination", "../table": "there is no destination", "": "there is no destination"} {
		if _, err := Starter(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
