package gx

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

func codeOf(t *testing.T, value string) string {
	t.Helper()
	_, err := Decode([]byte(value))
	var fault *DecodeError
	if err != nil && !errors.As(err, &fault) {
		t.Fatal(err)
	}
	if fault == nil {
		return ""
	}
	return fault.Code
}

func listOf(n int, text string) string {
	return strings.TrimSuffix(strings.Repeat(text+",", n), ",")
}

// Each limit is refused by its code, and what real results hold is far below it.
func TestEachLimitHasItsCode(t *testing.T) {
	suite := func(n int, result string) string {
		return `{"success":true,"statistics":{},"results":[` + listOf(n, result) + `]}`
	}
	real := `{"success":true,"expectation_config":{"type":"expect_column_values_to_not_be_null","kwargs":{"column":"order_id","batch_id":"warehouse-orders"}},"result":{"element_count":100,"unexpected_count":0}}`
	described := `{"expectation_type":"expect_column_values_to_not_be_null","success":true,"kwargs":{"column":"order_id"},"result":{}}`
	whole := `{"success":true,"results":[` + real + `],"meta":{"batch_markers":{"pandas_data_fingerprint":"` + strings.Repeat("a", 2000) + `"}}}`
	var keys strings.Builder
	for i := range MaxKeys + 1 {
		fmt.Fprintf(&keys, `,"key_that_is_long_%d":"a value that is as long as real ones are, and not less"`, i)
	}
	for name, c := range map[string]struct{ value, want string }{
		"no result at all":                 {suite(100_000, `0`), "not_a_result"},
		"least results":                    {suite(100_000, `{"success":true}`), "too_many_results"},
		"results":                          {suite(MaxResults+1, real), "too_many_results"},
		"as many results as there may be":  {suite(MaxResults, real), ""},
		"described results":                {suite(4_000, described), ""},
		"least validations":                {`[` + listOf(10_000, `{"results":[],"success":true}`) + `]`, "too_many_validations"},
		"validations":                      {`[` + listOf(MaxValidations+1, whole) + `]`, "too_many_validations"},
		"as many validations as there may": {`[` + listOf(MaxValidations, whole) + `]`, ""},
		"keys":                             {`{"success":true,"results":[]` + keys.String() + `}`, "too_many_keys"},
		"in a string":                      {quoted(suite(100_000, `{"success":true}`)), "too_many_results"},
	} {
		if got := codeOf(t, c.value); got != c.want {
			t.Errorf("%s: code %q, want %q", name, got, c.want)
		}
	}
}

func TestTheLimitsStandInTheDocumentation(t *testing.T) {
	doc, err := os.ReadFile("../../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		fmt.Sprintf("| %d levels | `too_deep` |", maxDepth),
		fmt.Sprintf("| %s | `too_many_results` |", thousands(MaxResults)),
		fmt.Sprintf("| %s | `too_many_validations` |", thousands(MaxValidations)),
		fmt.Sprintf("| %s | `too_many_keys` |", thousands(MaxKeys)),
		fmt.Sprintf("%d MiB, and %d bytes for each of its bytes; a result counts as %d bytes, a validation result as %d KiB, a key as %d, a batch identifier as\n%d",
			freeBytes>>20, costPerByte, resultCost, validationCost>>10, keyCost, identifierCost),
	} {
		if !strings.Contains(string(doc), row) {
			t.Errorf("docs/mapping.md does not say %q", row)
		}
	}
}

func thousands(n int) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }
