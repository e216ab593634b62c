package naming

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
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

// dropOptions cuts what follows the address of a store: a query string, the options of ODBC and JDBC, a fragment. Any of
// them may hold a password.
func dropOptions(s string) string {
	if i := strings.IndexAny(s, "?;#"); i >= 0 {
		return s[:i]
	}
	return s
}

// credentials are what SQLAlchemy reads as user and password: the password may hold anything but an @.
var credentials = regexp.MustCompile(`^[^:/]*(:[^@]*)?@`)

// splitURL cuts scheme://authority/rest without failing on what url.Parse rejects.
func splitURL(s string) (scheme, authority, path string, ok bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || !isScheme(scheme) {
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

func isScheme(s string) bool {
	return s != "" && !strings.ContainsAny(s, "/\\ ?#@:;")
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

// afterCredentials is what stands behind the user and password of a URL's authority.
func afterCredentials(authority string) string {
	return authority[strings.LastIndexByte(authority, '@')+1:]
}

// Scheme is the kind of store that a namespace names.
func Scheme(ns string) string {
	if strings.HasPrefix(ns, "arn:aws:glue") {
		return "glue"
	}
	s, _, _ := strings.Cut(ns, ":")
	return strings.ToLower(s)
}

// embedded tells the stores that are a file.
func embedded(scheme string) bool { return scheme == "sqlite" || scheme == "duckdb" }

// IsSQL reports whether the store of a namespace is asked in SQL.
func IsSQL(ns string) bool {
	switch Scheme(ns) {
	case "sqlite", "duckdb", "bigquery", "glue", "awsathena", "databricks", "unitycatalog", "spanner", "fabric-warehouse",
		"azurekusto", "azurecosmos", "couchbase":
		return true
	}
	return isSQLScheme(Scheme(ns))
}

// Normalise gives a store's URL the form that OpenLineage's naming asks for, without credentials and options.
func Normalise(ns string) string {
	ns = strings.TrimSpace(ns)
	if len(ns) > len("jdbc:") && strings.EqualFold(ns[:len("jdbc:")], "jdbc:") {
		c, _ := Connection(ns)
		return c.Namespace
	}
	scheme, authority, path, ok := splitURL(ns)
	if !ok {
		return dropOptions(ns)
	}
	scheme = normaliseScheme(scheme)
	switch {
	case embedded(scheme):
		return scheme + "://" + embeddedPath(authority+path)
	case scheme == "bigquery", scheme == "pubsub":
		return scheme // one store for all
	}
	// The container of abfss and wasbs stands before the @: no credential.
	if head, _, _ := strings.Cut(authority, "@"); scheme != "abfss" && scheme != "wasbs" || strings.Contains(head, ":") {
		authority = afterCredentials(authority)
	}
	authority, path = dropOptions(authority), dropOptions(path)
	if scheme != "s3" && scheme != "gs" {
		authority = strings.ToLower(authority)
	}
	if authority == "" && slices.Contains(bareNamespaces, scheme) {
		return scheme
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

// embeddedPath is the file of an embedded database, in its one spelling.
func embeddedPath(p string) string {
	p, _, _ = strings.Cut(dropQuery(p), ";")
	switch bare := strings.TrimLeft(p, "/"); {
	case bare == "" || bare[0] == ':' || strings.HasPrefix(bare, "md:"): // in memory, MotherDuck
		return bare
	case drive.MatchString(strings.TrimLeft(p, "/")):
		p = strings.TrimLeft(p, "/")
	}
	if !strings.HasPrefix(p, "/") {
		p = strings.ReplaceAll(p, `\`, "/")
	}
	return cleanPath(p)
}

// URI is a namespace as a URI; "" where it is none, as with several hosts or a store without an address.
func URI(ns string) string {
	u, err := url.Parse(ns)
	if err != nil || !u.IsAbs() || !uriScheme.MatchString(u.Scheme) {
		return ""
	}
	if _, rest, ok := strings.Cut(ns, "://"); ok {
		authority, path, _ := strings.Cut(rest, "/")
		if !uriAuthority.MatchString(authority) || strings.ContainsAny(path, "<>\"{}|\\^` []") {
			return ""
		}
	}
	return ns
}

// What an official checker takes: the authority of RFC 3986 with one host.
var (
	uriScheme    = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)
	uriAuthority = regexp.MustCompile(`^(?:[A-Za-z0-9._~!$&'()*+;=%:-]*@)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+;=%-]*)(?::[0-9]*)?$`)
)
