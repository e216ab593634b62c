package cases

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mostNodes bounds an input that is written as YAML: aliases of aliases grow without end.
const mostNodes = 1 << 18

// jsonWriter writes YAML as the JSON that it means: numbers as they stand, times as text.
type jsonWriter struct {
	out  bytes.Buffer
	left int
}

func (w *jsonWriter) value(n *yaml.Node) {
	n = resolved(n)
	if w.left--; w.left <= 0 {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		w.out.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				w.out.WriteByte(',')
			}
			w.text(n.Content[i].Value)
			w.out.WriteByte(':')
			w.value(n.Content[i+1])
		}
		w.out.WriteByte('}')
	case yaml.SequenceNode:
		w.out.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				w.out.WriteByte(',')
			}
			w.value(item)
		}
		w.out.WriteByte(']')
	default:
		w.scalar(n)
	}
}

func (w *jsonWriter) scalar(n *yaml.Node) {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		w.out.WriteString("null")
	case "!!bool", "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			w.out.WriteString(n.Value)
			return
		}
		var v any
		b, err := []byte(nil), n.Decode(&v)
		if err == nil {
			b, err = json.Marshal(v)
		}
		if err != nil { // .nan and .inf, which Great Expectations writes as Python does
			b = []byte(map[string]string{".nan": "NaN", ".inf": "Infinity", "+.inf": "Infinity", "-.inf": "-Infinity"}[strings.ToLower(n.Value)])
		}
		w.out.Write(b)
	default:
		w.text(n.Value)
	}
}

func (w *jsonWriter) text(s string) {
	b, err := json.Marshal(s)
	if err == nil {
		w.out.Write(b)
	}
}
