package gx

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// maxTail bounds how much of a traceback is decoded to find the exception's class, in bytes.
const maxTail = 64 << 10

// exception consumes exception_info. Where nothing was raised it is the same text in every result of a message, and so it
// is compared with the last one before it is read.
func (s *scanner) exception(e *Expectation) {
	if s.next() == '{' && s.quiet.end != 0 {
		if last := s.b[s.quiet.start:s.quiet.end]; bytes.HasPrefix(s.b[s.pos:], last) {
			s.pos += len(last)
			return
		}
	}
	start := s.pos
	s.exceptionInfo(e)
	if !e.Raised && s.err == nil && s.b[start] == '{' {
		s.quiet = span{start, s.pos}
	}
}

// exceptionInfo reads exception_info: null, flat, or keyed by metric id (whose text is SQL and is not kept).
func (s *scanner) exceptionInfo(e *Expectation) {
	var raised bool
	var message, traceback span
	s.object(func(key []byte) {
		switch c := s.next(); {
		case string(key) == "raised_exception":
			v, _ := s.boolean()
			raised = v != nil && *v
		case string(key) == "exception_message" && c == '"':
			message = s.here()
		case string(key) == "exception_traceback" && c == '"':
			traceback = s.here()
		case c == '{':
			s.exceptionInfo(e)
		default:
			s.skip()
		}
	})
	if !raised || e.Raised || s.err != nil {
		return
	}
	e.Raised = true
	if message.end != 0 {
		text := s.at(message).textHead(maxExceptionText)
		e.ExceptionText = text
		e.ExceptionClass = className(text)
	}
	if class := s.tracebackClass(s.b[traceback.start:traceback.end]); class != "" {
		e.ExceptionClass = class
	}
}

// textHead consumes a string and returns at most limit bytes of it, cut between characters.
func (s *scanner) textHead(limit int) string {
	s.next()
	raw, _ := s.rawString()
	raw = raw[:min(len(raw), 6*limit)]
	out := appendUnescaped(s.mem.scratch[:0], raw)
	s.mem.scratch = out[:0]
	if len(out) <= limit {
		return strings.ToValidUTF8(string(out), "")
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(out[cut]) {
		cut--
	}
	return string(out[:cut])
}

// tracebackClass finds the class in the last traceback of a raw JSON string: the first line after its frames, which are
// indented; without a header, the last line.
func (s *scanner) tracebackClass(raw []byte) string {
	if len(raw) < 2 {
		return ""
	}
	raw = raw[1 : len(raw)-1]
	if i := bytes.LastIndex(raw, []byte("Traceback (most recent call last):")); i >= 0 {
		raw = raw[i:]
		raw = raw[:min(len(raw), maxTail)]
		text := s.unescaped(raw)
		_, text, _ = strings.Cut(text, "\n")
		for line := range strings.SplitSeq(text, "\n") {
			if line != "" && line[0] != ' ' && line[0] != '\t' {
				return className(line)
			}
		}
		return ""
	}
	raw = raw[max(0, len(raw)-maxTail):]
	text := strings.TrimRight(s.unescaped(raw), " \r\n\t")
	return className(text[strings.LastIndexByte(text, '\n')+1:])
}

// className gives the exception class that a line such as "builtins.KeyError: 'x'" starts with, "" if it starts with none.
func className(line string) string {
	name, _, _ := strings.Cut(line, ":")
	if name = strings.TrimSpace(name); len(name) > 200 {
		return ""
	}
	for i := range len(name) {
		c := name[i] | 0x20
		letter := 'a' <= c && c <= 'z' || name[i] == '_'
		if !letter && (i == 0 || name[i] != '.' && (name[i] < '0' || name[i] > '9')) {
			return ""
		}
	}
	for _, end := range [...]string{"Error", "Exception", "Warning", "Interrupt", "Exit"} {
		if strings.HasSuffix(name, end) {
			return name
		}
	}
	return ""
}
