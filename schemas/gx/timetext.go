package gx

import "time"

// parseTime reads the forms of time that GX has written over the years: 2019-09-25T06:05:38.829112Z, a space in T's place,
// 2019-09-25T060538, 20190925T060538, a fraction or none, a zone with or without colon; a time without a zone is UTC. Zero
// if it is none. (time.Parse allocates an error for each form that it is not.)
func parseTime(t []byte) time.Time {
	if len(t) < 15 || len(t) > 40 {
		return time.Time{}
	}
	p := timeText{rest: t, ok: true}
	year := 100*p.two() + p.two()
	long := p.take('-')
	month := p.two()
	if long {
		p.must('-')
	}
	day := p.two()
	if !p.take('T') {
		p.must(' ')
		p.ok = p.ok && long
	}
	hour := p.two()
	colon := long && p.take(':')
	minute := p.two()
	if colon {
		p.must(':')
	}
	second := p.two()
	nanos := p.fraction()
	zone := p.zone()
	if !p.ok || len(p.rest) > 0 || hour > 23 || minute > 59 || second > 59 || month < 1 || month > 12 || day < 1 {
		return time.Time{}
	}
	at := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if at.Day() != day { // there is no such day in the month
		return time.Time{}
	}
	return at.Add(-zone)
}

// timeText is what is left to read of a time; ok turns false where it is none.
type timeText struct {
	rest []byte
	ok   bool
}

func (p *timeText) take(c byte) bool {
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *timeText) must(c byte) { p.ok = p.take(c) && p.ok }

// two reads two digits.
func (p *timeText) two() int {
	if len(p.rest) < 2 || p.rest[0] < '0' || p.rest[0] > '9' || p.rest[1] < '0' || p.rest[1] > '9' {
		p.ok = false
		return 0
	}
	n := int(p.rest[0]-'0')*10 + int(p.rest[1]-'0')
	p.rest = p.rest[2:]
	return n
}

// fraction reads the nanoseconds; what is finer is dropped.
func (p *timeText) fraction() int {
	if len(p.rest) < 2 || p.rest[0] != '.' && p.rest[0] != ',' || p.rest[1] < '0' || p.rest[1] > '9' {
		return 0
	}
	n, scale := 0, int(time.Second)
	for p.rest = p.rest[1:]; len(p.rest) > 0 && '0' <= p.rest[0] && p.rest[0] <= '9'; p.rest = p.rest[1:] {
		scale /= 10
		n += int(p.rest[0]-'0') * scale
	}
	return n
}

// zone reads Z, +02:00, +0200 or nothing.
func (p *timeText) zone() time.Duration {
	sign := 1
	switch {
	case len(p.rest) == 0 || p.take('Z'):
		return 0
	case p.take('-'):
		sign = -1
	default:
		p.must('+')
	}
	hours := p.two()
	p.take(':')
	minutes := p.two()
	if hours > 24 || minutes > 60 { // as time.Parse has it
		p.ok = false
	}
	return time.Duration(sign*(60*hours+minutes)) * time.Minute
}

// time consumes a value and returns the time that it is; zero if it is none.
func (s *scanner) time() time.Time { return parseTime(s.textBytes()) }
