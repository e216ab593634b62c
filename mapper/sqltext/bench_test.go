package sqltext

import (
	"strings"
	"testing"
)

// The cost of a text is its length, whatever it is made of.
func BenchmarkRead(b *testing.B) {
	for name, piece := range map[string]string{"plain": "SELECT a.b, 'x y' FROM t JOIN s.u ON a = 1.5; ", "slashes": "a/", "quotes": `a"b"`, "comments": "/* a */ b -- c\n"} {
		sql := strings.Repeat(piece, MaxRead/len(piece))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(sql)))
			for b.Loop() {
				q := Read(sql, "postgres")
				q.Tables()
				q.Masked()
			}
		})
	}
}
