package mapper

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// schemeAliases maps what SQLAlchemy, Spark and clouds call a store to what OpenLineage calls it.
var schemeAliases = map[string]string{
	"postgresql": "postgres", "pgsql": "postgres", "mariadb": "mysql", "gcs": "gs", "s3a": "s3", "s3n": "s3",
	"awsathena+rest": "awsathena", "clickhousedb": "clickhouse", "ibm_db_sa": "db2", "teradatasql": "teradata",
	"abfs": "abfss", "wasb": "wasbs", "kustosql": "azurekusto", "kustokql": "azurekusto", "athena": "awsathena",
	"spark_thrift": "spark",
}

// defaultPorts are added where a namespace names a host without a port.
var defaultPorts = map[string]string{
	"postgres": "5432", "mysql": "3306", "mssql": "1433", "sqlserver": "1433", "oracle": "1521", "trino": "443",
	"redshift": "5439", "clickhouse": "8123", "teradata": "1025", "hive": "10000", "db2": "50000", "crate": "4200",
	"oceanbase": "2881", "cassandra": "9042", "milvus": "19530", "vertica": "5433", "cockroachdb": "26257", "presto": "8080",
	"spark": "10000", "singlestoredb": "3306", "dremio": "31010",
}

func normaliseScheme(s string) string {
	s = strings.ToLower(s)
	if a, ok := schemeAliases[s]; ok {
		return a
	}
	s, _, _ = strings.Cut(s, "+")
	if a, ok := schemeAliases[s]; ok {
		return a
	}
	return s
}

// dropQuery cuts a query string or fragment.
func dropQuery(s string) string {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		return s[:i]
	}
	return s
}

// credentials are what SQLAlchemy reads as user and password: the password may hold anything but an @.
var credentials = regexp.MustCompile(`^[^:/]*(:[^@]*)?@`)

// splitURL cuts scheme://authority/rest without failing on what url.Parse rejects.
func splitURL(s string) (scheme, authority, path string, ok bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme == "" || strings.ContainsAny(scheme, "/\\ ?#") {
		return "", "", s, false
	}
	if isSQLScheme(normaliseScheme(scheme)) || passwordHoldsSlash(rest) {
		rest = dropCredentials(rest)
	}
	authority, path = rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	return scheme, authority, path, true
}

func dropCredentials(rest string) string { return rest[len(credentials.FindString(rest)):] }

// passwordHoldsSlash reports whether what stands before the first slash is a user and the head of a password (secret
// keys of clouds hold slashes) and not a host and a port.
func passwordHoldsSlash(rest string) bool {
	head, tail, ok := strings.Cut(rest, "/")
	if !ok || !strings.Contains(tail, "@") || strings.ContainsAny(head, "@[") {
		return false
	}
	_, port, ok := strings.Cut(head, ":")
	return ok && strings.Trim(port, "0123456789") != ""
}

func isSQLScheme(s string) bool {
	_, ok := defaultPorts[s]
	return ok || s == "snowflake"
}

// normaliseNamespace gives a store's URL the form OpenLineage's naming asks for, without credentials and query.
func normaliseNamespace(ns string) string {
	ns = strings.TrimSpace(ns)
	scheme, authority, path, ok := splitURL(ns)
	if !ok {
		return dropQuery(ns)
	}
	scheme = normaliseScheme(scheme)
	switch scheme {
	case "sqlite", "duckdb":
		p := dropQuery(authority + path)
		if strings.HasPrefix(p, "/") {
			p = "/" + strings.TrimLeft(p, "/")
		}
		return scheme + "://" + p
	case "bigquery", "pubsub":
		return scheme // one store for all
	}
	// The container of abfss and wasbs stands before the @: no credential.
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		head := authority[:i]
		if (scheme != "abfss" && scheme != "wasbs") || strings.Contains(head, ":") {
			authority = authority[i+1:]
		}
	}
	authority, path = dropQuery(authority), dropQuery(path)
	if scheme != "s3" && scheme != "gs" {
		authority = strings.ToLower(authority)
	}
	if scheme == "file" && authority == "" {
		return "file"
	}
	scheme, authority, path = normaliseHost(scheme, authority, path)
	if port := defaultPorts[scheme]; port != "" && authority != "" {
		hosts := strings.Split(authority, ",")
		for i, h := range hosts {
			if end := strings.LastIndexByte(h, ']'); !strings.Contains(h[end+1:], ":") {
				hosts[i] = h + ":" + port
			}
		}
		authority = strings.Join(hosts, ",")
	}
	return scheme + "://" + authority + strings.TrimRight(path, "/")
}

// nameFile names a file by its path or URL, without query string and credentials.
func nameFile(p string) (namespace, name string) {
	scheme, authority, rest, ok := splitURL(p)
	if !ok {
		if low := strings.ToLower(p); strings.HasPrefix(low, "dbfs:/") {
			return "dbfs", dropQuery(p[len("dbfs:"):])
		}
		host, key, _ := strings.Cut(p, "/")
		if h := strings.ToLower(host); strings.HasSuffix(h, ".core.windows.net") {
			return azure(h, key)
		}
		if strings.HasPrefix(p, "/dbfs/") {
			return "dbfs", dropQuery(p[len("/dbfs"):]) // the same files, where Databricks mounts them
		}
		// What follows a ? on a local path is a pandas option or a token, hardly ever a file's name.
		return "file", dropQuery(p)
	}
	scheme = normaliseScheme(scheme)
	rest = dropQuery(rest)
	authority = dropQuery(authority)
	key := strings.TrimLeft(rest, "/")
	switch scheme {
	case "s3", "gs":
		if i := strings.LastIndexByte(authority, '@'); i >= 0 {
			authority = authority[i+1:]
		}
		return scheme + "://" + authority, key
	case "abfss", "wasbs":
		return normaliseNamespace(scheme + "://" + authority), key
	case "file":
		if authority == "" || strings.EqualFold(authority, "localhost") {
			if len(rest) > 3 && rest[0] == '/' && rest[2] == ':' {
				rest = rest[1:]
			}
			return "file", unescape(rest)
		}
		return normaliseNamespace("file://" + authority), rest
	case "sftp", "scp", "ftp", "ftps", "smb":
		return normaliseNamespace("file://" + authority), rest // however it is fetched, a file of that host
	case "http", "https":
		ns := normaliseNamespace(scheme + "://" + authority)
		if host := strings.TrimPrefix(ns, scheme+"://"); strings.HasSuffix(host, ".core.windows.net") {
			return azure(host, key)
		}
		return ns, key
	case "hdfs", "dbfs":
		return normaliseNamespace(scheme + "://" + authority), rest
	}
	return normaliseNamespace(scheme + "://" + authority), key
}

// azure names account.blob.core.windows.net/container/key.
func azure(host, rest string) (namespace, name string) {
	container, key, _ := strings.Cut(strings.TrimLeft(dropQuery(rest), "/"), "/")
	scheme := "wasbs"
	if strings.Contains(host, ".dfs.") {
		scheme = "abfss"
	}
	return scheme + "://" + container + "@" + host, key
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// safeName makes a name one that every backend can take; true says that it was changed.
func safeName(s string, limit int) (string, bool) {
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
