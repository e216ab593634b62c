package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// document is one message of a file: the file itself, or one of several in it.
type document struct {
	name     string // of the file, with the line where there are several
	value    []byte
	modified time.Time // of the file; zero: stdin
}

// documents reads a file, or stdin. One that holds several JSON documents, a line each (NDJSON, as kcat and kafka-console-consumer print messages) or one after
// another, is as many messages.
func documents(ctx context.Context, name string, stdin io.Reader) ([]document, error) {
	value, modified, err := readInput(ctx, name, stdin)
	if err != nil {
		return nil, err
	}
	var out []document
	for _, part := range split(value) {
		d := document{name: name, value: part.value, modified: modified}
		if part.line > 0 {
			d.name = fmt.Sprintf("%s:%d", name, part.line)
		}
		out = append(out, d)
	}
	return out, nil
}

type part struct {
	line  int // 0: it is the whole
	value []byte
}

// split gives the documents of a text. What is one document, or no JSON at all, is left whole: whoever reads it says what is wrong.
func split(text []byte) []part {
	whole := []part{{value: text}}
	bare := bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if len(bare) == 0 || json.Valid(bare) {
		return whole
	}
	if parts := lines(text); len(parts) > 1 && oneLine(parts[0].value) {
		return parts // a line that is broken is told by its own number
	}
	var out []part
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		var doc json.RawMessage
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF) && len(out) > 1:
			return out
		case err != nil:
			return whole
		}
		from := int(dec.InputOffset()) - len(doc)
		out = append(out, part{1 + bytes.Count(text[:from], []byte("\n")), doc})
	}
}

// lines are the lines that are not blank.
func lines(text []byte) (out []part) {
	n := 0
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		n++
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, part{n, line})
		}
	}
	return out
}

// oneLine says whether a line begins and ends as a document does. It need not be right: NaN, which Great Expectations writes, is no JSON to Go.
func oneLine(line []byte) bool {
	line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	ends := map[byte]byte{'{': '}', '[': ']', '"': '"'}
	return len(line) > 1 && ends[line[0]] != 0 && ends[line[0]] == line[len(line)-1]
}

// suffixes are the files that a folder gives.
var suffixes = []string{".json", ".ndjson", ".jsonl"}

// special says whether what lies in a folder is a pipe, a socket or a device: nobody may ever write to it, and to read it would wait for that. What cannot
// be looked at is told when it is read.
func special(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// expand gives the files that the arguments mean: a folder's are all its *.json, *.ndjson and *.jsonl, in order of their paths.
func expand(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		if arg == "-" {
			files = append(files, arg)
			continue
		}
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		found := len(files)
		err = filepath.WalkDir(arg+string(filepath.Separator), // with it, a link to a folder is the folder
			func(path string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() && slices.Contains(suffixes, strings.ToLower(filepath.Ext(path))) && !special(path) {
					files = append(files, path)
				}
				return err
			})
		if err != nil {
			return nil, err
		}
		if len(files) == found {
			return nil, errors.New(arg + " holds no *.json file")
		}
	}
	return files, nil
}
