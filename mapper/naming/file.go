package naming

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	drive     = regexp.MustCompile(`^[A-Za-z]:[\\/]`)
	oneSlash  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+):(/[^/].*)$`)
	noSlash   = regexp.MustCompile(`(?i)^(file|dbfs|hdfs):([^/].*)$`)
	chainLink = regexp.MustCompile(`::([A-Za-z][A-Za-z0-9+.-]+://|/)`)
)

// buckets are the schemes that always name a host or a bucket. Where a path library took one of the slashes away
// (s3:/bucket/key), it is put back.
var buckets = []string{"s3", "gs", "abfss", "wasbs", "http", "https", "sftp", "scp", "ftp", "ftps", "smb"}

// folders are file systems, whose paths have no two spellings; keys of objects are literal.
var folders = []string{"hdfs", "dbfs", "viewfs", "webhdfs", "maprfs", "alluxio"}

// File names a file by its path or URL, without query string and credentials.
func File(p string) (namespace, name string) {
	if links := chainLink.FindAllStringIndex(p, -1); links != nil {
		p = p[links[len(links)-1][0]+len("::"):] // fsspec's zip://in.csv::s3://bucket/x.zip lies where its last part says
	}
	if len(p) > len("jdbc:") && strings.EqualFold(p[:len("jdbc:")], "jdbc:") { // no file; its form may hide a password anywhere
		c, _ := Connection(p)
		return c.Namespace, joinDots(c.Database, c.Schema)
	}
	if drive.MatchString(p) || strings.HasPrefix(p, `\\`) {
		return localFile(p)
	}
	if m := noSlash.FindStringSubmatch(p); m != nil && !strings.EqualFold(m[1], "hdfs") && !strings.EqualFold(m[1], "dbfs") {
		return localFile(m[2])
	} else if m != nil {
		return strings.ToLower(m[1]), cleanPath("/" + dropQuery(m[2]))
	}
	if m := oneSlash.FindStringSubmatch(p); m != nil {
		scheme := normaliseScheme(m[1])
		if slices.Contains(buckets, scheme) {
			return File(m[1] + ":/" + m[2])
		}
		if scheme == "file" {
			return localFile(unescape(dropQuery(m[2])))
		}
		return scheme, cleanPath(dropQuery(m[2]))
	}
	scheme, authority, rest, ok := splitURL(p)
	if !ok {
		return pathOnly(p)
	}
	return fileURL(normaliseScheme(scheme), authority, rest)
}

// pathOnly names a file whose path has no scheme.
func pathOnly(p string) (namespace, name string) {
	host, rest, _ := strings.Cut(p, "/")
	if h := strings.ToLower(host); strings.HasSuffix(h, ".core.windows.net") {
		return azure(h, rest)
	}
	if rest, ok := strings.CutPrefix(p, "/dbfs/"); ok {
		return "dbfs", cleanPath("/" + dropQuery(rest)) // the same files, where Databricks mounts them
	}
	// What follows a ? on a local path is a pandas option or a token, hardly ever a file's name.
	return localFile(dropQuery(p))
}

func fileURL(scheme, authority, rest string) (namespace, name string) {
	rest = dropQuery(rest)
	switch scheme {
	case "s3", "gs":
		return scheme + "://" + dropOptions(afterCredentials(authority)), key(rest)
	case "abfss", "wasbs":
		return Normalise(scheme + "://" + authority), key(rest)
	case "file":
		if drive.MatchString(authority + "/") { // file://C:/x
			return localFile(unescape(authority + rest))
		}
		if authority == "" || strings.EqualFold(authority, "localhost") {
			if drive.MatchString(strings.TrimLeft(rest, "/")) {
				rest = strings.TrimLeft(rest, "/")
			}
			return localFile(unescape(rest))
		}
		return Normalise("file://" + authority), cleanPath(rest)
	case "sftp", "scp", "ftp", "ftps", "smb":
		return Normalise("file://" + authority), cleanPath(rest) // however it is fetched, a file of that host
	case "http", "https":
		rest = dropOptions(rest) // these have fragments and parameters
		ns := Normalise(scheme + "://" + authority)
		if host := strings.TrimPrefix(ns, scheme+"://"); strings.HasSuffix(host, ".core.windows.net") {
			return azure(host, rest)
		}
		return ns, key(rest)
	}
	if slices.Contains(folders, scheme) {
		return Normalise(scheme + "://" + authority), cleanPath(rest)
	}
	return Normalise(scheme + "://" + authority), key(dropOptions(rest))
}

// localFile names a file of this machine. Windows takes \ and / alike; a share is a file of another host.
func localFile(p string) (namespace, name string) {
	if rest, ok := strings.CutPrefix(p, `\\?\`); ok {
		p = rest
	}
	if rest, ok := strings.CutPrefix(p, `\\`); ok {
		host, rest, _ := strings.Cut(strings.ReplaceAll(rest, `\`, "/"), "/")
		return Normalise("file://" + host), cleanPath("/" + rest)
	}
	if !strings.HasPrefix(p, "/") {
		p = strings.ReplaceAll(p, `\`, "/")
	}
	return "file", cleanPath(p)
}

// cleanPath gives a path of a file system its one spelling: without .., ., // and a trailing slash.
func cleanPath(p string) string {
	switch {
	case p == "":
		return ""
	case drive.MatchString(p):
		return strings.ToUpper(p[:1]) + ":" + path.Clean(p[2:])
	}
	return path.Clean(p)
}

func isAbsolute(p string) bool { return strings.HasPrefix(p, "/") || drive.MatchString(p) }

// key is the key of an object: literal, but for the slashes around it. A bucket as a whole is /.
func key(rest string) string {
	if k := strings.Trim(rest, "/"); k != "" {
		return k
	}
	return "/"
}

// azure names account.blob.core.windows.net/container/key.
func azure(host, rest string) (namespace, name string) {
	container, rest, _ := strings.Cut(strings.TrimLeft(dropQuery(rest), "/"), "/")
	scheme := "wasbs"
	if strings.Contains(host, ".dfs.") {
		scheme = "abfss"
	}
	return scheme + "://" + container + "@" + host, key(rest)
}

// dropQuery cuts a query string. A # belongs to the name of a file or an object.
func dropQuery(s string) string {
	s, _, _ = strings.Cut(s, "?")
	return s
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
