package gx

import "math"

// Limits of one message. Each lies far above any real result; docs/mapping.md states them. What a message is read into
// and mapped to stays in proportion to its size because every fact that is kept is also charged with what it costs until
// its events are encoded: a message of the least possible results would otherwise take 150 times its size.
const (
	MaxResults     = 50_000  // expectation results
	MaxValidations = 2_000   // validation results, and objects that look like one
	MaxKeys        = 250_000 // kwargs, parameters, batch identifiers, column names, members of what holds a result

	freeBytes   = 4 << 20 // what any message may cost
	costPerByte = 7       // and for each of its bytes

	resultCost     = 1200
	validationCost = 12 << 10
	keyCost        = 192
	identifierCost = 1000 // of a batch identifier, which names, templates and facets read
)

// quota counts what one Decode keeps. The zero value allows nothing.
type quota struct {
	left                       int // of what the message may cost, in bytes
	results, validations, keys int
	err                        *DecodeError // the first limit that was passed: a scanner for a part of the message cannot fail the whole
}

// allow sets the quota for a value of so many bytes, for no bound -1.
func (q *quota) allow(size int) {
	*q = quota{left: math.MaxInt}
	if size >= 0 {
		q.left = freeBytes + costPerByte*size
	}
}

func (s *scanner) keepResult() bool {
	q := &s.mem.quota
	q.results++
	return s.charge("too_many_results", "expectation results", q.results, MaxResults, resultCost)
}

func (s *scanner) keepValidation() bool {
	q := &s.mem.quota
	q.validations++
	return s.charge("too_many_validations", "validation results", q.validations, MaxValidations, validationCost)
}

func (s *scanner) keepKey() bool {
	q := &s.mem.quota
	q.keys++
	return s.charge("too_many_keys", "keys and names", q.keys, MaxKeys, keyCost)
}

// mayKeep charges n keys at once, if all of them may be kept; else nothing, so that they are charged one by one.
func (q *quota) mayKeep(n int) bool {
	if q.left < n*keyCost || q.keys+n > MaxKeys && q.left <= math.MaxInt/2 {
		return false
	}
	q.keys += n
	q.left -= n * keyCost
	return true
}

// keepIdentifiers charges the batch identifiers that came since so many keys had been counted.
func (s *scanner) keepIdentifiers(before int) bool {
	n := s.mem.keys - before
	return s.charge("too_many_keys", "batch identifiers", n, MaxKeys, n*identifierCost)
}

// charge reports whether one more may be kept, and ends the scan where not.
func (s *scanner) charge(code, what string, n, limit, cost int) bool {
	q := &s.mem.quota
	if s.err != nil {
		return false
	}
	if q.left -= cost; q.left >= 0 && (n <= limit || q.left > math.MaxInt/2) {
		return true
	}
	if n > limit {
		s.fail(code, "the message holds more than %d %s", limit, what)
	} else {
		s.fail(code, "the message holds more %s than one of its size may: %d so far", what, n)
	}
	if q.err == nil {
		q.err = s.err
	}
	return false
}
