package gxproject

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// folder is where a datasource or a connector finds its files: a folder, or a bucket with a prefix. The keys are the
// same in block-style connectors and in fluent datasources, but for those of Azure.
func (r *reader) folder(n *yaml.Node, key string) string {
	value := func(names ...string) string {
		for _, name := range names {
			if v := r.get(n, name); v != nil {
				if s, ok := r.text(v, key+"."+name); ok {
					return s
				}
			}
		}
		return ""
	}
	if bucket := value("bucket"); bucket != "" {
		return "s3://" + bucket + "/" + value("prefix", "s3_prefix")
	}
	if bucket := value("bucket_or_name"); bucket != "" {
		return "gs://" + bucket + "/" + value("prefix", "gcs_prefix")
	}
	if account := r.get(n, "azure_options", "account_url"); account != nil {
		host, ok := r.text(account, key+".azure_options.account_url")
		container := value("container", "abs_container")
		if host = strings.Trim(strings.TrimPrefix(host, "https://"), "/"); !ok || host == "" || container == "" {
			return ""
		}
		return host + "/" + container + "/" + value("name_starts_with", "prefix", "abs_name_starts_with")
	}
	if base := value("base_directory"); base != "" {
		return r.absolute(base)
	}
	return ""
}

// store is the part of a folder that names a store of its own; a local folder is none.
func store(folder string) string {
	scheme, rest, ok := strings.Cut(folder, "://")
	if !ok || scheme == "file" {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	if host == "" || strings.Contains(host, "@") && !strings.HasPrefix(scheme, "abfs") && !strings.HasPrefix(scheme, "wasb") {
		return ""
	}
	return scheme + "://" + host
}

// cleanPath drops a query string, which may be a token. A path that may hold a password is given up: the result's own
// path names the file nearly always.
func cleanPath(p string) string {
	p, _, _ = strings.Cut(p, "?")
	scheme, rest, ok := strings.Cut(p, "://")
	if ok && strings.Contains(rest, "@") {
		container, _, _ := strings.Cut(rest, "@")
		azure := strings.HasPrefix(scheme, "abfs") || strings.HasPrefix(scheme, "wasb")
		if !azure || strings.ContainsAny(container, ":/") {
			return ""
		}
	}
	return p
}

func joinPath(folder, name string) string {
	if folder == "" || name == "" {
		return ""
	}
	return strings.TrimRight(folder, "/") + "/" + strings.TrimLeft(name, "/")
}

// literalPattern is a regular expression that fits one name only.
var literalPattern = regexp.MustCompile(`^\^?((?:[\w/ -]|\\[.\-_ ])+)\$?$`)

// literal is the one file that a batching regex fits, empty where it fits several.
func literal(pattern string) string {
	m := literalPattern.FindStringSubmatch(pattern)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], `\`, "")
}
