// Package gxproject reads a Great Expectations project's great_expectations.yml and says how each datasource is named.
//
// Nothing that it returns or says holds a credential: they are cut from a connection string before its variables are
// looked up, so that a password which is not set here does not matter either.
package gxproject

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/mapper/naming"
)

// maxFile bounds both files: the largest project of the corpus has 20 kB.
const maxFile = 4 << 20

// Project is what a great_expectations.yml tells.
type Project struct {
	File        string
	Folder      string // that holds it: relative paths begin there
	Datasources map[string]naming.Datasource
	Warnings    []string // what could not be told, and why: place, key, names of variables, never a value
}

// Options are what a project file does not hold itself.
type Options struct {
	// Getenv looks up an environment variable; nil: there is none.
	Getenv func(name string) (string, bool)
}

// Read reads the project at path: its great_expectations.yml, or the folder that holds it. The error names file and line.
func Read(path string, opt Options) (*Project, error) {
	file, err := find(path)
	if err != nil {
		return nil, err
	}
	data, err := readBounded(file)
	if err != nil {
		return nil, err
	}
	root, err := Folder(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return parse(file, root, data, opt, readBounded)
}

// Folder is that of the project at path, where its relative paths begin.
func Folder(path string) (string, error) {
	file, err := find(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(filepath.Dir(file))
}

// find looks where GX puts the file: in the folder itself, or in its gx/ or great_expectations/.
func find(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", path, reason(err))
	}
	if !info.IsDir() {
		return path, nil
	}
	for _, folder := range []string{"", "gx", "great_expectations"} {
		for _, name := range []string{"great_expectations.yml", "great_expectations.yaml"} {
			file := filepath.Join(path, folder, name)
			if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
				return file, nil
			}
		}
	}
	return "", fmt.Errorf("%s holds no great_expectations.yml", path)
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", file, reason(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s cannot be read: not a regular file", file)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", file, reason(err))
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", file, maxFile)
	}
	return data, nil
}

// reason is the system's own word: the path already stands before it.
func reason(err error) error {
	if p := new(fs.PathError); errors.As(err, &p) {
		return p.Err
	}
	return err
}

// reader is one reading of a project.
type reader struct {
	doc
	root      string
	opt       Options
	variables map[string]*yaml.Node // of config_variables.yml
	varsDoc   *doc
	out       *Project
}

func parse(file, root string, data []byte, opt Options, read func(string) ([]byte, error)) (*Project, error) {
	if opt.Getenv == nil {
		opt.Getenv = func(string) (string, bool) { return "", false }
	}
	r := &reader{doc: doc{file: file, budget: maxVisits}, root: root, opt: opt,
		out: &Project{File: file, Folder: root, Datasources: make(map[string]naming.Datasource)}}
	top, err := r.load(data)
	if err != nil {
		return nil, err
	}
	if err := r.loadVariables(top, read); err != nil {
		return nil, err
	}
	for _, p := range r.named(r.get(top, "datasources")) {
		r.out.Datasources[p.key] = r.block("datasources."+p.key, p.value)
	}
	for _, section := range []string{"xdatasources", "fluent_datasources"} {
		for _, p := range r.named(r.get(top, section)) {
			r.out.Datasources[p.key] = r.fluent(section+"."+p.key, p.value)
		}
	}
	if err := errors.Join(r.err, r.varsDoc.err); err != nil {
		return nil, err
	}
	for name, ds := range r.out.Datasources {
		ds.Exact = true // whatever a project calls a datasource, it is a name and no pattern
		r.out.Datasources[name] = ds
	}
	return r.out, nil
}

// warn says what could not be told of a key. The text holds names only, never a value.
func (r *reader) warn(n *yaml.Node, key, format string, args ...any) {
	line := ""
	if n != nil && n.Line > 0 {
		line = fmt.Sprintf(":%d", n.Line)
	}
	if len(r.out.Warnings) < maxWarnings {
		r.out.Warnings = append(r.out.Warnings, r.file+line+": "+key+": "+fmt.Sprintf(format, args...))
	}
}

// maxWarnings keeps a file that is all wrong from filling a log.
const maxWarnings = 100

func joinNames(names []string) string {
	return strings.Join(names, ", ")
}
