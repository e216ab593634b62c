package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Everything that a command prints for people goes through say, and every JSON document through printJSON: names, headers, keys and errors are other people's
// text, and a terminal obeys some of it (clear the screen, hide what stands before a question, fill the clipboard).

// ours is text of this program's own, such as colours; block is foreign text of several lines.
type (
	ours  string
	block string
)

// say prints to w. The format is ours; arguments are other people's, and are made harmless: on one line, but for errors and blocks.
func say(w io.Writer, format string, args ...any) {
	harmless := make([]any, len(args))
	for i, arg := range args {
		harmless[i] = foreign(arg)
	}
	_, _ = fmt.Fprintf(w, format, harmless...) // nobody reads any more
}

// foreign is an argument without what a terminal would obey.
func foreign(arg any) any {
	switch v := arg.(type) {
	case ours:
		return string(v)
	case block:
		return visibleLines(string(v))
	case error:
		return visibleLines(v.Error())
	case fmt.Stringer:
		return visible(v.String())
	}
	if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
		return visible(v.String())
	}
	return arg
}

// visible is text on one line, everything that does not print as Go would write it: \x1b, \n, \u202e.
func visible(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			b.WriteString(s[i : i+n])
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += n
	}
	return b.String()
}

// visibleLines is text whose lines and tabs stay.
func visibleLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		for j := range cells {
			cells[j] = visible(cells[j])
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n")
}

// printJSON prints one document on one line.
func printJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return printDocument(w, b.Bytes())
}

// printDocument prints a line of JSON: the same document, in which what does not print is escaped.
func printDocument(w io.Writer, line []byte) error {
	var b bytes.Buffer
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		switch {
		case r == '\n' || r == '\t' || strconv.IsPrint(r):
			b.Write(line[i : i+n])
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default: // a byte that is no UTF-8 is U+FFFD to every reader of JSON
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	_, err := w.Write(b.Bytes())
	return err
}

// plural counts things.
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

// cut shortens text at a rune.
func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
