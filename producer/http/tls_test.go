package http

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/internal/tlsfiles"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// The key goes to whoever has a certificate for the host of the url. That of httptest is for example.com, *.example.com and 127.0.0.1.
func TestTheKeyGoesToTheHostOfTheURLAlone(t *testing.T) {
	keys := make(chan string, 1)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys <- r.Header.Get("Authorization")
		w.WriteHeader(http.StatusCreated)
	}))
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := tlsfiles.Read(tlsfiles.Files{CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	other := httptest.NewUnstartedServer(s.Config.Handler)
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("no second loopback address: ", err)
	}
	_ = other.Listener.Close()
	other.Listener = listener
	other.TLS = &tls.Config{Certificates: s.TLS.Certificates}
	other.StartTLS()
	defer other.Close()
	for url, ok := range map[string]bool{
		s.URL: true,
		strings.Replace(s.URL, "127.0.0.1", "localhost", 1): false,
		other.URL: false,
	} {
		h, err := New(Config{URL: url, APIKey: "key-of-ours", Backend: Generic, TLS: files.For})
		if err != nil {
			t.Fatal(err)
		}
		err = h.Deliver(t.Context(), openlineage.Event{Body: []byte(`{}`)})
		if (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
		select {
		case key := <-keys:
			if !ok {
				t.Errorf("%s: %q was sent", url, key)
			}
		default:
			if ok {
				t.Errorf("%s: nothing arrived", url)
			}
		}
		_ = h.Close()
	}
}
