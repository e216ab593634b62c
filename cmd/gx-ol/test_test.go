package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page is the text of a page of the documentation.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks are the fenced blocks of a page with that info string.
func blocks(page, info string) (out []string) {
	for _, m := range regexp.MustCompile("(?s)```"+regexp.QuoteMeta(info)+"\n(.*?)```").FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	return out
}

// writeFiles writes files below folder.
func writeFiles(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func sample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../internal/samples/results/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shellLines runs the lines of a page's sh blocks in a folder, as a shell finds gx-ol.
func shellLines(t *testing.T, page, folder string) (ran int) {
	t.Helper()
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "gx-ol"), []byte("#!/bin/sh\n"+program(self)+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, noJQ := exec.LookPath("jq")
	for _, block := range blocks(page, "sh") {
		for line := range strings.SplitSeq(strings.TrimSpace(block), "\n") {
			if noJQ != nil && strings.Contains(line, "jq ") {
				continue
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-o", "pipefail", "-c", line)
			cmd.Dir, cmd.Env = folder, []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + folder}
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("$ %s\n%v\n%s", line, err, said)
			}
			ran++
		}
	}
	return ran
}

// The page's cases pass, its commands run, and what it shows of a failure is what is printed.
func TestTheDocumentationOfTestingIsTrue(t *testing.T) {
	text, folder := page(t, "testing.md"), t.TempDir()
	writeFiles(t, folder, map[string]string{"cases.yaml": blocks(text, "yaml cases")[0], "gx-ol.yaml": blocks(text, "yaml")[0], "results/orders.json": sample(t, "orders-numeric-0.15.34.json")})
	if ran := shellLines(t, text, folder); ran < 3 {
		t.Errorf("%d commands", ran)
	}
	t.Chdir(folder)
	code, stdout, stderr := call(t, "", "test", "--set", "datasources.retail_*.database=retail", "cases.yaml")
	if want := blocks(text, "text")[0]; code != 1 || stdout != want {
		t.Errorf("exit %d, %s\n%s\nwant\n%s", code, stderr, stdout, want)
	}
}

// What docs/configuration.md promises of its examples holds.
func TestTheExamplesOfTheConfigurationDoWhatTheySay(t *testing.T) {
	folder := t.TempDir()
	files := map[string]string{}
	for _, section := range strings.Split(page(t, "configuration.md"), "\n## ") {
		title, _, _ := strings.Cut(section, "\n")
		slug := strings.ToLower(strings.ReplaceAll(title, " ", "-"))
		for i, block := range blocks(section, "yaml") {
			name := slug + ".yaml"
			if i > 0 {
				name = fmt.Sprintf("%s-%d.yaml", slug, i+1)
			}
			files[name] = block
		}
	}
	cases, err := os.ReadFile("testdata/configuration.cases.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files["cases.yaml"] = string(cases)
	writeFiles(t, folder, files)
	if code, stdout, stderr := call(t, "", "test", filepath.Join(folder, "cases.yaml")); code != 0 {
		t.Errorf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	result := sample(t, "orders-numeric-0.15.34.json")
	writeFiles(t, folder, map[string]string{"result.json": result, "base.yaml": files["several-files.yaml"], "test.yaml": files["several-files-2.yaml"]})
	if ran := shellLines(t, page(t, "configuration.md"), folder); ran < 3 {
		t.Errorf("%d commands", ran)
	}
}

func TestVerdictsAreTablesJSONAndJUnit(t *testing.T) {
	folder, result := t.TempDir(), sample(t, "table-1.9.3.json")
	t.Chdir(folder)
	writeFiles(t, folder, map[string]string{"r.json": result, "c.yaml": `cases:
  - {name: good, input: r.json, expect: {count: 2}}
  - {name: "bad \x1b[2J", input: r.json, expect: {count: 3, each: {job.nmae: x}}}
`})
	code, stdout, _ := call(t, "", "test", "--junit", "report.xml", "-o", "json", "c.yaml")
	var lines []caseLine
	for line := range strings.Lines(stdout) {
		var c caseLine
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, c)
	}
	if code != 1 || len(lines) != 2 || !lines[0].Passed || lines[1].Passed || len(lines[1].Failures) != 3 || lines[1].Failures[0].Place != "c.yaml:3:58" {
		t.Errorf("exit %d: %+v", code, lines)
	}
	text, err := os.ReadFile("report.xml")
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Cases    []struct {
			Name    string `xml:"name,attr"`
			Failure string `xml:"failure"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal(text, &report); err != nil || report.Tests != 2 || report.Failures != 1 || len(report.Cases) != 2 ||
		!strings.Contains(report.Cases[1].Failure, "did you mean name?") || report.Cases[0].Failure != "" {
		t.Errorf("%v: %s", err, text)
	}
	if code, stdout, _ = call(t, "", "test", "c.yaml"); code != 1 || strings.Contains(stdout, "\x1b") || !strings.Contains(stdout, "2 cases, 1 failed") {
		t.Errorf("exit %d: %q", code, stdout)
	}
}

// A fault anywhere is told with all others, and nothing is checked.
func TestFaultsOfCasesExit2(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	writeFiles(t, folder, map[string]string{"a.yaml": "cases: [{input: {}, expect: {evnts: []}}]",
		"b.yaml": "config: {job: {namspace: x}}\ncases: [{name: a, input: {}, expect: {count: 0}}, {name: b, input: {}, expect: {count: 0}}, {name: c, config: {input: {grup: x}}, input: {}, expect: {count: 0}}]",
		"c.yaml": "cases: [{input: {}, expect: {count: 0}}]"})
	code, stdout, stderr := call(t, "", "test", "a.yaml", "b.yaml", "c.yaml")
	want := "gx-ol: a.yaml:1:30: unknown key \"evnts\": did you mean \"events\"?\nb.yaml:1:16: unknown key \"namspace\": did you mean \"namespace\"?\nb.yaml:2:120: unknown key \"grup\": did you mean \"group\"?\n"
	if code != 2 || stdout != "" || stderr != want {
		t.Errorf("exit %d, %q\n%s\nwant\n%s", code, stdout, stderr, want)
	}
	for _, args := range [][]string{{"test"}, {"test", "-o", "xml", "c.yaml"}, {"test", "--config", "nowhere.yaml", "c.yaml"}, {"test", "--set", "input.grup=x", "c.yaml"}} {
		if code, _, stderr := call(t, "", args...); code != 2 {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
}

// The environment's keys do not count: a case is the same in CI and on a desk.
func TestCasesDoNotDependOnTheEnvironment(t *testing.T) {
	result := sample(t, "table-1.9.3.json")
	t.Chdir(t.TempDir())
	writeFiles(t, ".", map[string]string{"r.json": result, "gx-ol.yaml": "job: {namespace: stray}",
		"c.yaml": "config: {job: {name: \"${NAME}\"}}\nenv: {NAME: a}\ncases: [{input: r.json, expect: {each: {job.namespace: default, job.name: a}}}, {input: r.json, env: {NAME: b}, expect: {each: {job.name: b}}}]"})
	t.Setenv("GX_OL_JOB_NAMESPACE", "stray")
	if code, stdout, stderr := call(t, "", "test", "c.yaml"); code != 0 {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, _ := call(t, "", "test", "--config", "gx-ol.yaml", "c.yaml"); code != 1 || !strings.Contains(stdout, `+ "stray"`) {
		t.Errorf("--config has no effect: exit %d\n%s", code, stdout)
	}
}
