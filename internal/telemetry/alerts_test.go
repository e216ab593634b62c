package telemetry

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Alert rules that ask for a metric or a label that does not exist never fire.
func TestTheAlertRulesAskForWhatThereIs(t *testing.T) {
	text, err := os.ReadFile("../../docs/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	dec.KnownFields(true)
	if err := dec.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%+v is not whole", r)
			}
			for _, metric := range regexp.MustCompile(`gx_ol_\w+`).FindAllString(r.Expr, -1) {
				found++
				row := regexp.MustCompile("(?m)^\\| `" + metric + "` \\|.*$").FindString(string(doc))
				if row == "" {
					t.Errorf("%s: no metric %s", r.Alert, metric)
				}
				for _, by := range regexp.MustCompile(`by \(([\w, ]+)\)`).FindAllStringSubmatch(r.Expr, -1) {
					for label := range strings.SplitSeq(by[1], ", ") {
						if label != "job" && !strings.Contains(row, "`"+label+"`") { // job is Prometheus's own
							t.Errorf("%s: %s has no label %s", r.Alert, metric, label)
						}
					}
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("%d metrics in the rules", found)
	}
}
