package web

import (
	"fmt"
	"strings"

	"github.com/gx-ol/gx-ol/internal/seen"
)

// advice says what to do about a partition that waits, by the code of the error that it waits for to end.
func advice(h seen.Hold) []string {
	var do []string
	say := func(text string, args ...any) { do = append(do, fmt.Sprintf(text, args...)) }
	status, isHTTP := strings.CutPrefix(h.Code, "http_")
	switch {
	case h.Destination == "dead_letters":
		say("The dead-letter topic does not take a letter: look at its brokers, and at this user's rights to write to it.")
	case status == "401" || status == "403":
		say("The backend does not accept the key: exchange transport.auth.apiKey. A key in a file is read again at once.")
	case status == "404" || status == "405":
		say("Nothing answers at this address: check transport.url and transport.endpoint.")
	case status == "429":
		say("The backend asks for fewer requests. It is asked more slowly already; nothing else is to be done.")
	case isHTTP && strings.HasPrefix(status, "3"):
		say("The backend sends elsewhere, perhaps to a login: check transport.url.")
	case isHTTP && strings.HasPrefix(status, "5"):
		say("The backend fails: its own log says why. It is tried again, more and more rarely.")
	case isHTTP:
		say("The backend refuses every event alike: check transport.url and what stands before the backend.")
	case strings.HasPrefix(h.Code, "tls") || strings.Contains(h.Code, "certificate"):
		say("The backend's certificate is not accepted: check transport.ssl.ca, and the name in transport.url.")
	case h.Code == "timeout":
		say("The backend does not answer in time: is it overloaded, or transport.timeout too short?")
	case h.Code == "connection":
		say("The backend does not answer: is it running, is transport.url right, and does the network let this process reach it?")
	default:
		say("It is tried again by itself. The reason says what the destination answered.")
	}
	say("If it is a single record that nobody will ever take: gx-ol dlq bury %s/%d/OFFSET --reason …", cut(120, h.Topic), h.Partition)
	return do
}
