package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write schemas/config/gx-ol.schema.json anew")

const schemaFile = "../../schemas/config/gx-ol.schema.json"

// What lies in the repository, where editors look, is what the code makes: go test ./internal/config -run Schema -update.
func TestTheSchemaIsThatOfTheCode(t *testing.T) {
	if *update {
		if err := os.WriteFile(schemaFile, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	there, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(there, Schema()) {
		t.Error("schemas/config/gx-ol.schema.json is not what the code makes: go test ./internal/config -run Schema -update")
	}
	if !strings.HasSuffix(SchemaURL, strings.TrimPrefix(schemaFile, "../..")) {
		t.Errorf("editors look for %s", SchemaURL)
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("gx-ol.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("gx-ol.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// check says what the schema says of YAML; readable is false for what an editor's parser would not take.
func check(t *testing.T, schema *jsonschema.Schema, text string) (err error, readable bool) { //nolint:revive // the error is the answer
	t.Helper()
	var value any
	unread := yaml.Unmarshal([]byte(text), &value)
	b, noJSON := json.Marshal(value)
	if errors.Join(unread, noJSON) != nil { // the latter by keys that are no text
		return nil, false //nolint:nilerr // not the schema's word
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc), true
}

// byItself is what the loader says of a key or a value alone: that the schema must refuse too.
var byItself = regexp.MustCompile(`(?m)unknown key|must be (one of [^,]+(, [^,]+)*, not|true or false|a whole number|a size|a time above|a mapping|a list|a single value)|unknown Kafka property|needs a name or a namespace|must say something|must not be blank`)

// An editor marks what the loader refuses, as far as a key or a value says it by itself.
func TestTheSchemaRefusesWhatTheLoaderRefuses(t *testing.T) {
	schema, refused := compile(t), 0
	for name, c := range wrong() {
		err, readable := check(t, schema, c.yaml)
		if !readable || !byItself.MatchString(c.want) || strings.Contains(c.want, "not the value") || strings.Contains(c.want, "security.protocol") {
			continue
		}
		if refused++; err == nil {
			t.Errorf("%s: the schema takes %q, of which the loader says %s", name, c.yaml, c.want)
		}
	}
	if refused < 20 {
		t.Errorf("%d faults", refused)
	}
}

// It takes what the loader takes: every example of the documentation, every starter, and the forms that a value may have.
func TestTheSchemaTakesWhatTheLoaderTakes(t *testing.T) {
	schema := compile(t)
	texts := []string{"", "input:", "{}", base, "openlineage_host: http://h\nopenlineage_apiKey: k\njob_name: x", "input.group: x\ntransport: {auth.apiKey: k, url: \"http://h\", headers: {A: 1}}",
		"log: {level: INFO}\nfailed_run: fail\ndelivery: AtLeastOnce\nassertions_in: \"inputFacets, facets\"", "telemetry: {pprof: \"true\", dead_letters: 1, listen: off}",
		"input: {topics: \"a,b\", max_message_bytes: 32 MiB, max_in_flight: \"7\", max_bytes_in_hand: 0, group: 5}", "retry: {max: 5, initial: 1.5s, exhaust_after: 1h30m, exhaust_attempts: \"${N}\"}",
		"kafka: {session.timeout.ms: 5000, security.protocol: SSL, ssl.ca.location: null}", "job: {rules: null, tags: {a: 1, b: true}}\nsymlinks: on\nschema_facet: ''",
		"transport: {type: composite, transports: [{type: console, name: a}]}", "input: {filter: {exclude: [{success: false, header: {a: \"*\"}}]}}"}
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../../README.md") {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
			texts = append(texts, block[1])
		}
	}
	for _, text := range texts {
		if _, err := Parse("c.yaml", []byte(text), func(name string) (string, bool) { return "1", true }); err != nil && !strings.Contains(text, "${file:") {
			t.Errorf("the loader refuses %s: %v", text, err)
		}
		if err, readable := check(t, schema, text); err != nil || !readable {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

// Every key and alias is offered, and no Kafka property is missing.
func TestTheSchemaKnowsEveryKey(t *testing.T) {
	schema := compile(t)
	for _, f := range table() {
		for _, path := range append([]string{f.path}, f.aliases...) {
			parts := strings.Split(path, ".")
			text := "null"
			for i := len(parts) - 1; i >= 0; i-- {
				text = "{" + parts[i] + ": " + text + "}"
			}
			if err, _ := check(t, schema, text); err != nil {
				t.Errorf("%s: %v", text, err)
			}
			if err, _ := check(t, schema, strings.Replace(text, parts[len(parts)-1]+":", parts[len(parts)-1]+"x:", 1)); err == nil {
				t.Errorf("%s, misspelt, is taken", path)
			}
		}
	}
}
