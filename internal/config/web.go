package config

// Web is the page.
type Web struct {
	Page       bool     // run serves it, beside /metrics
	Listen     string   // of gx-ol web
	TokenFile  string   // what signs in to change something; empty: nothing can be changed
	Hosts      []string // further names that it is asked by
	BackendURL string   // of the backend's own web page; empty: derived from the transport; off: none
	MaxBytes   int      // of what was seen; 0: chosen from the memory that the container gives
}

func webFields() []field {
	return []field{
		{path: "web.page", typ: "bool", def: "true", doc: "serve the page (docs/web.md) at telemetry.listen, beside /metrics", at: func(c *Config) any { return &c.Web.Page }},
		{path: "web.listen", typ: "string", def: "127.0.0.1:9465", doc: "address of the page of gx-ol web", at: func(c *Config) any { return &c.Web.Listen }},
		{path: "web.token_file", typ: "string", doc: "file with the token that signs in to change something, and to read from elsewhere than this machine; read again when it changes", at: func(c *Config) any { return &c.Web.TokenFile }},
		{path: "web.hosts", typ: "list", doc: "further names by which the page may be asked, beside localhost, this machine's own and IP addresses", at: func(c *Config) any { return &c.Web.Hosts }},
		{path: "web.backend_url", typ: "string", doc: "the backend's own web page, which the page links to (Marquez: http://localhost:3000); off: no links; default: that of a Marquez at port 5000 of this machine", at: func(c *Config) any { return &c.Web.BackendURL }},
		{path: "web.max_bytes", typ: "size", def: "0", doc: "memory for what the page remembers of results; 0: 24 MiB, and at most a twelfth of the container's memory", at: func(c *Config) any { return &c.Web.MaxBytes }},
	}
}
