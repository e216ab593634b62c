package kafkaclient

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func setServers(s *state, v string) error {
	var seeds []string
	for server := range strings.SplitSeq(v, ",") {
		server = strings.TrimSpace(server)
		if server == "" {
			continue
		}
		if err := checkServer(server); err != nil {
			return err
		}
		seeds = append(seeds, server)
	}
	if len(seeds) == 0 {
		return errors.New("must name at least one broker as host:port")
	}
	s.opts = append(s.opts, kgo.SeedBrokers(seeds...))
	return nil
}

// checkServer never repeats the server: people bring along addresses with a password.
func checkServer(server string) error {
	if strings.Contains(server, "@") {
		return errors.New("must be host:port without user and password: set sasl.username and sasl.password")
	}
	host := server
	if at := strings.LastIndexByte(server, ':'); at > strings.LastIndexByte(server, ']') {
		host = server[:at]
		if n, err := strconv.Atoi(server[at+1:]); err != nil || n < 1 || n > 65535 {
			return errors.New("must be host:port, several separated by commas, the port from 1 to 65535")
		}
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.ContainsAny(bare, "/ \t[]?#;=") || bare == host && strings.Contains(host, ":") {
		return errors.New("must be host:port, several separated by commas, without a scheme; an IPv6 address in brackets")
	}
	return nil
}

func setProtocol(s *state, v string) error {
	switch strings.ToUpper(v) {
	case "PLAINTEXT":
	case "SSL":
		s.ssl = true
	case "SASL_PLAINTEXT":
		s.auth = true
	case "SASL_SSL":
		s.ssl, s.auth = true, true
	default:
		return oneOf(v, "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
	}
	return nil
}

// setDialTimeout is for both ways to dial: franz-go's own, and ours over TLS, to which it does not apply.
func setDialTimeout(s *state, v string) error {
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 0 {
		return errors.New("must be a whole number of milliseconds")
	}
	s.tls.dialTimeout = time.Duration(n) * time.Millisecond
	s.opts = append(s.opts, kgo.DialTimeout(s.tls.dialTimeout))
	return nil
}
