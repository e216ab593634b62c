package config

import (
	"embed"
	"fmt"
	"strings"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

//go:embed starter/*.yaml
var starters embed.FS

// StarterKinds are the destinations that there is a first configuration for.
func StarterKinds() []string {
	return []string{"marquez", "datahub", "http", "kafka", "console", "file", "composite"}
}

// Starter is a commented first configuration that delivers to a kind of destination. The error names the kind that was meant.
func Starter(to string) (string, error) {
	text := "# yaml-language-server: $schema=" + SchemaURL + "\n"
	for _, part := range []string{"head", to, "tail"} {
		data, err := starters.ReadFile("starter/" + part + ".yaml")
		if err != nil || to == "head" || to == "tail" {
			meant := ""
			if near := nearest.Name(to, StarterKinds()); near != "" {
				meant = fmt.Sprintf(": did you mean %q?", near)
			}
			return "", fmt.Errorf("there is no destination %q: one of %s%s", to, strings.Join(StarterKinds(), ", "), meant)
		}
		text += string(data)
	}
	return text, nil
}
