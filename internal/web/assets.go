package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed all:assets
var assetFiles embed.FS

// assets are the styles and modules. Their URLs hold a hash over all of them, so that a browser keeps them for ever and never uses old ones; modules
// import each other by relative paths.
type assets struct {
	version string
	by      map[string]asset
}

type asset struct {
	kind    string
	plain   []byte
	smaller func() []byte // gzip, made when it is first asked for
}

func readAssets() (assets, error) {
	all := assets{by: make(map[string]asset)}
	sum := sha256.New()
	err := fs.WalkDir(assetFiles, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := assetFiles.ReadFile(name)
		if err != nil {
			return err
		}
		sum.Write([]byte(name))
		sum.Write(body)
		all.by[strings.TrimPrefix(name, "assets/")] = asset{kind: kindOf(name), plain: body, smaller: sync.OnceValue(func() []byte { return packed(body) })}
		return nil
	})
	all.version = hex.EncodeToString(sum.Sum(nil))[:12]
	return all, err
}

// packed is an asset as it is sent to who can unpack it.
func packed(body []byte) []byte {
	var small bytes.Buffer
	z, _ := gzip.NewWriterLevel(&small, gzip.BestCompression) // the level is right
	_, _ = z.Write(body)                                      // a buffer takes everything
	_ = z.Close()
	return small.Bytes()
}

// kindOf does not ask the system's tables, which may be wrong.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".txt", "":
		return "text/plain; charset=utf-8"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// url is where an asset is.
func (a assets) url(name string) string { return "/assets/" + a.version + "/" + name }

// serve answers with an asset; one that a page of another version asks for is not there.
func (a assets) serve(w http.ResponseWriter, r *http.Request) {
	one, ok := a.by[r.PathValue("file")]
	if !ok || r.PathValue("version") != a.version {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	a.send(w, r, one)
}

func (a assets) icon(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	a.send(w, r, a.by["icon.svg"])
}

func (a assets) send(w http.ResponseWriter, r *http.Request, one asset) {
	w.Header().Set("Content-Type", one.kind)
	w.Header().Set("Vary", "Accept-Encoding")
	body := one.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		body = one.smaller()
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
