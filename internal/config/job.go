package config

import (
	"net/url"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// Job is what is told of the OpenLineage job.
type Job struct {
	Namespace, Name, Description string
	Rules                        []JobRule
	Tags                         map[string]string
	Owners                       map[string]string // owner → kind of ownership
	SourceCode                   SourceCode
}

// JobRule names the jobs of the results that its patterns fit.
type JobRule struct {
	Suite, Datasource, Asset, Checkpoint, Topic string
	DatasourceNamespace                         string // where the datasource lies, as postgres://db.example.com:5432
	Namespace, Name                             string
}

// SourceCode is the place of the checkpoint's code.
type SourceCode struct{ Type, URL, RepoURL, Path, Version, Branch string }

// Parent is the run that started all runs whose message names none.
type Parent struct {
	ID, RootID string // namespace/name/runId
	Checkpoint bool   // the checkpoint's own run, where there is no other
}

func jobFields() []field {
	return []field{
		{path: "job.namespace", typ: "string", aliases: []string{"openlineage_namespace"}, doc: "namespace of the OpenLineage job; default: default", at: func(c *Config) any { return &c.Job.Namespace }},
		{path: "job.name", typ: "string", aliases: []string{"job_name"}, template: jobTemplate, doc: "constant or template; default: <suite>.<datasource>.<asset>", at: func(c *Config) any { return &c.Job.Name }},
		{path: "job.description", typ: "string", aliases: []string{"job_description"}, template: jobTemplate, doc: "constant or template, as the name; default: the suite's notes, else which suite checks which asset", at: func(c *Config) any { return &c.Job.Description }},
		{path: "job.rules", typ: "rules", doc: "list of {suite, datasource, datasource_namespace, asset, checkpoint, topic (globs), namespace, name}; the first that fits names the job", at: func(c *Config) any { return &c.Job.Rules }},
		{path: "job.tags", typ: "map", doc: "tags of the job", at: func(c *Config) any { return &c.Job.Tags }},
		{path: "job.owners", typ: "map", doc: "owner, such as team:data-platform, to kind of ownership", at: func(c *Config) any { return &c.Job.Owners }},
		{path: "job.source_code.url", typ: "string", doc: "where the checkpoint's code can be read", at: func(c *Config) any { return &c.Job.SourceCode.URL }},
		{path: "job.source_code.type", typ: "string", def: "git", doc: "version control system", at: func(c *Config) any { return &c.Job.SourceCode.Type }},
		{path: "job.source_code.repo_url", typ: "string", doc: "its repository", at: func(c *Config) any { return &c.Job.SourceCode.RepoURL }},
		{path: "job.source_code.path", typ: "string", doc: "its path in the repository", at: func(c *Config) any { return &c.Job.SourceCode.Path }},
		{path: "job.source_code.version", typ: "string", doc: "its revision", at: func(c *Config) any { return &c.Job.SourceCode.Version }},
		{path: "job.source_code.branch", typ: "string", doc: "its branch", at: func(c *Config) any { return &c.Job.SourceCode.Branch }},
		{path: "run.tags", typ: "map", doc: "tags of every run", at: func(c *Config) any { return &c.RunTags }},
		{path: "parent.id", typ: "string", doc: "run that started the checkpoint, namespace/name/runId, where the message's headers name none", at: func(c *Config) any { return &c.Parent.ID }},
		{path: "parent.root_id", typ: "string", doc: "run that started everything, likewise", at: func(c *Config) any { return &c.Parent.RootID }},
		{path: "parent.checkpoint", typ: "bool", def: "false", doc: "where there is no other parent and a message holds a whole checkpoint: the checkpoint's own run, which gets a START and an end around those of its validations", at: func(c *Config) any { return &c.Parent.Checkpoint }},
	}
}

// ruleKeys are the keys of a rule.
func ruleKeys() []string {
	return []string{"suite", "datasource", "datasource_namespace", "asset", "checkpoint", "topic", "namespace", "name"}
}

// jobRules reads job.rules.
func (l *loader) jobRules(n *yaml.Node) {
	l.cfg.Job.Rules = nil
	if n.Kind != yaml.SequenceNode {
		l.fault(l.at(n), "job.rules must be a list of rules, such as - {suite: \"orders.*\", name: orders}")
		return
	}
	for _, item := range n.Content {
		if item.Kind == yaml.AliasNode {
			item = item.Alias
		}
		var r JobRule
		parts := map[string]*string{"suite": &r.Suite, "datasource": &r.Datasource, "datasource_namespace": &r.DatasourceNamespace, "asset": &r.Asset, "checkpoint": &r.Checkpoint,
			"topic": &r.Topic, "namespace": &r.Namespace, "name": &r.Name}
		l.pairs("a rule of job.rules", item, func(key, value *yaml.Node) {
			p, ok := parts[key.Value]
			if !ok {
				l.unknown("job.rules.", key, value, ruleKeys())
				return
			}
			t, ok := l.scalar("job.rules."+key.Value, value)
			if !ok {
				return
			}
			if _, err := path.Match(t.value, ""); err != nil && key.Value != "namespace" && key.Value != "name" {
				l.fault(l.at(value), "%s is not a pattern: %v", t.shown(), err)
			}
			if key.Value == "name" {
				l.template(l.at(value), "job.rules: name", t, jobTemplate)
			}
			*p = t.value
		})
		if r.Namespace == "" && r.Name == "" && item.Kind == yaml.MappingNode {
			l.fault(l.at(item), "a rule of job.rules needs a name or a namespace")
		}
		l.cfg.Job.Rules = append(l.cfg.Job.Rules, r)
	}
}

// holdsCredentials says whether the address of a repository holds what CI systems put there to clone it: a password, or over HTTP a token in place of a user.
// A user alone, as in ssh://git@host/repo or git@host:repo, is none.
func holdsCredentials(repository string) bool {
	scheme, _, ok := strings.Cut(repository, "://")
	u, err := url.Parse(repository)
	if !ok {
		return false
	}
	if err != nil {
		return strings.Contains(repository, "@")
	}
	_, password := u.User.Password()
	return password || u.User != nil && strings.HasPrefix(strings.ToLower(scheme), "http")
}

func (l *loader) checkJob() {
	l.checkParents()
	if c := l.cfg.Job.SourceCode.URL; c != "" {
		if u, err := url.Parse(c); err != nil || u.Hostname() == "" {
			l.fault(l.place("job.source_code.url"), "job.source_code.url must be an address such as https://git.example.com/team/repo")
		} else if u.User != nil {
			l.fault(l.place("job.source_code.url"), "job.source_code.url must not hold a user or password: it leaves with every event")
		}
	}
	if holdsCredentials(l.cfg.Job.SourceCode.RepoURL) {
		l.fault(l.place("job.source_code.repo_url"), "job.source_code.repo_url must not hold a password or token: it leaves with every event")
	}
	if _, err := gx.NewDecoder(l.cfg.Input.JSONPointer); err != nil {
		l.fault(l.place("input.json_pointer"), "input.json_pointer must be a JSON Pointer such as /payload/result: slashes before names, with ~0 for ~ and ~1 for /")
	}
}
