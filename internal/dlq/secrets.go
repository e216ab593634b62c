package dlq

import (
	"regexp"
	"strings"
)

// withoutSecrets is a name without what connection strings and addresses carry beside the place: a user with a password, and all behind ? and ;.
func withoutSecrets(text string) string {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		if from := strings.Index(text[:i], "://"); from >= 0 {
			text = text[:from+3] + "‹…›" + text[i:]
		} else if strings.ContainsAny(text[:i], ":/") { // user:password@host, user/password@host
			text = "‹…›" + text[i:]
		}
	}
	if i := strings.IndexAny(text, "?;"); i >= 0 {
		text = text[:i+1] + "‹…›"
	}
	return secretPart.ReplaceAllString(text, "$1$2‹…›")
}

// secretPart is a secret that is named in a path, such as /mnt/password=x/ or token:x.
var secretPart = regexp.MustCompile(`(?i)(passw(?:or)?d|pwd|secret|token|api_?key|access_?key|credentials?|sig(?:nature)?)(\s*[=:]\s*)[^/\s]+`)
