package marquez

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const cases = "../../../shared/marquez/cases"

type recorded struct {
	Case, Group      string
	Nondeterministic any
	Generator        any
	Steps            []struct {
		Request struct {
			Method, Path  string
			Headers       map[string]string
			BodyJSON      json.RawMessage `json:"body_json"`
			BodyText      *string         `json:"body_text"`
			BodyBase64    *string         `json:"body_base64"`
			BodyGenerator any             `json:"body_generator"`
		}
		Response struct {
			Status  int
			Headers map[string]string
		}
	}
}

// TestAnswersAsTheRealOneDid plays what was recorded of a real Marquez, where the recordings are at hand.
func TestAnswersAsTheRealOneDid(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(cases, "*.json"))
	if len(files) == 0 {
		t.Skip("no recorded cases of a real Marquez: they are too many for the repository and lie beside it, in ../shared/marquez/cases")
	}
	played := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var c recorded
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if why := skipped(c); why != "" {
			t.Logf("skipped %s: %s", c.Case, why)
			continue
		}
		played++
		t.Run(c.Case, func(t *testing.T) { play(t, c) })
	}
	t.Logf("%d of %d cases played", played, len(files))
}

// skipped says why a case can't be played against the double.
func skipped(c recorded) string {
	switch {
	case c.Group == "outage" || c.Group == "load" || c.Group == "size":
		return "needs a database, load or generated bodies"
	case c.Generator != nil:
		return "a name was replaced by a marker"
	case c.Nondeterministic != nil:
		return "the real one answers now so, now so"
	case strings.HasPrefix(c.Case, "conn-"), c.Case == "chunked":
		return "about connections, played over sockets"
	}
	return ""
}

func play(t *testing.T, c recorded) {
	s := New()
	for i, step := range c.Steps {
		q := step.Request
		if q.Method != http.MethodPost || !strings.HasPrefix(q.Path, "/api/v1/lineage") || q.BodyGenerator != nil || step.Response.Status == 0 {
			continue
		}
		body := []byte(q.BodyJSON)
		if q.BodyText != nil {
			body = []byte(*q.BodyText)
		}
		if q.BodyBase64 != nil {
			b, err := base64.StdEncoding.DecodeString(*q.BodyBase64)
			if err != nil {
				t.Fatal(err)
			}
			body = b
		}
		r := httptest.NewRequest(q.Method, q.Path, bytes.NewReader(body))
		for k, v := range q.Headers {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != step.Response.Status || w.Header().Get("Content-Type") != step.Response.Headers["Content-Type"] {
			t.Errorf("step %d: %d %q, the real one %d %q", i, w.Code, w.Header().Get("Content-Type"), step.Response.Status, step.Response.Headers["Content-Type"])
		}
	}
}
