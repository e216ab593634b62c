package kafkaclient

import (
	"errors"
	"strings"
)

// The login modules of Java that there is something to take from.
const (
	modulePlain = "PlainLoginModule"
	moduleScram = "ScramLoginModule"
	moduleOAuth = "OAuthBearerLoginModule"
	moduleIAM   = "IAMLoginModule"
)

// jaasLine is a line of Java's login configuration, as sasl.jaas.config holds it.
type jaasLine struct {
	module  string // the class, without its package
	options map[string]string
}

// mechanism is the one that the module is for; empty for one that serves several.
func (l jaasLine) mechanism() string {
	return map[string]string{modulePlain: mechanismPlain, moduleOAuth: mechanismOAuth, moduleIAM: mechanismIAM}[l.module]
}

var errJAAS = errors.New(`must be a login module's line, such as org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";`)

// parseJAAS reads `module flag key="value" …;`. Its errors hold nothing of the line.
func parseJAAS(v string) (jaasLine, error) {
	words, ok := jaasWords(v)
	if !ok || len(words) < 2 {
		return jaasLine{}, errJAAS
	}
	line := jaasLine{module: words[0][strings.LastIndexByte(words[0], '.')+1:], options: map[string]string{}}
	for i := 2; i < len(words); i += 3 {
		if i+2 >= len(words) || words[i+1] != "=" {
			return jaasLine{}, errJAAS
		}
		line.options[words[i]] = words[i+2]
	}
	switch line.module {
	case moduleOAuth, moduleIAM:
		return line, nil
	case "Krb5LoginModule":
		return jaasLine{}, errors.New("Kerberos is not supported: gx-ol signs in with " + strings.Join(mechanisms, ", "))
	}
	if line.options["username"] == "" || line.options["password"] == "" {
		return jaasLine{}, errors.New(`must hold username="…" and password="…"`)
	}
	return line, nil
}

// jaasWords are the words of a line: bare, in quotes, or an equals sign. A backslash quotes within quotes, and continues a line outside of them.
func jaasWords(v string) (words []string, ok bool) {
	for i := 0; i < len(v); {
		switch c := v[i]; c {
		case ' ', '\t', '\n', '\r', ';':
			i++
		case '\\':
			if i+1 < len(v) && v[i+1] != '\n' && v[i+1] != '\r' {
				return nil, false
			}
			i++
		case '=':
			words = append(words, "=")
			i++
		case '"', '\'':
			word, end := quotedWord(v, i)
			if end < 0 {
				return nil, false
			}
			words = append(words, word)
			i = end
		default:
			end := i + strings.IndexAny(v[i:]+" ", " \t\r\n=;\"'\\")
			words = append(words, v[i:end])
			i = end
		}
	}
	return words, true
}

// quotedWord is the word whose quote stands at begin, and the place behind it; -1 if it does not end.
func quotedWord(v string, begin int) (word string, end int) {
	var b strings.Builder
	for i := begin + 1; i < len(v); i++ {
		switch v[i] {
		case v[begin]:
			return b.String(), i + 1
		case '\\':
			if i++; i == len(v) {
				return "", -1
			}
		}
		b.WriteByte(v[i])
	}
	return "", -1
}
