package gxproject

import (
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/mapper/naming"
)

// drivers are the dialects of fluent types whose connection may be written as a mapping.
var drivers = map[string]string{
	"postgres": "postgresql", "snowflake": "snowflake", "redshift": "redshift", "databricks_sql": "databricks", "bigquery": "bigquery",
	"sql_server": "mssql", "mssql": "mssql", "mysql": "mysql", "trino": "trino", "athena": "awsathena", "sqlite": "sqlite",
}

// options are those of a connection that say where it leads; what else stands there may be a secret.
var options = []string{"host", "port", "service_name", "sid", "dsn", "odbc_connect", "catalog", "schema", "catalog_name", "schema_name",
	"region_name", "database", "dbname", "options"}

// connect names the store that a connection leads to: a string, or a mapping of its parts.
func (r *reader) connect(n *yaml.Node, key, typ string) (ds naming.Datasource, ok bool) {
	n = r.resolve(n)
	if isNull(n) {
		return ds, false
	}
	if n.Kind != yaml.MappingNode {
		return r.connectString(n, key, scalar(n), "")
	}
	for _, whole := range []string{"connection_string", "url"} {
		if inner := r.get(n, whole); inner != nil && inner.Kind == yaml.ScalarNode {
			return r.connectString(inner, key+"."+whole, scalar(inner), "")
		}
	}
	con, schema := r.assemble(n, typ)
	if con == "" {
		r.warn(n, key, "names no drivername: the datasource is not named by the project")
		return ds, false
	}
	return r.connectString(n, key, con, schema)
}

// connectString cuts the credentials before it looks up variables, so that a password that is not set here is not missed
// and one that is goes nowhere.
func (r *reader) connectString(n *yaml.Node, key, template, schema string) (ds naming.Datasource, ok bool) {
	con, missing := r.expand(naming.DropCredentials(strings.TrimSpace(template)))
	schema, more := r.expand(schema)
	missing = append(missing, more...)
	if strings.Contains(con, "secret|") {
		r.warn(n, key, "stands in a secret manager, which is not asked: name the datasource by hand")
		return naming.Datasource{}, false
	}
	store, ok := naming.Connection(con)
	ds.Namespace, ds.Database, ds.Schema = store.Namespace, store.Database, store.Schema
	if ds.Schema == "" {
		ds.Schema = schema
	}
	if needed := stillNamed(missing, ds, ok); len(needed) > 0 {
		r.warnMissing(n, key, needed)
		return naming.Datasource{}, false
	}
	if !ok {
		r.warn(n, key, "does not say which store it leads to: the datasource is not named by the project")
		return naming.Datasource{}, false
	}
	ds.Namespace = r.embedded(n, key, ds.Namespace)
	return ds, true
}

// stillNamed are the missing variables that a name would need. Host names were lower-cased on their way.
func stillNamed(missing []string, ds naming.Datasource, ok bool) []string {
	if !ok {
		return missing
	}
	names := strings.ToLower(ds.Namespace + "\n" + ds.Database + "\n" + ds.Schema)
	var needed []string
	for _, name := range missing {
		if strings.Contains(names, "${"+strings.ToLower(name)+"}") {
			needed = append(needed, name)
		}
	}
	return needed
}

// embedded makes the path of a database file absolute. SQLAlchemy takes it from the folder that the producer happened to
// run in, which nothing tells: the project's folder is the best guess, and said to be one.
func (r *reader) embedded(n *yaml.Node, key, namespace string) string {
	for _, scheme := range []string{"sqlite://", "duckdb://"} {
		path, ok := strings.CutPrefix(namespace, scheme)
		if !ok || path == ":memory:" || strings.HasPrefix(path, "md:") || filepath.IsAbs(path) || windowsDrive.MatchString(path) {
			continue
		}
		r.warn(n, key, "is relative to the folder that Great Expectations runs in: taken from the project's folder; write an absolute path to be sure")
		return scheme + filepath.Join(r.root, path)
	}
	return namespace
}

// assemble writes the parts of a connection as one string, without user and password.
func (r *reader) assemble(n *yaml.Node, typ string) (con, schema string) {
	driver := firstOf(scalar(r.get(n, "drivername")), scalar(r.get(n, "dialect")), drivers[typ])
	if driver == "" {
		return "", ""
	}
	host := firstOf(scalar(r.get(n, "host")), scalar(r.get(n, "account")), scalar(r.get(n, "server")))
	if net.ParseIP(host) != nil && strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := scalar(r.get(n, "port")); port != "" && host != "" {
		host += ":" + port
	}
	query := make([]string, 0, len(options))
	extra := r.get(n, "query")
	for _, name := range options {
		if v := scalar(r.get(extra, name)); v != "" {
			query = append(query, name+"="+escapeOutsideVariables(v))
		}
	}
	con = driver + "://" + host + "/" + scalar(r.get(n, "database"))
	if len(query) > 0 {
		con += "?" + strings.Join(query, "&")
	}
	return con, firstOf(scalar(r.get(n, "schema")), scalar(r.get(extra, "schema")))
}

// escapeOutsideVariables keeps ${VAR} as it is: it is looked up later.
func escapeOutsideVariables(s string) string {
	var b strings.Builder
	at := 0
	for _, m := range reference.FindAllStringIndex(s, -1) {
		b.WriteString(url.QueryEscape(s[at:m[0]]) + s[m[0]:m[1]])
		at = m[1]
	}
	return b.String() + url.QueryEscape(s[at:])
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
