package events

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/go-faster/jx"
)

// longestEvent is the most bytes of one event, or of one line.
const longestEvent = 64 << 20

// Read takes the events of a text into a builder: one a line, one after another, or in JSON arrays. What is no event is told with its place, name and line, and
// ends the reading: half an answer would look like a whole one. seen is told of each event; nil: nobody.
func Read(ctx context.Context, name string, r io.Reader, b *Builder, seen func()) error {
	in := &lineReader{ctx: ctx, r: bufio.NewReaderSize(r, 256<<10), line: 1}
	if mark, err := in.r.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		_, _ = in.r.Discard(3) // they were peeked
	}
	in.blank()
	p, dec := NewParser(), json.NewDecoder(in)
	each := func(text []byte) error {
		ev, err := p.Parse(text)
		if err != nil {
			return err
		}
		b.Add(ev)
		if seen != nil {
			seen()
		}
		return nil
	}
	for {
		text, err := in.value(dec)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && len(text) > 0 && text[0] == '[' { // an array in memory
			err = jx.DecodeBytes(text).Arr(func(d *jx.Decoder) error {
				raw, err := d.Raw()
				if err != nil {
					return err
				}
				return each(raw)
			})
		} else if err == nil {
			err = each(text)
		}
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%s:%d: %w", name, in.line, told(err, text))
		}
	}
}

// lineReader gives JSON values, and knows on which line they begin.
type lineReader struct {
	ctx   context.Context //nolint:containedctx // a Reader is given none, and a read is what there is to stop
	r     *bufio.Reader
	array bool    // inside an array that is read element by element
	signs int64   // brackets and commas of the array, which the decoder does not count where an error is
	read  int64   // bytes given to the decoder
	done  int64   // bytes of them that were decoded
	line  int     // where the value begins
	marks []int64 // where the lines behind it end
}

// blank passes over blanks at the begin, and sees whether there is an array.
func (l *lineReader) blank() {
	for {
		c, err := l.r.ReadByte()
		if err != nil {
			return // whoever reads on meets it
		}
		switch c {
		case '\n':
			l.line++
		case ' ', '\t', '\r':
		default:
			_ = l.r.UnreadByte() // it was just read
			l.array = c == '['
			return
		}
	}
}

// value is the next one; of an array at the begin of the text, its next element. io.EOF: there is no more.
func (l *lineReader) value(dec *json.Decoder) (json.RawMessage, error) {
	if l.array && dec.InputOffset() == 0 {
		if _, err := dec.Token(); err != nil {
			return nil, err
		}
	}
	if l.array && !dec.More() {
		if _, err := dec.Token(); err != nil {
			return nil, unended(err)
		}
		l.array = false
	}
	if l.array {
		l.signs++
	}
	l.to(dec.InputOffset())
	var text json.RawMessage
	err := dec.Decode(&text)
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	switch {
	case err == nil:
		l.to(dec.InputOffset() - int64(len(text)))
	case ok:
		l.to(syntax.Offset + l.signs - 1)
	default:
		l.to(l.read)
	}
	if l.array {
		err = unended(err)
	}
	return text, err
}

// unended is the end of a text inside an array.
func unended(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the text ends inside an array")
	}
	return err
}

// to moves on to an offset.
func (l *lineReader) to(offset int64) {
	n := 0
	for n < len(l.marks) && l.marks[n] < offset {
		n++
	}
	l.marks = append(l.marks[:0], l.marks[n:]...)
	l.line += n
	l.done = offset
}

// Read counts lines, and ends what has no end.
func (l *lineReader) Read(p []byte) (int, error) {
	if err := l.ctx.Err(); err != nil {
		return 0, err
	}
	if l.read-l.done > longestEvent {
		return 0, fmt.Errorf("longer than %d bytes", longestEvent)
	}
	n, err := l.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.marks = append(l.marks, l.read+int64(i))
		}
	}
	l.read += int64(n)
	return n, err
}

// told is what is wrong with a text, in words that help.
func told(err error, text []byte) error {
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not JSON: %w", err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the text ends inside an event")
	}
	if errors.Is(err, errNoEvent) && (bytes.Contains(text, []byte(`"expectation_config"`)) || bytes.Contains(text, []byte(`"run_results"`))) {
		return errors.New("this is a Great Expectations result, no event: gx-ol map makes events of it")
	}
	return err
}
