package plainhttp

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
)

func packed(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

const (
	ok    = "HTTP/1.1 201 Created\r\nX-Said: a\r\n"
	empty = ok + "Content-Length: 0\r\n\r\n"
)

// answers are what a backend says to each request; those with a * it says and hangs up.
var answers = map[string]string{
	"nothing to read":                     empty,
	"a body":                              ok + "Content-Length: 2\r\n\r\nok",
	"a body over 1 MiB":                   ok + "Content-Length: 2097152\r\n\r\n" + strings.Repeat("x", 2<<20),
	"a body, no length *":                 ok + "\r\nto the end",
	"a body that is cut *":                ok + "Content-Length: 20\r\n\r\nok",
	"chunked":                             ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1;ext=1\r\n!\r\n0\r\n\r\n",
	"chunked, trailer":                    ok + "Trailer: X-After\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-After: b\r\n\r\n",
	"chunked, endless trailer *":          ok + "Trailer: X-After\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X-After: b\r\n", 10_000),
	"chunked, no number *":                ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
	"chunked, cut *":                      ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nok",
	"chunked, without its last chunk *":   ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
	"chunked, a chunk too long for a sum": ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nok",
	"204":                                 "HTTP/1.1 204 No Content\r\n\r\n",
	"204 with a length":                   "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
	"304":                                 "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
	"302":                                 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
	"500":                                 "HTTP/1.1 500 No\r\nX-Said: b\r\nContent-Length: 1\r\n\r\n!",
	"no reason":                           "HTTP/1.1 201\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.0 *":                          "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.0, no length *":               "HTTP/1.0 200 OK\r\n\r\nok",
	"HTTP/1.0, kept":                      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.0, chunked *":                 "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	"HTTP/2.0":                            "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/3.1":                            "HTTP/3.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"Connection: close *":                 ok + "Connection: close\r\nContent-Length: 2\r\n\r\nok",
	"Connection: close, nothing *":        ok + "Connection: close\r\nContent-Length: 0\r\n\r\n",
	"Connection: close, and it is not":    ok + "Connection: close\r\nContent-Length: 2\r\n\r\nok",
	"one length twice":                    ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
	"two lengths *":                       ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
	"a negative length *":                 ok + "Content-Length: -1\r\n\r\nok",
	"a length that is none *":             ok + "Content-Length: 2x\r\n\r\nok",
	"a length over 64 bits *":             ok + "Content-Length: 99999999999999999999\r\n\r\nok",
	"a length, and chunked":               ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	"chunked twice *":                     ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"an encoding that nobody knows *":     ok + "Transfer-Encoding: gzip\r\n\r\nok",
	"packed":                              ok + fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(packed("ok")), packed("ok")),
	"packed, and cut *":                   ok + fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(packed("ok")), packed("ok")[:12]),
	"said to be packed":                   ok + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
	"said to be packed, nothing":          ok + "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
	"no HTTP *":                           "SSH-2.0-OpenSSH_9.6\r\n",
	"no HTTP, no end *":                   strings.Repeat("x", 2<<20),
	"no word *":                           "",
	"half a status *":                     "HTTP/1.1 20",
	"half a header *":                     "HTTP/1.1 201 Created\r\nX-Said: a\r\nX-",
	"a status of two digits *":            "HTTP/1.1 20 OK\r\n\r\n",
	"status -20 *":                        "HTTP/1.1 -20 OK\r\n\r\n",
	"status 099 *":                        "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
	"status 600":                          "HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
	"no colon *":                          "HTTP/1.1 201 Created\r\nX-Said\r\n\r\n",
	"a name with a space":                 "HTTP/1.1 201 Created\r\nX Said: a\r\nContent-Length: 0\r\n\r\n",
	"a line before the first":             "HTTP/1.1 201 Created\r\n X-Said: a\r\nContent-Length: 0\r\n\r\n",
	"a folded line":                       "HTTP/1.1 201 Created\r\nX-Said: a\r\n b\r\nContent-Length: 0\r\n\r\n",
	"a zero byte":                         "HTTP/1.1 201 Created\r\nX-Said: a\x00b\r\nContent-Length: 0\r\n\r\n",
	"line feeds alone":                    "HTTP/1.1 201 Created\nX-Said: a\nContent-Length: 2\n\nok",
	"100":                                 "HTTP/1.1 100 Continue\r\n\r\n" + empty,
	"102 and 103":                         "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\nX-Said: no\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nok",
	"ten of 100":                          strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 10) + empty,
	"100 and no more *":                   "HTTP/1.1 100 Continue\r\n\r\n",
	"101":                                 "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
	"101 without the word":                "HTTP/1.1 101 Switching Protocols\r\n\r\n",
	"a header of 900 kB":                  ok + strings.Repeat("X-Pad: "+strings.Repeat("x", 990)+"\r\n", 900) + "Content-Length: 2\r\n\r\nok",
	"a line of 900 kB":                    ok + "X-Pad: " + strings.Repeat("x", 900_000) + "\r\nContent-Length: 2\r\n\r\nok",
	"a header over 1 MiB *":               ok + strings.Repeat("X-Pad: "+strings.Repeat("x", 990)+"\r\n", 1100) + "Content-Length: 2\r\n\r\nok",
	"a line over 1 MiB *":                 ok + "X-Pad: " + strings.Repeat("x", 1<<20) + "\r\nContent-Length: 2\r\n\r\nok",
	"1xx over 1 MiB *":                    strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 50_000) + empty,
}

// Whatever a backend answers, and however often it is asked, it is taken as net/http takes it; and as many connections are needed for it.
func TestAnswersAreTakenAsNetHTTPTakesThem(t *testing.T) {
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(map[string]string)
			for way, transport := range ways {
				b := start(t, func(s *served) {
					for {
						if _, ok := s.request(); !ok {
							return
						}
						s.say(answer)
						if strings.HasSuffix(name, "*") {
							return
						}
					}
				})
				rt := transport(t, b, nil)
				for range 3 {
					got[way] += outcome(rt, post(t.Context(), t, b.URL, "event")) + "\n"
				}
				got[way] += fmt.Sprintf("%d connections, %d requests", b.conns.Load(), b.requests.Load())
			}
			if got["plainhttp"] != got["net/http"] {
				t.Errorf("got\n%.1000s\nnet/http has\n%.1000s", got["plainhttp"], got["net/http"])
			}
		})
	}
}

// An answer that never ends its header ends at the bound.
func TestAnEndlessHeaderEnds(t *testing.T) {
	for name, endless := range map[string][2]string{
		"lines":       {"HTTP/1.1 201 Created\r\n", "X-More: x\r\n"},
		"one line":    {"HTTP/1.1 201 Created\r\nX-More: ", "xxxxxxxxxx"},
		"status line": {"HTTP/1.1 201 ", "xxxxxxxxxx"},
		"folded":      {"HTTP/1.1 201 Created\r\nX-More: x\r\n", " x\r\n"},
		"100":         {"", "HTTP/1.1 100 Continue\r\n\r\n"},
		"103":         {"", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"},
	} {
		for way, transport := range ways {
			b := start(t, func(s *served) {
				_, _ = s.request()
				s.say(endless[0])
				for _, err := s.Write([]byte(strings.Repeat(endless[1], 1000))); err == nil; {
					_, err = s.Write([]byte(strings.Repeat(endless[1], 1000)))
				}
			})
			_, err := transport(t, b, nil).RoundTrip(post(t.Context(), t, b.URL, "event"))
			if err == nil || !strings.Contains(err.Error(), "1048576 bytes") {
				t.Errorf("%s, %s: %v", name, way, err)
			}
		}
	}
}
