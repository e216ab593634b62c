package gx

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// forget empties the memory of configurations.
func forget() { remembered = newConfigs(longConfig) }

// decoded is all that Decode says of value, without where its memory lies.
func decoded(value []byte) (*Message, error) {
	m, err := Decode(value)
	if m == nil {
		return nil, err
	}
	m.facts = nil
	for i := range m.Validations {
		for j := range m.Validations[i].Results {
			m.Validations[i].Results[j].Config = nil
		}
	}
	return m, err
}

// sameAgain decodes value without a memory, and then until all of it is remembered, and compares.
func sameAgain(t *testing.T, name string, value []byte, before ...[]byte) {
	t.Helper()
	remembered = newConfigs(0) // nothing is short enough
	first, fault := decoded(value)
	forget()
	for _, b := range before {
		_, _ = decoded(b)
	}
	for n := range 4 {
		again, faultAgain := decoded(value)
		if !reflect.DeepEqual(first, again) || !reflect.DeepEqual(fault, faultAgain) {
			t.Fatalf("%s: read %d times with a memory it is\n%+v, %v\nand without\n%+v, %v", name, n+1, again, faultAgain, first, fault)
		}
	}
}

func TestWhatComesAgainIsReadAsTheFirstTime(t *testing.T) {
	for _, l := range readIndex(t) {
		value, err := os.ReadFile(filepath.Join(corpus, l.File))
		if err != nil {
			t.Fatal(err)
		}
		sameAgain(t, l.File, value)
	}
}

// A configuration is not all that is told of an expectation, and the same bytes may stand where they mean something else.
func TestAConfigurationThatComesAgainIsNotTakenForAnother(t *testing.T) {
	const config = `{"type":"expect_column_max_to_be_between","kwargs":{"column":"c","max_value":{"$PARAMETER":"p"},"min_value":1},"id":"i"}`
	result := func(members string) string { return `{"success":true,` + members + `}` }
	plain := result(`"expectation_config":` + config)
	batch := func(member string) string {
		return result(`"expectation_config":{"type":"t","kwargs":{` + member + `"column":"c"},"id":"i"}`)
	}
	twice := func(one, other string) string {
		return result(`"expectation_config":{"type":"t","kwargs":` + one + `,"kwargs":` + other + `}`)
	}
	twiceRaised := func(batch string) string {
		return `{"success":false,"expectation_config":{"expectation_type":"t","kwargs":{"batch_id":"` + batch + `"},"kwargs":{"column":"c","x":1}},"exception_info":{"raised_exception":true}}`
	}
	raised := func(batch string) string {
		return `{"success":false,"expectation_config":{"expectation_type":"t","kwargs":{"batch_id":"` + batch + `","column":"c","x":1},"meta":{}},"exception_info":{"raised_exception":true}}`
	}
	for name, results := range map[string][]string{
		"described beside it, behind":         {plain, result(`"expectation_config":` + config + `,"description":"of its own"`), plain},
		"described beside it, before":         {plain, result(`"description":"of its own","expectation_config":` + config), plain},
		"kwargs beside it":                    {plain, result(`"expectation_config":` + config + `,"kwargs":{"column":"d"}`), plain},
		"twice in one result":                 {plain, result(`"expectation_config":` + config + `,"expectation_config":{"type":"t","kwargs":{}}`), plain},
		"parameters substituted":              {plain, result(`"expectation_config":` + config + `,"meta":{"substituted_parameters":{"max_value":7}}`), plain, plain},
		"substituted by others the next time": {result(`"expectation_config":` + config + `,"meta":{"substituted_parameters":{"max_value":7}}`), result(`"expectation_config":` + config + `,"meta":{"substituted_parameters":{"max_value":8}}`), plain},
		"one is the other's beginning":        {result(`"expectation_config":{"type":"a"}`), result(`"expectation_config":{"type":"ab"}`), result(`"expectation_config":{"type":"a"}`)},
		"an end that is no end":               {plain, result(`"expectation_config":` + config + `  `), plain},
		"raised once a metric":                {`{"success":false,"expectation_config":{"expectation_type":"t","kwargs":{"column":"c","x":1}},"exception_info":{"raised_exception":true}}`, `{"success":false,"expectation_config":{"expectation_type":"t","kwargs":{"column":"c","x":1}},"exception_info":{"raised_exception":true}}`},
		"names with escapes and long values":  {result(`"expectation_config":{"type":"t\u0065","kwargs":{"c\u006flumn":"\u00e4","value_set":["` + strings.Repeat("v", 3000) + `"]},"meta":{"notes":["a","b"]}}`), plain},
		"nothing in it":                       {result(`"expectation_config":{},"result":{}`), result(`"expectation_config":{},"result":{}`), plain},
		"of other batches":                    {batch(`"batch_id":"one",`), batch(`"batch_id":"two",`), batch(`"batch_id":"",`), batch(`"batch_id":"three \u00e4",`), batch(`"batch_id":"ä",`), batch("")},
		"a batch that is none":                {batch(`"batch_id":"one",`), batch(`"batch_id":null,`), batch(`"batch_id":7,`), batch(`"batch_id":{"batch_id":"one"},`), batch(`"batch_id":["one"],`)},
		"a batch with a wrong escape":         {batch(`"batch_id":"one",`), batch(`"batch_id":"one",`), batch(`"batch_id":"t\wo",`)},
		"a batch with an escape without end":  {batch(`"batch_id":"one",`), batch(`"batch_id":"one",`), batch(`"batch_id":"\u00",`)},
		"two batches in one":                  {batch(`"batch_id":"a","batch_id":"one",`), batch(`"batch_id":"a","batch_id":"two",`), batch(`"batch_id":"b","batch_id":"one",`), batch(`"batch_id":"b","batch_id":9,`)},
		"a batch in kwargs that count not":    {twice(`{"batch_id":"one"}`, `{}`), twice(`{"batch_id":"two"}`, `{}`), twice(`{}`, `{"batch_id":"two"}`), twice(`{"batch_id":"one"}`, `null`), twice(`{"batch_id":"two"}`, `7`)},
		"what only looks like a batch":        {batch(`"x":"\"batch_id\": \"one\"",`), batch(`"x":"\"batch_id\": \"two\"",`), batch(`"x":"batch_id","batch_id":"one",`), batch(`"x":"batch_id","batch_id":"two",`)},
		"a batch beside the kwargs":           {result(`"expectation_config":{"type":"t","batch_id":"one","kwargs":{}}`), result(`"expectation_config":{"type":"t","batch_id":"two","kwargs":{}}`)},
		"raised, of other batches":            {raised("one"), raised("one"), raised("three"), raised("three"), raised("two")},
		"raised, of a much shorter batch":     {raised(strings.Repeat("long", 200)), raised("")},
		"raised, with two kwargs":             {twiceRaised("one"), twiceRaised(strings.Repeat("long", 200)), twiceRaised("")},
	} {
		sameAgain(t, name, []byte(`{"success":true,"meta":{"great_expectations_version":"0.18.0"},"results":[`+strings.Join(results, ",")+`]}`))
	}
	one := batch(`"batch_id":"one",`)
	for _, end := range []string{``, `t`, `\`, `\u00`} {
		sameAgain(t, "the message ends inside a batch", []byte(`{"success":true,"results":[`+one+`,`+one+`,{"success":true,"expectation_config":{"type":"t","kwargs":{"batch_id":"`+end))
	}
}

// slotsInUse is how many configurations are remembered.
func slotsInUse() (n int) {
	for i := range remembered.slots {
		if remembered.slots[i].Load() != nil {
			n++
		}
	}
	return n
}

// What GX renders for its pages stands in the configuration, in many small objects.
func TestARenderedConfigurationIsRemembered(t *testing.T) {
	forget()
	defer forget()
	rendered := listOf(20, `{"name":"column","schema":{"type":"string"},"value":"c"}`)
	if _, err := Decode([]byte(`{"success":true,"results":[{"success":true,"expectation_config":{"type":"t","kwargs":{"column":"c"},"rendered_content":[` + rendered + `]}}]}`)); err != nil {
		t.Fatal(err)
	}
	if n := slotsInUse(); n != 1 {
		t.Errorf("%d configurations are remembered", n)
	}
}

// Each day's result names a batch of its own: then nothing but that is read of the configurations.
func TestAConfigurationOfAnotherBatchIsRecognised(t *testing.T) {
	forget()
	defer forget()
	for i, text := range []string{`k\u00e4lla-day_01`, `k\u00e4lla-day_02`, `source-orders-day_01`, `source-orders-day_02-hour_10`, ``, `a \"quoted\" \\`, `källa`} {
		var id string
		if err := json.Unmarshal([]byte(`"`+text+`"`), &id); err != nil {
			t.Fatal(err)
		}
		m, err := Decode(fmt.Appendf(nil, `{"success":true,"results":[{"success":true,"expectation_config":{"type":"t","kwargs":{"batch_id": "%s","column":"c"}}},
			{"success":true,"expectation_config":{"type":"u","kwargs":{"batch_id": "%s","column":"c"}}}]}`, text, text))
		if err != nil || m.Validations[0].Batch.BatchID != id || m.Validations[0].Batch.OtherIDs != nil {
			t.Fatalf("%v, %+v", err, m)
		}
		kept := slotsInUse()
		if kept != 2 {
			t.Errorf("after %d results of two expectations, each of another batch, %d configurations are remembered", i+1, kept)
		}
	}
}

// A message is as large as it may be, whether or not its configurations came before.
func TestLimitsHoldForWhatComesAgain(t *testing.T) {
	object := `{"expectation_config":{"type":"t","kwargs":{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}},"success":true}`
	sameAgain(t, "too many keys", []byte(`{"success":true,"statistics":{},"results":[`+listOf(MaxKeys/6+1, object)+`]}`))
	suite := `{"success":true,"statistics":{},"results":[` + object + `]}`
	for n := maxDepth - 9; n < maxDepth; n++ {
		sameAgain(t, "deep", []byte(`[`+suite+`,`+strings.Repeat(`{"validation_result":`, n)+suite+strings.Repeat("}", n)+`]`), []byte(`[`+suite+`,`+suite+`]`))
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	forget()
	defer forget()
	for i := range 100_000 {
		value := fmt.Appendf(nil, `{"success":true,"results":[{"success":true,"expectation_config":{"type":"t","kwargs":{"batch_id":"b","number":%d,"text":"%s"}}}]}`, i, strings.Repeat("x", i%1000))
		if m, err := Decode(value); err != nil {
			t.Fatal(err)
		} else {
			m.Release()
		}
	}
	var kept int64
	for i := range remembered.slots {
		if c := remembered.slots[i].Load(); c != nil {
			kept += costOf(len(c.head) + len(c.tail))
		}
	}
	if n := remembered.bytes.Load(); n != kept || n > configBytes+longConfig*configWeight+configCost || n < configBytes/2 {
		t.Errorf("%d bytes are counted, %d are kept, the bound is %d", n, kept, configBytes)
	}
}

func TestManyMayReadWhatIsRemembered(t *testing.T) {
	forget()
	defer forget()
	values := make([][]byte, 8)
	for i := range values {
		var results []string
		for j := range 50 {
			results = append(results, fmt.Sprintf(`{"success":true,"expectation_config":{"type":"t%d","kwargs":{"column":"c%d","max_value":%d}}}`, j%7, j, i%3))
		}
		values[i] = []byte(`{"success":true,"results":[` + strings.Join(results, ",") + `]}`)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for n := range 200 {
				m, err := Decode(values[n%len(values)])
				if err != nil || len(m.Validations[0].Results) != 50 || m.Validations[0].Results[49].Column != "c49" {
					t.Errorf("%v, %v", m, err)
					return
				}
				m.Release()
			}
		})
	}
	all.Wait()
}

// FuzzComesAgain reads two results by turns: whatever they hold, what is remembered of one changes nothing of the other.
func FuzzComesAgain(f *testing.F) {
	f.Add(`{"success":true,"expectation_config":{"type":"a","kwargs":{"column":"c"}}}`, `{"success":true,"expectation_config":{"type":"a","kwargs":{"column":"c"}},"notes":"n"}`)
	f.Add(`{"success":false,"expectation_config":{"expectation_type":"a","kwargs":{"x":{"$PARAMETER":"p"}}},"meta":{"substituted_parameters":{"x":1}}}`, `{"expectation_config":{}}`)
	f.Add(`{"success":true,"expectation_config":{"type":"a"}`, `}`)
	f.Add(`{"success":true,"expectation_config":{"type":"a","kwargs":{"batch_id":"one"}}}`, `{"success":true,"expectation_config":{"type":"a","kwargs":{"batch_id":"t\u0077o"}}}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		defer forget()
		sameAgain(t, "fuzzed", []byte(`{"success":true,"results":[`+a+`,`+b+`,`+a+`,`+b+`,`+b+`,`+a+`]}`))
	})
}
