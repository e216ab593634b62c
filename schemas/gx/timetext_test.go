package gx

import (
	"regexp"
	"testing"
	"time"
)

var oneDigit = regexp.MustCompile(`[T ][0-9][^0-9]`)

// What time.Parse reads in one of the forms, parseTime reads as the same instant, and nothing else.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2019-09-25T060538.829112Z", "20240814T172846.050804Z", "2026-01-02T03:04:05+02:00", "2026-01-02 03:04:05.5-0330", "2026-01-02T03:04:05", "2026-02-30T03:04:05", "20240814T172846", "20240814 172846",
		"2026-01-02T03:04:05.", "2026-01-02T03:04:60Z", "2026-01-02T24:00:00Z", "2026-01-02T03:04:05,123", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+24:30", "2026-01-02T03:04:05+23:60", "2026-01-02T03:04:05.1234567891Z", "2026-1-02T03:04:05Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want time.Time
		if len(s) >= 15 && len(s) <= 40 {
			text := s
			if text[10] == ' ' {
				text = text[:10] + "T" + text[11:]
			}
			for _, date := range [...]string{"2006-01-02T15:04:05", "20060102T150405", "2006-01-02T150405"} {
				for _, zone := range [...]string{"Z07:00", "", "Z0700"} {
					if v, err := time.Parse(date+zone, text); err == nil && want.IsZero() {
						want = v.UTC()
					}
				}
			}
		}
		// time.Parse takes an hour of one digit, which GX never wrote.
		if got := parseTime([]byte(s)); !got.Equal(want) && (!got.IsZero() || !oneDigit.MatchString(s)) {
			t.Fatalf("%q: %v, want %v", s, got, want)
		}
	})
}
