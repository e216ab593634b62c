package mapper

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// safeName makes a name one that every backend can take; true says that it was changed.
func safeName(s string, limit int) (string, bool) {
	if len(s) <= limit && isPlain(s) {
		return s, false
	}
	out := strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", ""))
	if out == "" {
		out = "unnamed"
	}
	if len(out) > limit {
		sum := sha256.Sum256([]byte(s))
		tail := "~" + hex.EncodeToString(sum[:6])
		cut := max(0, limit-len(tail))
		for cut > 0 && !utf8.RuneStart(out[cut]) {
			cut--
		}
		out = out[:cut] + tail
	}
	return out, out != s
}

// isPlain reports whether a name is one that nothing is wrong with: printable ASCII without blanks.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// safeNamespace keeps a dataset's namespace within the characters that Marquez takes.
func safeNamespace(s string) (string, bool) {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(":/_-.@+", r):
			return r
		}
		return '_'
	}, s)
	out, _ = safeName(out, 1024)
	out = strings.ReplaceAll(out, "~", "_")
	return out, out != s
}
