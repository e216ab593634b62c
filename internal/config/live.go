package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
)

// fileRef finds what comes from a file.
var fileRef = regexp.MustCompile(`\$\{file:`)

// Live gives the present value of a key whose value comes from a file (${file:…}), asked again whenever the file has changed; nil
// for any other key. While the file can't be read or is empty, as it may be for a moment when it is renewed, the last good value
// stays. It is safe for concurrent use, and cheap enough to be asked for each request.
//
// path is a key of the configuration; for one value of a mapping, the mapping's path, a dot, and its name.
func (c *Config) Live(path string) func() string {
	raw, ok := c.files[path]
	if !ok {
		return nil
	}
	v := &liveValue{raw: raw, getenv: c.getenv}
	return v.now
}

// liveValue is a value with its source.
type liveValue struct {
	raw    string
	getenv func(string) (string, bool)

	mu    sync.Mutex // guards below
	files []string   // that value was read from
	stamp string     // of the files when value was read
	value string
}

func (v *liveValue) now() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	stamp := v.stampOf()
	if stamp == v.stamp {
		return v.value
	}
	t, files, err := expandFiles(v.raw, v.getenv)
	v.files = files // where they are new, the next stamp differs, and they are read once more
	if err == nil && t.value != "" {
		v.value, v.stamp = t.value, stamp
	}
	return v.value
}

// stampOf tells one state of the files from another. Following links, as os.Stat does, sees what Kubernetes exchanges.
func (v *liveValue) stampOf() string {
	var b strings.Builder
	b.WriteByte('!') // differs from the stamp of a value that was never read
	for _, file := range v.files {
		if info, err := os.Stat(file); err == nil {
			fmt.Fprintf(&b, "%d %d;", info.ModTime().UnixNano(), info.Size())
		}
	}
	return b.String()
}
