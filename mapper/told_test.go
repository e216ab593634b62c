package mapper

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// A configuration that came before is not written anew. The events are those of one that did not.
func TestWhatIsToldOfAConfigurationChangesNothing(t *testing.T) {
	notRaced(t)
	const config = `{"type":"expect_column_values_to_be_between","kwargs":{"column":" sp ace\u0000 ","min_value":1,"max_value":"2024-01-01","mostly":0.9,"value_set":["v"],"strict_min":true},"id":"i","severity":"warning","description":"says \"why\" ` + "\u00fc" + `"}`
	result := func(success, members string) string { return `{"success":` + success + `,` + members + `}` }
	values := map[string][]byte{"made": []byte(`{"success":false,"suite_name":"s","meta":{"active_batch_definition":{"datasource_name":"d","data_asset_name":"t"}},"results":[` + strings.Join([]string{
		result("true", `"expectation_config":`+config), result("false", `"expectation_config":`+config+`,"result":{"element_count":4,"unexpected_count":3}`), result("null", `"expectation_config":`+config),
		result("true", `"expectation_config":`+config+`,"description":"of its own"`), result("true", `"expectation_config":`+config+`,"meta":{"substituted_parameters":{"max_value":7}}`),
		result("true", `"expectation_config":{"type":"unexpected_rows_expectation","kwargs":{"unexpected_rows_query":"select a from b where c = 'x'"}}`), result("true", `"expectation_config":{}`),
	}, ",") + `]}`)}
	for _, l := range corpus(t) {
		value, err := os.ReadFile(filepath.Join(corpusDir, l.File))
		if err != nil {
			t.Fatal(err)
		}
		values[l.File] = value
	}
	again := 0
	for name, s := range map[string]Settings{
		"usual": {}, "all opted in": {RowValues: RowValues{Params: true, Queries: true, ExceptionText: true}}, "every test": {TestFacet: "always"},
		"trimmed": {MaxEventBytes: 3000}, "reference": {Compat: compatReference},
	} {
		m, other := newMapper(t, s), newMapper(t, Settings{Version: "another", RowValues: RowValues{Params: !s.RowValues.Params}})
		for file, value := range values {
			for range 3 {
				msg, err := gx.Decode(value)
				if err != nil {
					break
				}
				again += mapsAlike(t, name+" "+file, m, msg)
				_, _ = other.Map(msg, Input{Received: received}) // what it keeps must not be taken for ours
				msg.Release()
			}
		}
	}
	if again < 1000 {
		t.Errorf("only %d configurations came again", again)
	}
}

// mapsAlike maps msg as it is, and then as if nothing of it had come before. It returns how much of it had.
func mapsAlike(t *testing.T, name string, m *Mapper, msg *gx.Message) (again int) {
	t.Helper()
	in := Input{Received: received, Topic: "t"}
	runs, err := m.Map(msg, in)
	for i := range msg.Validations {
		for j := range msg.Validations[i].Results {
			if e := &msg.Validations[i].Results[j]; e.Config != nil {
				e.Config = nil
				again++
			}
		}
	}
	plain, plainErr := m.Map(msg, in)
	if (err == nil) != (plainErr == nil) || len(runs) != len(plain) {
		t.Fatalf("%s: %v and %v", name, err, plainErr)
	}
	for i := range runs {
		for j := range runs[i].Events {
			if got, want := runs[i].Events[j].Body, plain[i].Events[j].Body; !bytes.Equal(got, want) {
				t.Fatalf("%s:\n%s\nand anew\n%s", name, got, want)
			}
		}
	}
	return again
}
