package mapper

import (
	"net/url"
	"regexp"
	"strings"
)

// sqlURL is a SQLAlchemy URL cut into what names a store. Its user and password are gone before it exists.
type sqlURL struct {
	scheme    string // as OpenLineage calls it
	authority string
	parts     []string // of the path, unescaped, empty ones left out
	query     map[string][]string
}

// NameConnection reads a SQLAlchemy connection string as an entry of the datasources table: namespace, database and
// schema of the store that it leads to. Its credentials and its other options go nowhere. ok is false for what is no
// connection string, and for one that does not say where it leads.
func NameConnection(con string) (ds Datasource, ok bool) {
	dialect, rest, ok := strings.Cut(DropCredentials(strings.TrimSpace(con)), "://")
	if !ok || dialect == "" || strings.ContainsAny(dialect, "/\\ ?#@") {
		return Datasource{}, false
	}
	scheme := normaliseScheme(dialect)
	if embedded(scheme + "://") {
		return nameEmbedded(scheme, rest), true
	}
	u := parseSQLURL(scheme, rest)
	switch scheme {
	case "bigquery":
		return Datasource{Namespace: "bigquery", Database: unescape(u.authority), Schema: u.part(0)}, true
	case "snowflake":
		ds = Datasource{Namespace: "snowflake://" + snowflakeAccount(u.authority), Database: u.part(0), Schema: u.part(1)}
	case "trino", "presto":
		ds = Datasource{Namespace: u.namespace(), Database: u.part(0), Schema: u.part(1)}
	case "databricks":
		ds = nameDatabricks(u)
	case "awsathena":
		ds = nameAthena(u)
	case "mssql", "sqlserver":
		ds = nameSQLServer(u)
	case "oracle":
		ds = nameOracle(u)
	case "spanner":
		ds = nameSpanner(u)
	case "teradata":
		ds = Datasource{Namespace: u.namespace(), Database: orElse(u.part(0), u.option("database"))}
	case "postgres", "redshift":
		ds = namePostgres(u)
	default:
		ds = Datasource{Namespace: u.namespace(), Database: strings.Join(u.parts, ".")}
	}
	ds.Namespace = normaliseNamespace(ds.Namespace)
	if _, authority, _ := strings.Cut(ds.Namespace, "://"); authority == "" {
		return Datasource{Database: ds.Database, Schema: ds.Schema}, false
	}
	return ds, true
}

// DropCredentials cuts user and password out of a SQLAlchemy connection string, whatever its dialect: the password may hold
// anything but an @.
func DropCredentials(con string) string {
	dialect, rest, ok := strings.Cut(con, "://")
	if !ok {
		return con
	}
	return dialect + "://" + dropCredentials(rest)
}

func parseSQLURL(scheme, rest string) sqlURL {
	body, query, _ := strings.Cut(rest, "?")
	// SQLAlchemy 1.3, which GX 0.x ran on, let a password hold an @ too.
	body = body[strings.LastIndexByte(body, '@')+1:]
	u := sqlURL{scheme: scheme, query: make(map[string][]string)}
	var path string
	u.authority, path, _ = strings.Cut(body, "/")
	for p := range strings.SplitSeq(path, "/") {
		if p != "" {
			u.parts = append(u.parts, unescape(p))
		}
	}
	for pair := range strings.SplitSeq(query, "&") {
		k, v, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(v); err == nil {
			v = plain
		}
		u.query[strings.ToLower(k)] = append(u.query[strings.ToLower(k)], v)
	}
	return u
}

func (u sqlURL) namespace() string { return u.scheme + "://" + u.authority }

func (u sqlURL) part(i int) string {
	if i < len(u.parts) {
		return u.parts[i]
	}
	return ""
}

// option is the first value of an option that is not empty.
func (u sqlURL) option(names ...string) string {
	for _, name := range names {
		if v := u.query[name]; len(v) > 0 && v[0] != "" {
			return v[0]
		}
	}
	return ""
}

// nameEmbedded reads sqlite:///relative and sqlite:////absolute: no host, the path is the store.
func nameEmbedded(scheme, rest string) Datasource {
	p := dropQuery(rest)
	if !strings.HasPrefix(p, "//") {
		p = strings.TrimPrefix(p, "/")
	}
	if p == "" {
		p = ":memory:"
	}
	return Datasource{Namespace: normaliseNamespace(scheme + "://" + p)}
}

// namePostgres knows that libpq takes hosts from the query, and a local socket where no host is named.
func namePostgres(u sqlURL) Datasource {
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
		u.authority = orElse(strings.Join(hosts, ","), "localhost")
	}
	ds := Datasource{Namespace: u.namespace(), Database: orElse(u.part(0), u.option("dbname", "database"))}
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
	account := strings.TrimPrefix(normaliseNamespace("snowflake://"+host), "snowflake://")
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
func nameDatabricks(u sqlURL) Datasource {
	host := strings.TrimSuffix(u.authority, ":443")
	ds := Datasource{Namespace: "databricks://" + host, Database: u.option("catalog"), Schema: u.option("schema")}
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

func nameAthena(u sqlURL) Datasource {
	ds := Datasource{Namespace: u.namespace(), Database: orElse(u.option("catalog_name"), "AwsDataCatalog"),
		Schema: orElse(u.part(0), u.option("schema_name"))}
	if region := u.option("region_name"); u.authority == "" && region != "" {
		ds.Namespace = "awsathena://athena." + region + ".amazonaws.com"
	}
	return ds
}

// nameSQLServer reads host, port, instance and database also from an ODBC string inside the query.
func nameSQLServer(u sqlURL) Datasource {
	ds := Datasource{Namespace: u.namespace(), Database: u.part(0)}
	odbc := u.option("odbc_connect")
	if odbc == "" {
		return ds
	}
	server := ""
	for k, v := range odbcOptions(odbc) {
		switch k {
		case "server", "data source", "address", "addr", "network address":
			server = v
		case "database", "initial catalog":
			ds.Database = v
		case "dsn":
			if server == "" {
				server = v
			}
		}
	}
	ds.Namespace = u.scheme + "://" + server
	return ds
}

// odbcOptions reads KEY=value;KEY={va;lue}. Passwords are dropped with the rest that nobody asks for.
func odbcOptions(s string) map[string]string {
	wanted := make(map[string]string)
	for s != "" {
		var key, value string
		var ok bool
		if key, s, ok = strings.Cut(s, "="); !ok {
			break
		}
		if strings.HasPrefix(s, "{") {
			value, s = odbcBraced(s[1:])
			_, s, _ = strings.Cut(s, ";")
		} else {
			value, s, _ = strings.Cut(s, ";")
		}
		key = strings.ToLower(strings.TrimSpace(strings.TrimLeft(key, "; ")))
		if key != "pwd" && key != "password" {
			wanted[key] = strings.TrimSpace(value)
		}
	}
	return wanted
}

// odbcBraced reads up to the closing brace; }} is a plain one.
func odbcBraced(s string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '}' {
			if i+1 >= len(s) || s[i+1] != '}' {
				return b.String(), s[i+1:]
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// The parts of an Oracle connect descriptor.
var (
	oracleHost    = regexp.MustCompile(`(?i)\(\s*HOST\s*=\s*([^()\s]+)\s*\)`)
	oraclePort    = regexp.MustCompile(`(?i)\(\s*PORT\s*=\s*(\d+)\s*\)`)
	oracleService = regexp.MustCompile(`(?i)\(\s*(?:SERVICE_NAME|SID)\s*=\s*([^()\s]+)\s*\)`)
)

// nameOracle reads the service name or SID from the path, from the options, or from a connect descriptor.
func nameOracle(u sqlURL) Datasource {
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
		return Datasource{Namespace: ns, Database: first(oracleService, text)}
	}
	return Datasource{Namespace: u.namespace(), Database: orElse(u.option("service_name", "sid"), u.part(0))}
}

// nameSpanner reads /projects/p/instances/i/databases/d.
func nameSpanner(u sqlURL) Datasource {
	known := make(map[string]string)
	for i := 0; i+1 < len(u.parts); i += 2 {
		known[strings.ToLower(u.parts[i])] = u.parts[i+1]
	}
	if known["projects"] == "" || known["instances"] == "" {
		return Datasource{Namespace: u.namespace(), Database: u.part(0)}
	}
	return Datasource{Namespace: "spanner://" + known["projects"] + ":" + known["instances"], Database: known["databases"]}
}
