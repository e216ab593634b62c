package gxproject

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reference is ${VAR} or $VAR, as GX finds them; \$ and $$ are plain dollars.
var reference = regexp.MustCompile(`(?i)\\\$|\$\$|\$\{(.*?)\}|\$([_a-z][_a-z0-9]*)`)

// loadVariables reads the file of config_variables_file_path, else where GX puts it: in uncommitted/, or beside.
func (r *reader) loadVariables(top *yaml.Node, read func(string) ([]byte, error)) error {
	r.varsDoc = &doc{budget: maxVisits}
	r.variables = make(map[string]*yaml.Node)
	var candidates []string
	if path := scalar(r.get(top, "config_variables_file_path")); path != "" {
		path, _ = r.expand(path)
		candidates = append(candidates, r.absolute(path))
	}
	candidates = append(candidates, filepath.Join(r.root, "uncommitted", "config_variables.yml"), filepath.Join(r.root, "config_variables.yml"))
	for _, file := range candidates {
		data, err := read(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // what is missing is told with the variable that somebody needs
		}
		if err != nil {
			return err
		}
		r.varsDoc.file = file
		vars, err := r.varsDoc.load(data)
		if err != nil {
			return err
		}
		for _, p := range r.varsDoc.pairs(vars) {
			r.variables[p.key] = p.value
		}
		return nil
	}
	return nil
}

// absolute resolves a path against the project's folder, as GX does.
func (r *reader) absolute(path string) string {
	if filepath.IsAbs(path) || windowsDrive.MatchString(path) || hasScheme.MatchString(path) {
		return path
	}
	return filepath.Join(r.root, path)
}

// hasScheme also knows the forms with one slash or none: dbfs:/x, file:/x.
var hasScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:(?:/|$)|^(?i:file|dbfs|hdfs):|://`)

var windowsDrive = regexp.MustCompile(`^(?:[A-Za-z]:[\\/]|\\\\)`)

// expand replaces variables. One that is missing stays as ${NAME}: whether that matters is seen when the text is used.
func (r *reader) expand(s string) (string, []string) {
	return r.substitute(s, true)
}

func (r *reader) substitute(s string, project bool) (string, []string) {
	var missing []string
	out := reference.ReplaceAllStringFunc(s, func(ref string) string {
		if ref == `\$` || ref == "$$" {
			return "$"
		}
		m := reference.FindStringSubmatch(ref)
		name := m[1] + m[2]
		if v, ok := r.opt.Getenv(name); ok {
			return v
		}
		if n, ok := r.variables[name]; ok && project && n.Kind == yaml.ScalarNode {
			v, more := r.substitute(scalar(n), false) // a variable's value may name the environment's
			missing = append(missing, more...)
			return v
		}
		missing = append(missing, name)
		return "${" + name + "}"
	})
	return out, missing
}

// resolve gives the node that a value which is all one variable stands for: credentials are often a whole mapping there.
func (r *reader) resolve(n *yaml.Node) *yaml.Node {
	n = follow(n)
	text := strings.TrimSpace(scalar(n))
	m := reference.FindStringSubmatch(text)
	if m == nil || m[0] != text || m[1]+m[2] == "" {
		return n
	}
	if _, ok := r.opt.Getenv(m[1] + m[2]); ok {
		return n
	}
	if v, ok := r.variables[m[1]+m[2]]; ok && v.Kind == yaml.MappingNode {
		return v
	}
	return n
}

// text is a value with its variables replaced; ok is false, and a warning given, where one is missing.
func (r *reader) text(n *yaml.Node, key string) (string, bool) {
	s, missing := r.expand(scalar(n))
	if len(missing) > 0 {
		r.warnMissing(n, key, missing)
		return "", false
	}
	return s, true
}

func (r *reader) warnMissing(n *yaml.Node, key string, missing []string) {
	slices.Sort(missing)
	missing = slices.Compact(missing)
	r.warn(n, key, "needs %s, set neither in the environment nor in config_variables.yml: the datasource is not named by the project", joinNames(missing))
}
