package deadletter

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// count reads a number that is never negative. The error does not quote the value: anyone can write a header.
func count(value string, bits int) (int64, error) {
	n, err := strconv.ParseInt(value, 10, bits)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("not a number from 0 to 2^%d-1", bits-1)
	}
	return n, nil
}

// partition reads a partition, which is UnknownPartition for a record that another system's letter held.
func partition(value string) (int32, error) {
	if value == strconv.Itoa(UnknownPartition) {
		return UnknownPartition, nil
	}
	n, err := count(value, 32)
	return int32(n), err
}

func small(value string) (int, error) {
	n, err := count(value, 32)
	return int(n), err
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return Near(t).Format(TimeLayout)
}

func parseTime(value string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil || Near(t) != t.UTC() {
		return time.Time{}, errors.New("not an RFC 3339 time")
	}
	return t.UTC(), nil
}

// Near is t in UTC, moved into the years 0 – 9999, which alone have a form in RFC 3339 and in JSON: the time of a record is whatever its producer says.
func Near(t time.Time) time.Time {
	t = t.UTC()
	switch {
	case t.Year() > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	case t.Year() < 0:
		return time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t
}

// topicName is value if a topic can have this name. The error does not quote it.
func topicName(value string) (string, error) {
	if value == "" || len(value) > maxNameBytes {
		return "", errors.New("no topic can have this name")
	}
	for i := range len(value) {
		if !strings.Contains(topicLetters, value[i:i+1]) {
			return "", errors.New("no topic can have this name")
		}
	}
	return value, nil
}

// topicLetters are what Kafka lets the name of a topic hold.
const topicLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

// bounded cuts s to MaxErrorBytes.
func bounded(s string) string { return cut(s, MaxErrorBytes) }

// cut shortens s to n bytes without tearing a rune, and makes it UTF-8.
func cut(s string, n int) string {
	if len(s) > 2*n { // what goes may be very long
		s = s[:2*n]
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}
