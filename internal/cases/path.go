package cases

import (
	"errors"
	"strconv"
	"strings"
)

// step is a part of a path: a member, an element, or any element.
type step struct {
	key   string
	index int // -1: any element; -2: a member
}

const (
	anyElement = -1
	aMember    = -2
)

// parsePath reads job.name, inputs[0].facets.schema, inputs[].name.
func parsePath(path string) (steps []step, err error) {
	for part := range strings.SplitSeq(path, ".") {
		key, rest, indexed := strings.Cut(part, "[")
		if key == "" {
			return nil, errors.New("a part of it is empty")
		}
		steps = append(steps, step{key, aMember})
		for indexed {
			inner, after, closed := strings.Cut(rest, "]")
			n := anyElement
			if inner != "" {
				if n, err = strconv.Atoi(inner); err != nil || n < 0 {
					return nil, errors.New("between [ and ] stands a number, or nothing for any element")
				}
			}
			if !closed || after != "" && after[0] != '[' {
				return nil, errors.New("[ without ]")
			}
			steps = append(steps, step{"", n})
			rest, indexed = strings.CutPrefix(after, "[")
		}
	}
	return steps, nil
}

// below is the path of a step below another.
func below(path string, s step) string {
	switch {
	case s.index == anyElement:
		return path + "[]"
	case s.index >= 0:
		return path + "[" + strconv.Itoa(s.index) + "]"
	case path == "":
		return s.key
	}
	return path + "." + s.key
}
