package http

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecordedAnswersOfMarquezAreJudgedRight plays the answers of a real Marquez, where the recordings are at hand.
func TestRecordedAnswersOfMarquezAreJudgedRight(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/marquez/cases/*.json")
	if len(files) == 0 {
		t.Skip("no recorded answers of a real Marquez: they are too many for the repository and lie beside it, in ../shared/marquez/cases")
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var c struct {
			Steps []struct {
				Request  struct{ Method, Path string }
				Response struct {
					Status   int
					Headers  map[string]string
					BodyJSON json.RawMessage `json:"body_json"`
					BodyText string          `json:"body_text"`
				}
			}
		}
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for i, s := range c.Steps {
			a := s.Response
			if s.Request.Method != http.MethodPost || !strings.HasPrefix(s.Request.Path, "/api/v1/lineage") || a.Status == 0 {
				continue
			}
			h := http.Header{}
			for k, v := range a.Headers {
				h.Set(k, v)
			}
			body := []byte(a.BodyJSON)
			if len(body) == 0 {
				body = []byte(a.BodyText)
			}
			got, want := "ok", "backend"
			if f := classify(a.Status, h, body, "", Marquez, true); f != nil {
				got = f.Kind.String()
			}
			switch html := strings.HasPrefix(a.Headers["Content-Type"], "text/html"); {
			case a.Status == 201:
				want = "ok"
			case a.Status == 422, a.Status == 400, a.Status == 500 && !html && strings.Contains(string(body), `"code":400`),
				a.Status == 500 && !html && strings.Contains(string(body), `"code": 400`):
				want = "message"
			}
			if got != want {
				t.Errorf("%s step %d: %d judged %s, want %s", filepath.Base(file), i, a.Status, got, want)
			}
		}
	}
}
