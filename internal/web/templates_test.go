package web

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
)

// They are read when they are shown: what is wrong with one is to be known before.
func TestEveryTemplateCanBeRead(t *testing.T) {
	s := made(t, seenAll("orders"))
	pages := 0
	err := fs.WalkDir(templateFiles, "templates", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), "_") {
			return err
		}
		pages++
		one, err := s.templates.page(strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html"))
		if err == nil && one.Lookup("main") == nil {
			t.Errorf("%s has no main", name)
		}
		return err
	})
	if err != nil || pages < 10 {
		t.Errorf("%d pages: %v", pages, err)
	}
	if _, err := s.templates.page("none"); err == nil {
		t.Error("a page that is not there was read")
	}
}

func TestAPageIsReadOnceByWhoeverAsksFirst(t *testing.T) {
	s := made(t, seenAll("orders"))
	var all sync.WaitGroup
	for _, target := range pages("orders") {
		for range 3 {
			all.Go(func() {
				if w := answer(s, asked(http.MethodGet, target)); w.Code != http.StatusOK {
					t.Errorf("%s: %d", target, w.Code)
				}
			})
		}
	}
	all.Wait()
	first, _ := s.templates.page("now")
	if again, _ := s.templates.page("now"); first != again {
		t.Error("it was read again")
	}
}
