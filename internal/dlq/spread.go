package dlq

import (
	"cmp"
	"slices"
	"time"
)

// Spread is how letters of each code lie in time.
type Spread struct {
	From, To time.Time // of all; the bars divide what is between
	Codes    []CodeSpread
}

// CodeSpread is a code's part of a Spread.
type CodeSpread struct {
	Code    string
	Letters int
	Bars    []int // letters given up in each part of the time, the oldest first
}

// Spreading divides the time in which letters were given up into so many bars, and counts each code in them: those with the most letters first, at most
// codes of them; the rest together has the code "".
func Spreading(letters []*Letter, bars, codes int) Spread {
	var s Spread
	if len(letters) == 0 {
		return s
	}
	s.From, s.To = letters[0].GivenUp(), letters[0].GivenUp()
	totals := make(map[string]int)
	for _, l := range letters {
		at := l.GivenUp()
		if at.Before(s.From) {
			s.From = at
		}
		if at.After(s.To) {
			s.To = at
		}
		totals[l.Said.Code]++
	}
	by := make(map[string]*CodeSpread)
	for code, n := range totals {
		by[code] = &CodeSpread{Code: code, Letters: n, Bars: make([]int, bars)}
	}
	width := max(s.To.Sub(s.From)/time.Duration(bars)+1, 1)
	for _, l := range letters {
		by[l.Said.Code].Bars[min(int(l.GivenUp().Sub(s.From)/width), bars-1)]++
	}
	for _, c := range by {
		s.Codes = append(s.Codes, *c)
	}
	slices.SortFunc(s.Codes, func(a, b CodeSpread) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.Code, b.Code))
	})
	if len(s.Codes) > codes {
		rest := CodeSpread{Bars: make([]int, bars)}
		for _, c := range s.Codes[codes:] {
			rest.Letters += c.Letters
			for i, n := range c.Bars {
				rest.Bars[i] += n
			}
		}
		s.Codes = append(s.Codes[:codes:codes], rest)
	}
	return s
}
