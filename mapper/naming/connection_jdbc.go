package naming

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// jdbcSchemes are what drivers of JDBC call stores that have another name in SQLAlchemy.
var jdbcSchemes = map[string]string{"hive2": "hive", "sqlserver": "mssql", "sap": "hana", "athena": "awsathena"}

// jdbcOptions are the options that tell database and schema, and what SQLAlchemy calls them.
var jdbcOptions = map[string]string{"databasename": "database", "database": "database", "db": "database", "conncatalog": "catalog",
	"connschema": "schema", "schema": "schema", "currentschema": "currentschema", "projectid": "project", "defaultdataset": "dataset",
	"catalog": "catalog"}

var oracleAddress = regexp.MustCompile(`^(?://)?([^/:@?;()]+(?::\d+)?)(?:[:/]([^/:@?;()]+))?$`)

// parseJDBC reads what stands behind jdbc: as the same parts that a string of SQLAlchemy has; ok is false for a form that is
// not known.
func parseJDBC(s string) (u sqlURL, ok bool) {
	low := strings.ToLower(s)
	if strings.HasPrefix(low, "oracle:") {
		return parseOracle(s)
	}
	for _, scheme := range []string{"sqlite", "duckdb"} {
		if strings.HasPrefix(low, scheme+":") {
			p, _, _ := strings.Cut(dropQuery(s[len(scheme)+1:]), ";")
			return sqlURL{scheme: scheme, authority: cmp.Or(p, ":memory:")}, true
		}
	}
	kind, rest, ok := strings.Cut(s, "://")
	if !ok {
		return u, false
	}
	names := strings.Split(strings.ToLower(kind), ":") // mysql:loadbalance, jtds:sqlserver
	if names[0] == "jtds" {
		names = names[1:]
	}
	if len(names) == 0 || !isScheme(names[0]) {
		return u, false
	}
	u = sqlURL{scheme: normaliseScheme(cmp.Or(jdbcSchemes[names[0]], names[0])), driver: "jdbc", query: make(map[string][]string)}
	body, options := rest, ""
	if i := strings.IndexAny(rest, "?;"); i >= 0 {
		body, options = rest[:i], rest[i+1:]
	}
	body = dropCredentials(body)
	var path string
	u.authority, path, _ = strings.Cut(afterCredentials(body), "/")
	if i := strings.IndexByte(path, ':'); i >= 0 && u.scheme == "db2" {
		path, options = path[:i], path[i+1:]
	}
	u.parts = slices.DeleteFunc(strings.Split(path, "/"), func(p string) bool { return p == "" })
	u.addJDBCOptions(options)
	return u, true
}

// addJDBCOptions keeps the options that name something, as SQLAlchemy has them.
func (u *sqlURL) addJDBCOptions(text string) {
	all := sqlURL{query: make(map[string][]string)}
	all.addOptions(strings.NewReplacer("&", ";", "?", ";").Replace(text), ";")
	for k, name := range jdbcOptions {
		if v := all.option(k); v != "" {
			u.query[name] = append(u.query[name], v)
		}
	}
	switch u.scheme {
	case "bigquery": // its host is Google's for all
		u.authority, u.parts = u.option("project"), nil
		if d := u.option("dataset"); d != "" {
			u.parts = []string{d}
		}
	case "snowflake":
		if db := u.option("database"); db != "" {
			u.parts = slices.DeleteFunc([]string{db, u.option("schema")}, func(p string) bool { return p == "" })
		}
	}
}

// parseOracle reads oracle:thin:user/password@//host:port/service, …@host:port:sid and …@(DESCRIPTION=…).
func parseOracle(s string) (u sqlURL, ok bool) {
	_, address, ok := strings.Cut(s, "@")
	if !ok {
		return u, false
	}
	address = strings.TrimSpace(address)
	u = sqlURL{scheme: "oracle", driver: "jdbc", query: make(map[string][]string)}
	if strings.HasPrefix(address, "(") {
		u.authority = address
		return u, oracleHost.MatchString(address)
	}
	m := oracleAddress.FindStringSubmatch(dropOptions(address[strings.LastIndexByte(address, '@')+1:]))
	if m == nil || m[2] == "" {
		return u, false // a name that only the client's own files explain
	}
	u.authority, u.parts = m[1], []string{m[2]}
	return u, true
}
