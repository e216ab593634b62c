package naming

import (
	"cmp"
	"strings"
)

// nameSQLServer reads host, port, instance and database also from an ODBC string inside the query.
func nameSQLServer(u sqlURL) Store {
	ds := Store{Namespace: u.namespace(), Database: cmp.Or(u.part(0), u.option("database"))}
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
