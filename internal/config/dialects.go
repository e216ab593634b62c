package config

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// foreign is a key of OpenLineage's clients below transport that gx-ol has no key for.
type foreign struct {
	effect string // told as why it has none; empty: the key is refused
	hint   string // what to do instead
}

var foreignKeys = map[string]foreign{
	"retry":                   {effect: "gx-ol tries again until an event is delivered: retry.*"},
	"max_queue_size":          {effect: "Kafka is the queue"},
	"max_concurrent_requests": {effect: "gx-ol finds out what the backend bears, up to input.max_in_flight"},
	"async_transport_rules":   {effect: "events are always sent side by side"},
	"flush":                   {effect: "each event is acknowledged"},
	"withThreadPool":          {effect: "destinations get events side by side"},
	"append":                  {effect: "events are always added to one file"},
	"urlParams":               {hint: "write them into transport.url, as in http://host:5000?name=value"},
	"sslContext":              {hint: "set transport.ssl.ca.location, transport.ssl.certificate.location and transport.ssl.key.location to PEM files"},
	"storage_options":         {hint: "gx-ol writes to a local file"},
	"filesystem":              {hint: "gx-ol writes to a local file"},
	"fs_kwargs":               {hint: "gx-ol writes to a local file"},
	"protocol":                {hint: "gx-ol writes to a local file"},
	"localServerId":           {hint: "set transport.messageKey"},
}

// foreignTypes are kinds of transports of OpenLineage's clients that gx-ol has not, with what does the same.
var foreignTypes = map[string]string{
	"transform":           "gx-ol names jobs and datasets itself: job.namespace, job.rules, datasources",
	"msk-iam":             "set type: kafka with config: {sasl.mechanism: AWS_MSK_IAM, security.protocol: SASL_SSL, bootstrap.servers: …}",
	"gcplineage":          "send to a Kafka topic (type: kafka), and from there to Google Cloud",
	"amazon_datazone_api": "send to a Kafka topic (type: kafka), and from there to Amazon DataZone",
	"datazone":            "send to a Kafka topic (type: kafka), and from there to Amazon DataZone",
	"datadog":             "send to a Kafka topic (type: kafka), and from there to Datadog",
	"kinesis":             "send to a Kafka topic (type: kafka), and from there to Kinesis",
	"gcs":                 "write to a file (type: file), or to a Kafka topic (type: kafka)",
	"s3":                  "write to a file (type: file), or to a Kafka topic (type: kafka)",
}

// dialect takes keys and values below transport that OpenLineage's clients have in another way. done: nothing is left to do.
func (l *loader) dialect(prefix string, key, value *yaml.Node) (done bool) {
	in, ok := transportOf(prefix)
	if !ok {
		return false
	}
	switch name := plainKey(key.Value); name {
	case "type":
		return l.dialectType(in, value)
	case "timeoutinmillis":
		l.millis(prefix, key, value)
		return true
	case "verify":
		if _, err := strconv.ParseBool(value.Value); err == nil || value.Kind != yaml.ScalarNode || !strings.ContainsAny(value.Value, "/.") {
			return false
		}
		l.leaf(l.known[prefix+"ssl.ca.location"], key, value) // as Python's requests takes it: a file of authorities
		return true
	default:
		for known, f := range foreignKeys {
			if plainKey(known) != name {
				continue
			}
			switch {
			case f.effect == "":
				l.fault(l.at(key), "%s.%s is not supported: %s", in, known, f.hint)
			case known != "append" || value.Value == "false":
				l.warn("%s: %s.%s has no effect: %s", l.at(key), in, known, f.effect)
			}
			return true
		}
	}
	return false
}

// transportOf is the transport whose keys have a prefix: the one, or one of a composite.
func transportOf(prefix string) (in string, ok bool) {
	in = strings.TrimSuffix(prefix, ".")
	return in, in == "transport" || strings.HasPrefix(in, "transport.transports.") && strings.Count(in, ".") == 2
}

// refusedTransport tells of a transport of a kind that there is not. Its other keys are of that kind, so they are not told too.
func (l *loader) refusedTransport(prefix string, n *yaml.Node) bool {
	in, ok := transportOf(prefix)
	if !ok || n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := n.Content[i+1]
		if n.Content[i].Value != "type" || value.Kind != yaml.ScalarNode {
			continue
		}
		if hint, ok := foreignTypes[strings.ToLower(value.Value)]; ok {
			l.fault(l.at(value), "%s.type %s is not supported: %s", in, strings.ToLower(value.Value), hint)
			return true
		}
		if strings.Count(value.Value, ".") > 1 && !strings.ContainsAny(value.Value, "/:${ ") {
			l.fault(l.at(value), "%s.type names a class, and gx-ol runs neither Python nor Java: set http, kafka, console, file or composite", in)
			return true
		}
	}
	return false
}

// dialectType makes a type of theirs one of ours.
func (l *loader) dialectType(in string, value *yaml.Node) (done bool) {
	if value.Kind != yaml.ScalarNode {
		return false
	}
	switch strings.ToLower(value.Value) {
	case "async_http":
		value.Value = "http"
		return false
	case "noop":
		if in == "transport" {
			l.cfg.Disabled = true
			l.places["transport.type"] = l.at(value)
			return true
		}
	}
	return false
}

// millis is the Java client's timeout.
func (l *loader) millis(prefix string, key, value *yaml.Node) {
	n, err := strconv.Atoi(value.Value)
	if err != nil || n <= 0 {
		l.fault(l.at(value), "%stimeoutInMillis must be a whole number of milliseconds", prefix)
		return
	}
	as := *value
	as.Value = strconv.Itoa(n) + "ms"
	if place, ok := l.origins[value]; ok {
		l.origins[&as] = place
	}
	l.leaf(l.known[prefix+"timeout"], key, &as)
}
