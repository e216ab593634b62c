package web

import (
	"embed"
	"fmt"
	"html/template"
	"sync"
)

//go:embed all:templates
var templateFiles embed.FS

// templates are the pages. Each is read when it is first shown: a process shows few of them if any, and all of them are tens of thousands of pieces, which
// take time when it starts, and the garbage collector's from then on.
type templates struct {
	funcs template.FuncMap

	mu   sync.Mutex                    // guards below
	base *template.Template            // of what begins with _, which is for all; nil: nothing was read yet
	read map[string]*template.Template // by the file's name without its ending
}

func newTemplates(funcs template.FuncMap) *templates {
	return &templates{funcs: funcs, read: make(map[string]*template.Template)}
}

// page is a page with the layout around it. An error is a mistake of ours.
func (t *templates) page(name string) (*template.Template, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if one := t.read[name]; one != nil {
		return one, nil
	}
	one, err := t.parse(name)
	if err != nil {
		return nil, fmt.Errorf("template of the page %s: %w", name, err)
	}
	t.read[name] = one
	return one, nil
}

// parse reads a page. The caller holds mu.
func (t *templates) parse(name string) (one *template.Template, err error) {
	if t.base == nil {
		if t.base, err = template.New("").Funcs(t.funcs).ParseFS(templateFiles, "templates/_*.html"); err != nil {
			t.base = nil
			return nil, err
		}
	}
	text, err := templateFiles.ReadFile("templates/" + name + ".html")
	if err != nil {
		return nil, err
	}
	if one, err = t.base.Clone(); err != nil {
		return nil, err
	}
	return one.New(name).Parse(string(text))
}
