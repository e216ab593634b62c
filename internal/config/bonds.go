package config

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A secret goes to the host that it was configured with: that of the file with the file's address, that of the environment with the address that files and
// environment name together. Whoever only names another host (a later file, a variable, a flag) has not said that it may have the secret. What is kept back is
// said. A secret that was configured where nobody named a host yet is for the one that is named later.

// bond is a secret, and the address that hears it.
type bond struct {
	secret, address string // their keys
	host            string // the address's present value; empty: none
	same            func(configured, now string) bool
	held            func() bool
	take            func()
	of              *Transport // the backend that hears it; nil: it is none
	kafka           bool       // it is for brokers, or for their token endpoint
	idle            bool       // kafka: nobody hears it, as signing in is configured
}

// bound is with what a secret was configured.
type bound struct{ place, host, address string }

// bonds are those of all destinations and of the brokers. environment: files and environment have been read, so OPENLINEAGE_URL may name a host.
func (l *loader) bonds(environment bool) []bond {
	all := kafkaBonds("kafka", l.cfg.Kafka)
	top := &l.cfg.Transport
	host := top.URL
	if host == "" && environment && (top.Type == "" || top.Type == "http") {
		host, _ = l.getenv("OPENLINEAGE_URL")
	}
	all = append(all, httpBonds("transport", top, host)...)
	all = append(all, kafkaBonds("transport.config", top.Config)...)
	for _, t := range top.Transports {
		path := "transport.transports." + t.Name
		all = append(all, httpBonds(path, t, t.URL)...)
		all = append(all, kafkaBonds(path+".config", t.Config)...)
	}
	return all
}

// httpBonds are what a backend hears, and what the token endpoint does.
func httpBonds(path string, t *Transport, host string) (all []bond) {
	secrets := map[string]*string{"apiKey": &t.Auth.APIKey, "password": &t.Auth.Password, "clientSecret": &t.Auth.ClientSecret}
	add := func(name, address, host string, of *Transport) {
		value := secrets[name]
		all = append(all, bond{secret: path + ".auth." + name, address: path + "." + address, host: host, same: sameHost,
			held: func() bool { return *value != "" }, take: func() { *value = "" }, of: of})
	}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		add(name, "url", host, t)
	}
	add("clientSecret", "auth.tokenEndpoint", t.Auth.TokenEndpoint, nil)
	if t.Auth.Type == "jwt" {
		add("apiKey", "auth.tokenEndpoint", t.Auth.TokenEndpoint, nil)
	}
	for _, name := range slices.Sorted(maps.Keys(t.CustomHeaders)) {
		all = append(all, bond{secret: path + headersKey + "." + name, address: path + ".url", host: host, same: sameHost,
			held: func() bool { return t.CustomHeaders[name] != "" }, of: t, take: func() {
				if delete(t.CustomHeaders, name); len(t.CustomHeaders) == 0 {
					t.CustomHeaders = nil
				}
			}})
	}
	return all
}

const headersKey = ".custom_headers"

// kafkaBonds are what brokers hear. Certificates are none: a private key proves, and does not travel.
func kafkaBonds(path string, props map[string]string) (all []bond) {
	add := func(name, address string, used bool) {
		all = append(all, bond{secret: path + "." + name, address: path + "." + address, host: props[address], same: sameBrokers,
			held: func() bool { return props[name] != "" }, take: func() { delete(props, name) }, kafka: true,
			idle: !used || !strings.HasPrefix(strings.ToUpper(props["security.protocol"]), "SASL")})
		if address == tokenEndpoint {
			all[len(all)-1].same = sameHost
		}
	}
	mechanism := strings.ToUpper(cmp.Or(props["sasl.mechanism"], props["sasl.mechanisms"]))
	byToken := mechanism == "OAUTHBEARER" || mechanism == ""
	add("sasl.password", bootstrap, mechanism != "OAUTHBEARER" && mechanism != "AWS_MSK_IAM")
	add("sasl.jaas.config", bootstrap, true)
	for _, name := range []string{"sasl.oauthbearer.client.secret", "sasl.oauthbearer.client.credentials.client.secret"} {
		add(name, bootstrap, byToken)
		add(name, tokenEndpoint, byToken)
	}
	if byToken {
		add("sasl.jaas.config", tokenEndpoint, true)
	}
	if strings.HasPrefix(props[tokenEndpoint], "file:") {
		add(tokenEndpoint, bootstrap, byToken)
	}
	return all
}

const (
	bootstrap     = "bootstrap.servers"
	tokenEndpoint = "sasl.oauthbearer.token.endpoint.url"
)

// ofEnvironment is the text of a secret that the environment gives, wherever it stands.
var ofEnvironment = regexp.MustCompile(`^\$\{[A-Za-z0-9_]+\}$|(?i)(password|clientsecret)\s*=\s*["']\$\{[A-Za-z0-9_]+\}["']`)

// bind notes, at the end of each source, with what the secrets that it has set are configured. environment: it is the environment, and those of brokers that
// stand as ${VAR} in a file are its own: who deploys a file over another names the brokers there, and gives the secret here.
func (l *loader) bind(environment bool) {
	for _, b := range l.bonds(environment) {
		if !b.held() || b.kafka && !environment && ofEnvironment.MatchString(l.sources[b.secret].text) {
			continue
		}
		before, known := l.bound[[2]string{b.secret, b.address}]
		place := l.setAt(b.secret)
		if !known || before.place != place || before.host == "" {
			l.bound[[2]string{b.secret, b.address}] = bound{place, b.host, l.setAt(b.address)}
		}
	}
}

// setAt is where a key, or one name below it, was set.
func (l *loader) setAt(path string) string { return cmp.Or(l.sources[path].place, l.places[path]) }

// keepSecrets takes back what the present hosts were not configured with. The command line, of --set and all flags, is one source.
func (l *loader) keepSecrets() {
	l.bind(true)
	headers := map[string]bool{}
	for _, b := range l.bonds(true) {
		with := l.bound[[2]string{b.secret, b.address}]
		if !b.held() || with.host == "" || b.host == "" || b.same(with.host, b.host) || b.idle {
			continue
		}
		b.take()
		names := cmp.Or(l.setAt(b.address), "OPENLINEAGE_URL")
		head, _, isHeader := strings.Cut(b.secret, headersKey+".")
		switch {
		case b.of == nil:
			l.lacksSecret(b, with, names)
		case !isHeader:
			l.warn("%s from %s is not sent to the host that %s names: it was configured with another", b.secret, with.place, names)
			delete(l.places, b.secret)
		case !headers[head]:
			headers[head] = true
			l.warn("%s from %s are not sent to the host that %s names: they were configured with another", head+headersKey, with.place, names)
		}
		delete(l.cfg.files, b.secret)
		delete(l.sources, b.secret)
		if b.of != nil && !isHeader && !b.of.Auth.secrets() {
			b.of.Auth.forget()
		}
	}
}

// lacksSecret is a fault: brokers and token endpoints take nobody without a secret, while a backend may take events.
func (l *loader) lacksSecret(b bond, with bound, names string) {
	if l.unneeded != nil { // nobody signs in
		return
	}
	what := "these brokers: it was configured with others"
	if !strings.HasSuffix(b.address, bootstrap) {
		what = "this token endpoint: it was configured with another"
	}
	l.fault(names, "%s from %s is not sent to %s (%s). Set both in one place, or name no address there", b.secret, with.place, what, with.address)
	l.breaks(b.secret)
}

// sameHost compares what decides who hears a request: scheme, host and port.
func sameHost(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Scheme == y.Scheme && strings.EqualFold(x.Hostname(), y.Hostname()) && port(x) == port(y)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// sameBrokers says whether all that are named now were named before: any of them may be the first that is asked.
func sameBrokers(configured, now string) bool {
	before := brokers(configured)
	return !slices.ContainsFunc(brokers(now), func(b string) bool { return !slices.Contains(before, b) })
}

// brokers are the addresses of bootstrap.servers, each written in one way.
func brokers(list string) (all []string) {
	for b := range strings.SplitSeq(list, ",") {
		if b = strings.ToLower(strings.TrimSpace(b)); b == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(b); err != nil {
			b = fmt.Sprintf("%s:9092", b)
		}
		all = append(all, b)
	}
	return all
}
