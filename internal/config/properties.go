package config

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/nearest"
)

// propertiesFile is the key of a mapping of Kafka properties that names a .properties file; what stands beside it wins.
const propertiesFile = "properties_file"

// properties reads Kafka client properties: a mapping, or the text of a .properties file as consoles print it.
func (l *loader) properties(f field, n *yaml.Node) {
	p, ok := f.at(l.cfg).(*map[string]string)
	if !ok {
		return
	}
	if *p == nil {
		*p = map[string]string{}
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode && onlyReference(n.Value) && !l.guest {
		if t, ok := l.scalar(f.path, n); ok && !l.unresolved[f.path] {
			delete(l.cfg.files, f.path) // the text is taken apart, and its values stay
			name := l.name
			l.name = strings.TrimSuffix(strings.TrimPrefix(n.Value, "${"), "}")
			l.propertyText(f, *p, t.value, 1)
			l.name = name
		}
		return
	}
	if n.Kind == yaml.ScalarNode {
		first := n.Line
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			first++ // the text begins below its key
		}
		l.propertyText(f, *p, n.Value, first)
		return
	}
	if n.Kind != yaml.MappingNode {
		l.fault(l.at(n), "%s must be a mapping of names and values, or a text of lines name=value", f.path)
		return
	}
	l.pairs(f.path, n, func(key, value *yaml.Node) {
		if key.Value != propertiesFile {
			return
		}
		if t, ok := l.scalar(f.path+"."+propertiesFile, value); ok {
			l.propertyFile(f, *p, t, l.at(value))
		}
	})
	l.pairs(f.path, n, func(key, value *yaml.Node) {
		if key.Value != propertiesFile {
			l.propertyPair(f, *p, key, value)
		}
	})
}

// propertyFile reads the file of properties_file.
func (l *loader) propertyFile(f field, into map[string]string, path text, place string) {
	info, err := os.Stat(path.value)
	var data []byte
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxSecretFile) {
		err = &os.PathError{Err: errors.New("not a regular file of at most 1 MiB")}
	}
	if err == nil {
		data, err = os.ReadFile(path.value)
	}
	if err != nil {
		if l.unneeded == nil || !l.unneeded.MatchString(f.path+".") {
			l.fault(place, "%s.%s: %s cannot be read: %v", f.path, propertiesFile, path.shown(), errors.Unwrap(err))
		}
		return
	}
	name := l.name
	if l.name = path.value; path.hidden {
		l.name = f.path + "." + propertiesFile
	}
	l.propertyText(f, into, string(data), 1)
	l.name = name
}

// propertyText reads the text of a .properties file, whose first line is line first of the file at hand.
func (l *loader) propertyText(f field, into map[string]string, text string, first int) {
	lines, bad := readProperties(text)
	if bad > 0 {
		l.fault(fmt.Sprintf("%s:%d:1", l.name, first+bad-1), "%s: not a line of a .properties file: name=value, or a comment that begins with #", f.path)
		return
	}
	seen := map[string]int{}
	for _, line := range lines {
		at := first + line.number - 1
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: line.key, Line: at, Column: 1}
		value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: line.value, Line: at, Column: 1}
		if before, twice := seen[line.key]; twice && kafkaclient.CheckName(line.key) == nil {
			l.fault(l.at(key), "%s is there twice: first in line %d", line.key, before)
			continue
		}
		seen[line.key] = at
		l.propertyPair(f, into, key, value)
	}
}

// propertyPair takes one property.
func (l *loader) propertyPair(f field, into map[string]string, key, value *yaml.Node) {
	name := key.Value
	if whole := wholeName(name); whole != "" && value.Kind == yaml.MappingNode {
		l.fault(l.at(key), "%s: a property is written with its whole name, such as %s", f.path, whole)
		return
	}
	if err := kafkaclient.CheckName(name); err != nil {
		if nearest.Name(name, []string{propertiesFile}) != "" {
			err = fmt.Errorf("unknown Kafka property %q: did you mean %q?", name, propertiesFile)
		} else if !l.mayShowProperty(key, value) {
			err = fmt.Errorf("unknown Kafka property of %d characters", utf8.RuneCountInString(name))
		}
		l.fault(l.at(key), "%v", err)
		return
	}
	t, ok := l.scalar(f.path+"."+name, l.joined(value))
	if !ok {
		return
	}
	if !l.unresolved[f.path+"."+name] {
		if err := kafkaclient.CheckValue(name, t.value); err != nil {
			l.fault(l.at(value), "%s: %v", name, err)
			return
		}
	}
	if why := kafkaclient.NoEffect(name); why != "" {
		l.warn("%s: %s has no effect: %s", l.at(key), name, why)
	}
	into[name] = t.value
}

// wholeName is a property that begins with the given part of a name; empty: none does.
func wholeName(part string) string {
	for _, name := range kafkaclient.Names() {
		if strings.HasPrefix(name, part+".") {
			return name
		}
	}
	return ""
}

// joined is a list of single values as properties write one: with commas. Anything else is itself.
func (l *loader) joined(n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.SequenceNode {
		return n
	}
	values := make([]string, len(n.Content))
	for i, item := range n.Content {
		if item.Kind != yaml.ScalarNode {
			return n
		}
		values[i] = item.Value
	}
	one := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.Join(values, ","), Line: n.Line, Column: n.Column}
	if variable, ok := l.origins[n]; ok {
		l.origins[one] = variable
	}
	return one
}

// propertyLine is a line of a .properties file, or several that were continued.
type propertyLine struct {
	key, value string
	number     int
}

// readProperties reads Java's .properties format, with values trimmed as Kafka's clients do. bad is the number of the first line that is none; 0: all are.
func readProperties(text string) (lines []propertyLine, bad int) {
	physical := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
	for i := 0; i < len(physical); i++ {
		number := i + 1
		logical := strings.TrimLeft(physical[i], " \t\f")
		if logical == "" || logical[0] == '#' || logical[0] == '!' {
			continue
		}
		for continued(logical) {
			logical = logical[:len(logical)-1]
			if i++; i == len(physical) {
				break
			}
			logical += strings.TrimLeft(physical[i], " \t\f")
		}
		key, value, ok := cutProperty(logical)
		if !ok {
			return nil, number
		}
		lines = append(lines, propertyLine{key, value, number})
	}
	return lines, 0
}

// continued says whether a line ends with a backslash that nothing escapes.
func continued(line string) bool {
	return (len(line)-len(strings.TrimRight(line, "\\")))%2 == 1
}

// cutProperty parts a line where the first separator stands that is not escaped: =, : or white space. A line without a value is no property of Kafka.
func cutProperty(line string) (key, value string, ok bool) {
	end := 0
	for end < len(line) && !strings.ContainsRune("=: \t\f", rune(line[end])) {
		if line[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(line) {
		return "", "", false
	}
	rest := strings.TrimLeft(line[end:], " \t\f")
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = rest[1:]
	}
	key, okKey := unescaped(line[:end])
	value, okValue := unescaped(strings.TrimLeft(rest, " \t\f"))
	return key, strings.TrimSpace(value), okKey && okValue && key != ""
}

// unescaped takes Java's escapes out.
func unescaped(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			break
		}
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if i+4 >= len(s) {
				return "", false
			}
			r, err := strconv.ParseUint(s[i+1:i+5], 16, 16)
			if err != nil {
				return "", false
			}
			b.WriteRune(rune(r))
			i += 4
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), true
}
