package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// maxSecretFile bounds ${file:…}: a key is small, a wrong path may be a disk.
const maxSecretFile = 1 << 20

// malformed is a ${…} that no variable and no file can mend, wherever it is read.
type malformed string

func (m malformed) Error() string { return string(m) }

func isMalformed(err error) bool {
	_, ok := errors.AsType[malformed](err)
	return ok
}

// expand replaces ${VAR}, ${VAR:-default} and ${file:/path}; $${ stands for a plain ${. A default, and a path, may hold others.
func expand(s string, getenv func(string) (string, bool)) (text, error) {
	t, _, err := expandFiles(s, getenv)
	return t, err
}

// expandFiles is expand that tells the files too, read or not.
func expandFiles(s string, getenv func(string) (string, bool)) (text, []string, error) {
	e := expansion{getenv: getenv}
	value := e.text(s)
	return text{value, e.hidden}, e.files, errors.Join(e.faults...)
}

// expansion is one value that is being expanded.
type expansion struct {
	getenv func(string) (string, bool)
	hidden bool // something of it came from a variable or a file
	files  []string
	faults []error
}

func (e *expansion) text(s string) string {
	var out strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			break
		}
		if i > 0 && s[i-1] == '$' {
			out.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		out.WriteString(s[:i])
		e.hidden = true
		end := closing(s[i+2:])
		if end < 0 {
			e.faults = append(e.faults, malformed(`"${" without "}": write $${ for a plain ${`))
			return ""
		}
		out.WriteString(e.reference(s[i+2 : i+2+end]))
		s = s[i+2+end+1:]
	}
	out.WriteString(s)
	return out.String()
}

// closing is where the } stands that ends a ${ before s; -1: nowhere. Each ${ within has one of its own.
func closing(s string) int {
	open := 1
	for i := range len(s) {
		switch {
		case s[i] == '}':
			if open--; open == 0 {
				return i
			}
		case strings.HasPrefix(s[i:], "${"):
			open++
		}
	}
	return -1
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reference is the value of what stands between ${ and }.
func (e *expansion) reference(ref string) string {
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		return e.file(e.text(path))
	}
	name, fallback, hasFallback := strings.Cut(ref, ":-")
	if !variableName.MatchString(name) {
		e.faults = append(e.faults, malformed("${…} must hold a variable's name, VAR:-default or file:/path"))
		return ""
	}
	value, ok := e.getenv(name)
	switch {
	case ok && (value != "" || !hasFallback):
		return value
	case hasFallback:
		return e.text(fallback)
	}
	e.faults = append(e.faults, fmt.Errorf("the variable %s is not set: set it, or write ${%s:-default}", name, name))
	return ""
}

func (e *expansion) file(path string) string {
	e.files = append(e.files, path)
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxSecretFile) {
		e.faults = append(e.faults, fmt.Errorf("${file:%s} cannot be read: not a regular file of at most 1 MiB", path))
		return ""
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		e.faults = append(e.faults, fmt.Errorf("${file:%s} cannot be read: %w", path, errors.Unwrap(err)))
		return ""
	}
	return strings.TrimRight(string(b), "\r\n")
}
