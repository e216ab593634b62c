// Package compose checks docker-compose.yml as Docker would read it, without Docker.
package compose

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/gx-ol/gx-ol/internal/config"
)

func load(t *testing.T) *types.Project {
	t.Helper()
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  "../..",
		ConfigFiles: []types.ConfigFile{{Filename: "../../docker-compose.yml"}},
		Environment: types.Mapping{}, // as in a clean shell: a variable without default would be an error
	})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeHoldsWhatTheJourneyNeeds(t *testing.T) {
	project := load(t)
	for name, image := range map[string]string{
		"kafka": "apache/kafka:4", "postgres": "postgres:", "marquez": "marquezproject/marquez:", "marquez-web": "marquezproject/marquez-web:", "gx-ol": "gx-ol:",
	} {
		if got := project.Services[name].Image; !strings.HasPrefix(got, image) {
			t.Errorf("service %s has image %q, want %s…", name, got, image)
		}
	}
	if b := project.Services["gx-ol"].Build; b == nil || b.Context == "" {
		t.Error("gx-ol is not built from the Dockerfile")
	}
	for _, need := range []string{"kafka", "marquez"} {
		if _, ok := project.Services["gx-ol"].DependsOn[need]; !ok {
			t.Errorf("gx-ol does not wait for %s", need)
		}
	}
	if _, ok := project.Services["marquez"].DependsOn["postgres"]; !ok {
		t.Error("marquez does not wait for postgres")
	}
}

// Without a name that stays, a killed process delivers nothing after its restart until its old session ends.
func TestTheGroupMemberHasANameThatStays(t *testing.T) {
	env := load(t).Services["gx-ol"].Environment
	cfg, err := config.LoadForMap("", func(name string) (string, bool) {
		if v := env[name]; v != nil {
			return *v, true
		}
		return "", false
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Kafka["group.instance.id"] == "" {
		t.Errorf("kafka %v has no group.instance.id", cfg.Kafka)
	}
}

func TestEveryDependencyWaitsUntilHealthy(t *testing.T) {
	project := load(t)
	for name, service := range project.Services {
		if service.HealthCheck == nil || len(service.HealthCheck.Test) == 0 || service.HealthCheck.Disable {
			t.Errorf("%s has no health check", name)
		}
		for on, d := range service.DependsOn {
			if d.Condition != types.ServiceConditionHealthy {
				t.Errorf("%s waits for %s with %q, want %s", name, on, d.Condition, types.ServiceConditionHealthy)
			}
		}
	}
}

func TestPortsAreOpenOnLoopbackOnly(t *testing.T) {
	for name, service := range load(t).Services {
		if service.NetworkMode == "host" {
			t.Errorf("%s uses the host's network", name)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s opens port %s on %q", name, port.Published, port.HostIP)
			}
		}
	}
}

func TestEveryImageHasAPinnedTag(t *testing.T) {
	for name, service := range load(t).Services {
		_, tag, ok := strings.Cut(service.Image, ":")
		if !ok || tag == "" || tag == "latest" {
			t.Errorf("%s: image %q has no pinned tag", name, service.Image)
		}
	}
}

// The topic that gx-ol reads must be the one that Kafka's health check creates, at the address that Kafka advertises inside.
func TestServicesAgreeOnTopicAndAddresses(t *testing.T) {
	project := load(t)
	command := project.Services["gx-ol"].Command
	topic, brokers := after(command, "--topic"), after(command, "--brokers")
	health := project.Services["kafka"].HealthCheck.Test
	if got := after(health, "--topic"); topic == "" || got != topic {
		t.Errorf("gx-ol reads %q, Kafka's health check creates %q", topic, got)
	}
	advertised := project.Services["kafka"].Environment["KAFKA_ADVERTISED_LISTENERS"]
	if advertised == nil || !strings.Contains(*advertised, "://"+brokers) {
		t.Errorf("gx-ol asks for %s, which Kafka does not advertise", brokers)
	}
}

func after(words []string, flag string) string {
	for i, w := range words[:max(0, len(words)-1)] {
		if w == flag {
			return words[i+1]
		}
	}
	return ""
}

// A tag can be moved to another image, a digest cannot. Those that have a tag only are named, with the reason, in docker-compose.yml.
func TestImagesArePinnedByDigest(t *testing.T) {
	digest := regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
	byTag := map[string]bool{"postgres": true, "marquez-web": true, "gx-ol": true} // gx-ol is built here
	for name, service := range load(t).Services {
		if digest.MatchString(service.Image) == byTag[name] {
			t.Errorf("%s: image %q", name, service.Image)
		}
	}
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(string(text), -1) {
		if !digest.MatchString(from[1]) {
			t.Errorf("Dockerfile: %s", from[1])
		}
	}
}

// A configuration with secrets beside the sources goes into no image.
func TestSecretsStayOutOfTheImage(t *testing.T) {
	text, err := os.ReadFile("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"gx-ol.yaml", "**/gx-ol.yaml", "*.env", "**/*.env"} {
		if !slices.Contains(strings.Split(string(text), "\n"), want) {
			t.Errorf("no %s in .dockerignore", want)
		}
	}
}

// pip installs nothing whose hash is not the one that was looked at.
func TestPinsOfPythonHaveHashes(t *testing.T) {
	files, err := filepath.Glob("../../integrations/great_expectations/requirements/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "../gx/openlineage.txt") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pins := regexp.MustCompile(`(?m)^[^#\s].*$`).FindAllString(strings.ReplaceAll(string(text), "\\\n", " "), -1)
		for _, pin := range pins {
			if !regexp.MustCompile(`^\S+==\S+.* --hash=sha256:[0-9a-f]{64}`).MatchString(pin) {
				t.Errorf("%s: %s", name, pin)
			}
		}
		if len(pins) < 10 {
			t.Errorf("%s: %d pins", name, len(pins))
		}
	}
}
