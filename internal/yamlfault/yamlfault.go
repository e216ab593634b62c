// Package yamlfault says what is wrong with a text that is no YAML: where, in words that help, and without what stands there, which may be a secret.
package yamlfault

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// noAnchor is what the parser makes of a value that begins with * and does not stand in quotes.
const noAnchor = "an alias without its anchor: a value that begins with * must stand in quotes"

var (
	lineOf = regexp.MustCompile(`^line (\d+): (?s)(.*)$`)

	// quoted is what the parser quotes of the text. What it expected instead it quotes too: that is shown.
	quoted = regexp.MustCompile("(?s)['\"`].*")

	// afterTokens are the faults that the parser finds behind its scanner: it counts their lines from 0.
	afterTokens = regexp.MustCompile(`^did not find expected (<.*>|node content|'-' indicator|key|',' or '[\]}]')$`)
)

// hints are what most often is behind words of the parser.
var hints = map[string]string{
	"did not find expected ',' or '}'":                             "a value within {…} that holds braces, brackets or a comma, such as ${VAR}, must stand in quotes",
	"did not find expected ',' or ']'":                             "a value within […] that holds braces, brackets or a comma, such as ${VAR}, must stand in quotes",
	"did not find expected key":                                    "the keys of one mapping begin in one column",
	"did not find expected alphabetic or numeric character":        "what begins with * or & must stand in quotes",
	"found character that cannot start any token":                  "what begins with @, % or ` must stand in quotes",
	"mapping values are not allowed in this context":               "a value that holds \": \" must stand in quotes, and the keys of one mapping begin in one column",
	"could not find expected ':'":                                  "a line of a mapping is \"key: value\"",
	"found unexpected end of stream":                               "a quote that is not closed",
	"found unknown escape character":                               "within \"…\" a backslash is written twice; '…' takes it as it is",
	"block sequence entries are not allowed in this context":       "a list begins below its key, or is written [a, b]",
	"found a tab character that violates indentation":              "use spaces",
	"control characters are not allowed":                           "is this a text?",
	"invalid leading UTF-8 octet":                                  "is this a text, and UTF-8?",
	"found character \\t that cannot start any token":              "use spaces",
	"found unexpected document indicator":                          "a quote that is not closed",
	"did not find expected <document start>":                       "the file is one mapping of keys and values",
	"did not find expected '-' indicator":                          "the entries of one list begin in one column",
	"found a tab character where an indentation space is expected": "use spaces",
}

// Of is what err, the parser's, says of a text: its line and column, from 1, and a sentence.
func Of(text []byte, err error) (line, column int, message string) {
	line, message = 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := lineOf.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1]) // digits
		message = m[2]
		if afterTokens.MatchString(message) {
			line++
		}
	}
	lines := bytes.Split(text, []byte("\n"))
	for n, l := range lines {
		if indent := l[:len(l)-len(bytes.TrimLeft(l, " \t"))]; bytes.IndexByte(indent, '\t') >= 0 && len(bytes.TrimSpace(l)) > 0 {
			return n + 1, bytes.IndexByte(indent, '\t') + 1, "a tab in the indentation: use spaces"
		}
	}
	if n := bytes.Count(bytes.TrimRight(text, "\r\n"), []byte("\n")) + 1; line > n { // the end counts as a line of its own
		line = n
	}
	switch hint := hints[message]; {
	case hint != "":
		return line, 1, message + ": " + hint
	case strings.HasPrefix(message, "unknown anchor"):
		name := strings.TrimSuffix(strings.TrimPrefix(message, "unknown anchor '"), "' referenced")
		if at := bytes.Index(text, []byte("*"+name)); at >= 0 { // the parser names no line
			return 1 + bytes.Count(text[:at], []byte("\n")), at - bytes.LastIndexByte(text[:at], '\n'), noAnchor
		}
		return line, 1, noAnchor
	case strings.HasPrefix(message, "anchor"):
		return line, 1, "an anchor that contains itself"
	}
	return line, 1, strings.TrimSpace(quoted.ReplaceAllString(message, "…"))
}
