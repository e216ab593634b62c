package lineage_test

import (
	"fmt"
	"testing"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

// Of far, near and two datasets made from near that fail, near explains both; far, which they have too, says less.
func TestOfWhatAGroupIsMadeFromTheNearestIsNamed(t *testing.T) {
	ev := func(kind, run, job, in, out string) []byte {
		return fmt.Appendf(nil, `{"eventType":%q,"eventTime":"2026-03-01T1%s:00:00Z","run":{"runId":%q},"job":{"namespace":"n","name":%q},"inputs":[%s],"outputs":[%s],"producer":"p"}`, kind, run, run, job, in, out)
	}
	d := func(name string) string { return fmt.Sprintf(`{"namespace":%q,"name":%q}`, db, name) }
	bad := func(name string) string {
		return fmt.Sprintf(`{"namespace":%q,"name":%q,"inputFacets":{"dataQualityAssertions":{"assertions":[{"assertion":%q,"success":false}]}}}`, db, name, name)
	}
	src := overFiles(t, [][]byte{
		ev("COMPLETE", "1", "a far", "", d("far")), ev("COMPLETE", "2", "near", d("far"), d("near")),
		ev("COMPLETE", "3", "x", d("near"), d("x")), ev("COMPLETE", "4", "y", d("near"), d("y")),
		ev("FAIL", "5", "cx", bad("x"), ""), ev("FAIL", "6", "cy", bad("y"), ""),
	})
	answer, err := lineage.Common(t.Context(), src, opts)
	if err != nil || len(answer.Groups) != 1 || answer.Groups[0].Text != "2 of 2 descend from near" {
		t.Errorf("%v %+v", err, answer.Groups)
	}
}
