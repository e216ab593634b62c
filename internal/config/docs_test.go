package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every example of a configuration that the documentation shows can be used as it stands, and has an effect.
func TestExamplesOfTheDocumentationAreConfigurations(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("k"), 0o600); err != nil {
		t.Fatal(err)
	}
	every := func(name string) (string, bool) { return "a-value-of-" + name, true }
	n := 0
	for _, file := range append(files, "../../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			n++
			yaml := regexp.MustCompile(`\$\{file:[^}]*\}`).ReplaceAllString(block[1], "${file:"+secret+"}")
			cfg, err := Parse(filepath.Base(file), []byte(yaml), every)
			if err != nil {
				t.Errorf("%s: %v\n%s", file, err, yaml)
			} else if len(cfg.Warnings) > 0 {
				t.Errorf("%s: %s\n%s", file, strings.Join(cfg.Warnings, "; "), yaml)
			}
		}
	}
	if n < 4 {
		t.Errorf("%d examples", n)
	}
}
