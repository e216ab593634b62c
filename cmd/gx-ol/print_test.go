package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
)

func TestSayPrintsForeignTextVisibly(t *testing.T) {
	type code string
	var b bytes.Buffer
	say(&b, "%s|%s|%v|%s|%d|%s", "a\x1b[2J\n\u202eb\xff", code("c\x07"), errors.New("one\ntwo\x1b"), block("l1\n\tl2\r"), 7, ours("\x1b[31m"))
	want := `a\x1b[2J\n\u202eb\xff|c\a|one` + "\n" + `two\x1b|l1` + "\n\t" + `l2\r|7|` + "\x1b[31m"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}

func FuzzPrintJSON(f *testing.F) {
	f.Add("\u009b\u202e\U000e0001<é>\x7f\xff")
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		if err := printJSON(&b, map[string]string{"k": text}); err != nil {
			t.Fatal(err)
		}
		for _, r := range strings.TrimSuffix(b.String(), "\n") {
			if !strconv.IsPrint(r) {
				t.Errorf("%q prints %q", text, r)
			}
		}
		plain, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		var got map[string]string
		if err := errors.Join(json.Unmarshal(plain, &want), json.Unmarshal(b.Bytes(), &got)); err != nil || got["k"] != want {
			t.Errorf("%q became %s (%v)", text, b.String(), err)
		}
	})
}
