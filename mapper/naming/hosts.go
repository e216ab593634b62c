package naming

import (
	"regexp"
	"strings"
)

// redshiftHost is what AWS calls a cluster or a serverless workgroup.
var redshiftHost = regexp.MustCompile(`^([^.:]+)\.[^.:]+\.([a-z0-9-]+)\.redshift(?:-serverless)?\.amazonaws\.com(?:\.cn)?(:\d+)?$`)

// normaliseHost brings the hosts of stores that have several names for themselves to the one of OpenLineage's naming
// table. What speaks the protocol of another store (Redshift, Synapse, Fabric) is known by its host alone.
func normaliseHost(scheme, authority, path string) (string, string, string) {
	switch scheme {
	case "postgres", "redshift":
		if m := redshiftHost.FindStringSubmatch(authority); m != nil {
			return "redshift", m[1] + "." + m[2] + m[3], path
		}
	case "snowflake":
		authority, _, _ = strings.Cut(authority, ":")
		for _, tail := range []string{".snowflakecomputing.com", ".snowflakecomputing.cn", ".privatelink"} {
			authority = strings.TrimSuffix(authority, tail)
		}
	case "awsathena":
		return scheme, strings.TrimSuffix(authority, ":443"), ""
	case "mssql", "sqlserver", "fabric-warehouse":
		authority, path = sqlServerHost(authority, path)
		host, _, _ := strings.Cut(authority, ":")
		switch {
		case strings.HasSuffix(host, ".sql.azuresynapse.net"):
			return "sqlserver", authority, path
		case strings.HasSuffix(host, ".fabric.microsoft.com"):
			return "fabric-warehouse", authority, path
		}
	}
	return scheme, authority, path
}

// sqlServerHost reads tcp:host\instance,port as ODBC writes it; an instance becomes the path.
func sqlServerHost(authority, path string) (host, rest string) {
	host = strings.TrimPrefix(authority, "tcp:")
	if h, port, ok := strings.Cut(host, ","); ok {
		host = h + ":" + strings.TrimSpace(port)
	}
	if h, tail, ok := strings.Cut(host, `\`); ok {
		instance, port, withPort := strings.Cut(tail, ":")
		if host = h; withPort {
			host += ":" + port
		}
		path = "/" + instance
	}
	switch {
	case host == ".", host == "(local)":
		host = "localhost"
	case strings.HasPrefix(host, ".:"), strings.HasPrefix(host, "(local):"):
		host = "localhost" + host[strings.IndexByte(host, ':'):]
	}
	return host, path
}
