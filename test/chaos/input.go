package main

import (
	"fmt"
	"time"
)

// firstRun is the run time of record 0; record i ran i seconds later, which its events tell.
var firstRun = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

// result is a suite result as Great Expectations 1.x writes it.
func result(i, keys int) []byte {
	at := firstRun.Add(time.Duration(i) * time.Second)
	asset := fmt.Sprintf("table_%03d", i%keys)
	ok := i%3 != 0
	failed := 0
	if !ok {
		failed = 1
	}
	return fmt.Appendf(nil, `{"success": %[1]t, "results": [{"success": %[1]t, "expectation_config": {"type": "expect_column_values_to_not_be_null",`+
		` "kwargs": {"batch_id": "shop-%[2]s", "column": "id"}, "meta": {}, "severity": "critical"}, "result": {"element_count": %[3]d, "unexpected_count": %[4]d,`+
		` "unexpected_percent": %[4]d.0, "partial_unexpected_list": []}, "meta": {}, "exception_info": {"raised_exception": false, "exception_traceback": null,`+
		` "exception_message": null}}], "suite_name": "nightly", "suite_parameters": {}, "statistics": {"evaluated_expectations": 1, "successful_expectations": %[5]d,`+
		` "unsuccessful_expectations": %[4]d, "success_percent": %[6]d.0}, "meta": {"great_expectations_version": "1.9.3", "batch_spec": {"type": "table",`+
		` "data_asset_name": "%[2]s", "table_name": "%[2]s", "schema_name": "public"}, "batch_markers": {"ge_load_time": "%[7]s"},`+
		` "active_batch_definition": {"datasource_name": "shop", "data_connector_name": "fluent", "data_asset_name": "%[2]s", "batch_identifiers": {}},`+
		` "validation_id": "a42f9137-b7af-421d-bfa5-%012[8]x", "checkpoint_id": "306d5d66-0f5d-493a-8a43-15f5252f5e3c", "run_id": {"run_name": "run-%07[8]d",`+
		` "run_time": "%[9]s"}, "validation_time": "%[9]s"}, "id": null}`,
		ok, asset, 1000+i, failed, 1-failed, 100*(1-failed), at.Format("20060102T150405.000000Z"), i, at.Format("2006-01-02T15:04:05.000000+00:00"))
}

// value is record i as it is published.
func value(i, keys int, k kind) []byte {
	v := result(i, keys)
	if k == undecodable {
		return v[:len(v)/2]
	}
	return v
}

func key(i, keys int) []byte { return fmt.Appendf(nil, "shop.table_%03d", i%keys) }
