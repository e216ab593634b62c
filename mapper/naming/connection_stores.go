package naming

import (
	"cmp"
	"regexp"
	"strings"
)

// namePostgres knows that libpq takes hosts from the query, and a local socket where no host is named.
func namePostgres(u sqlURL) Store {
	if u.authority == "" {
		var hosts []string
		for _, h := range u.query["host"] {
			if instance, ok := strings.CutPrefix(h, "/cloudsql/"); ok {
				h = instance // project:region:instance says more than the socket's folder
			} else if h == "" || strings.HasPrefix(h, "/") {
				h = "localhost"
			}
			if port := u.option("port"); port != "" && !strings.Contains(h, ":") {
				h += ":" + port
			}
			hosts = append(hosts, h)
		}
		u.authority = cmp.Or(strings.Join(hosts, ","), "localhost")
	}
	ds := Store{Namespace: u.namespace(), Database: cmp.Or(u.part(0), u.option("dbname", "database")), Schema: u.option("currentschema")}
	if m := searchPath.FindStringSubmatch(u.option("options")); m != nil {
		ds.Schema = m[1]
	}
	return ds
}

// searchPath is the one schema that a connection sets as its default.
var searchPath = regexp.MustCompile(`^-c\s*search_path=(\w+)$`)

// snowflakeAccount completes an account locator by region and cloud as OpenLineage's own clients do, so that their
// names and ours meet; an account of an organisation has neither.
func snowflakeAccount(host string) string {
	account := strings.TrimPrefix(Normalise("snowflake://"+host), "snowflake://")
	parts := strings.Split(account, ".")
	switch {
	case account == "" || strings.Contains(parts[0], "-"):
		return parts[0]
	case len(parts) == 1:
		return account + ".us-west-1.aws"
	case len(parts) == 2:
		return account + ".aws"
	}
	return account
}

// nameDatabricks names tables of a Unity catalog by the standard's rule; without a catalog only the workspace is known.
func nameDatabricks(u sqlURL) Store {
	host := strings.TrimSuffix(u.authority, ":443")
	ds := Store{Namespace: "databricks://" + host, Database: u.option("catalog"), Schema: u.option("schema")}
	if ds.Schema == "" {
		ds.Schema = u.part(0)
	}
	switch strings.ToLower(ds.Database) {
	case "", "hive_metastore", "spark_catalog":
	default:
		if host != "" {
			ds.Namespace = "unitycatalog://" + host
		}
	}
	return ds
}

func nameAthena(u sqlURL) Store {
	ds := Store{Namespace: u.namespace(), Database: cmp.Or(u.option("catalog_name"), "AwsDataCatalog"),
		Schema: cmp.Or(u.part(0), u.option("schema_name"))}
	if region := u.option("region_name"); u.authority == "" && region != "" {
		ds.Namespace = "awsathena://athena." + region + ".amazonaws.com"
	}
	return ds
}

// The parts of an Oracle connect descriptor.
var (
	oracleHost    = regexp.MustCompile(`(?i)\(\s*HOST\s*=\s*([^()\s]+)\s*\)`)
	oraclePort    = regexp.MustCompile(`(?i)\(\s*PORT\s*=\s*(\d+)\s*\)`)
	oracleService = regexp.MustCompile(`(?i)\(\s*(?:SERVICE_NAME|SID)\s*=\s*([^()\s]+)\s*\)`)
)

// nameOracle reads the service name or SID from the path, from the options, or from a connect descriptor.
func nameOracle(u sqlURL) Store {
	first := func(re *regexp.Regexp, s string) string {
		if m := re.FindStringSubmatch(s); m != nil {
			return m[1]
		}
		return ""
	}
	text := u.authority + strings.Join(u.parts, "/") + u.option("dsn")
	if host := first(oracleHost, text); host != "" {
		ns := "oracle://" + host
		if port := first(oraclePort, text); port != "" {
			ns += ":" + port
		}
		return Store{Namespace: ns, Database: first(oracleService, text)}
	}
	return Store{Namespace: u.namespace(), Database: cmp.Or(u.option("service_name", "sid"), u.part(0))}
}

// nameSpanner reads /projects/p/instances/i/databases/d.
func nameSpanner(u sqlURL) Store {
	known := make(map[string]string)
	for i := 0; i+1 < len(u.parts); i += 2 {
		known[strings.ToLower(u.parts[i])] = u.parts[i+1]
	}
	if known["projects"] == "" || known["instances"] == "" {
		return Store{Namespace: u.namespace(), Database: u.part(0)}
	}
	return Store{Namespace: "spanner://" + known["projects"] + ":" + known["instances"], Database: known["databases"]}
}
