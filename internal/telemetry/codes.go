package telemetry

// warningCodes are all codes of gx_ol_warnings_total; docs/metrics.md lists them.
func warningCodes() []string {
	return []string{"unmapped_datasource", "relative_path", "sql_not_read", "unnamed_job", "name_changed", "trimmed", "bad_parent_header", "unlikely_time", "no_validations", "other_batch"}
}

// letterCode is a cause of a dead letter.
type letterCode struct{ disposition, code string }

// letterCodes are the causes that docs/dead-letters.md lists, as far as they are known before a backend answers: its answers bring codes of
// their own (http_409, …).
func letterCodes() []letterCode {
	return []letterCode{
		{"poison", "tombstone"}, {"poison", "empty_value"}, {"poison", "invalid_json"}, {"poison", "invalid_base64"}, {"poison", "unknown_shape"},
		{"poison", "not_a_result"}, {"poison", "unreadable_value"}, {"poison", "too_deep"}, {"poison", "too_many_results"},
		{"poison", "too_many_validations"}, {"poison", "too_many_keys"}, {"poison", "too_many_event_bytes"}, {"poison", "unmapped_dataset"},
		{"oversize", "oversize"}, {"oversize", "oversize_batch"}, {"oversize", "event_too_large"}, {"oversize", "http_413"},
		{"oversize", "kafka_message_too_large"}, {"rejected", "http_422"}, {"rejected", "http_400"}, {"rejected", "http_500_code_400"},
		{"rejected", "batch_rejected"}, {"rejected", "unsafe_event"}, {"rejected", "buried_by_hand"}, {"rejected", "kafka_invalid_record"}, {"rejected", "skipped"},
		{"bug", "panic"}, {"bug", "bug"},
	}
}
