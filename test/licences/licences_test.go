// Package licences checks under which licences the modules stand that are linked into gx-ol.
package licences

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// allowed are licences that Apache-2.0 software may be shipped with, each by words that its text has and no other's. The first that fits counts.
var allowed = []struct {
	name  string
	words *regexp.Regexp
}{
	{"Apache-2.0", regexp.MustCompile(`Apache License\s+Version 2\.0, January 2004`)},
	{"MIT", regexp.MustCompile(`Permission is hereby granted, free of charge, to any person obtaining\s+a copy`)},
	{"BSD", regexp.MustCompile(`Redistribution and use in source and binary forms, with or without\s+modification,\s+are permitted`)},
	{"ISC", regexp.MustCompile(`Permission to use, copy, modify, and(/or)? distribute this software for any\s+purpose with or without fee`)},
}

// forbidden are words of licences that would bind who ships gx-ol. A file may hold several licences, so these count wherever they stand.
var forbidden = regexp.MustCompile(`(?i)GNU (AFFERO |LESSER )?GENERAL PUBLIC LICENSE|Mozilla Public License|Business Source License|Server Side Public License|Elastic License|Commons Clause`)

// licenceOf is the licence of a text; an error names what is wrong with it.
func licenceOf(text []byte) (string, error) {
	if forbidden.Match(text) {
		return "", errors.New("holds " + string(forbidden.Find(text)))
	}
	for _, a := range allowed {
		if a.words.Match(text) {
			return a.name, nil
		}
	}
	return "", errors.New("is none of the licences that are allowed")
}

func TestModulesStandUnderLicencesThatAreAllowed(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-json=Module", "github.com/gx-ol/gx-ol/cmd/gx-ol").Output()
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Module *struct {
				Path, Dir string
				Main      bool
			}
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Module != nil && !p.Module.Main {
			folders[p.Module.Path] = p.Module.Dir
		}
	}
	if len(folders) < 10 {
		t.Fatalf("%d modules", len(folders))
	}
	for path, folder := range folders {
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, f := range files {
			if name := strings.ToUpper(f.Name()); f.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(folder, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			found++
			if name, err := licenceOf(text); err != nil {
				t.Errorf("%s: %s %v", path, f.Name(), err)
			} else {
				t.Logf("%s: %s", path, name)
			}
		}
		if found == 0 {
			t.Errorf("%s has no licence", path)
		}
	}
}

func TestALicenceIsKnownByItsWords(t *testing.T) {
	own, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		string(own): "Apache-2.0",
		"Permission is hereby granted, free of charge, to any person obtaining a copy":                     "MIT",
		"GNU GENERAL PUBLIC LICENSE\nVersion 3":                                                            "",
		"Permission is hereby granted, free of charge, to any person obtaining a copy\nand Commons Clause": "",
		"All rights reserved": "",
	} {
		if got, err := licenceOf([]byte(text)); got != want || (err == nil) != (want != "") {
			t.Errorf("%.40q: %q, %v", text, got, err)
		}
	}
}
