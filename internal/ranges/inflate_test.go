package ranges

import "testing"

func FuzzHeaders(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 'k', 2, 'v', 4, 2, 'h', 2, 'v', 2, 'i', 1})
	f.Fuzz(func(t *testing.T, rec []byte) {
		if n := headers(rec); n < 0 || n > len(rec) {
			t.Errorf("%d headers in %d bytes", n, len(rec))
		}
	})
}
