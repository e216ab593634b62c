package kafkaclient

import (
	"testing"
)

func TestLoginModulesAreReadAsJavaReadsThem(t *testing.T) {
	for line, want := range map[string]map[string]string{
		`a.PlainLoginModule required username="u" password="p";`:                                                   {"username": "u", "password": "p"},
		`a.PlainLoginModule required username='u' password='p''q';`:                                                nil,
		`a.PlainLoginModule required username=u password=p;`:                                                       {"username": "u", "password": "p"},
		`a.PlainLoginModule required username = "u" password = "p" ;`:                                              {"username": "u", "password": "p"},
		"a.PlainLoginModule required \\\n username=\"u\" \\\n password=\"p\";":                                     {"username": "u", "password": "p"},
		`a.PlainLoginModule required username="$ConnectionString" password="Endpoint=sb://x/;SharedAccessKey=a=";`: {"username": "$ConnectionString", "password": "Endpoint=sb://x/;SharedAccessKey=a="},
		`a.PlainLoginModule required username="a\"b" password="c\\d";`:                                             {"username": `a"b`, "password": `c\d`},
		`a.OAuthBearerLoginModule required;`:                                                                       {},
		`a.OAuthBearerLoginModule required clientId=x;`:                                                            {"clientId": "x"},
		`a.PlainLoginModule required username="u" password="p`:                                                     nil,
		`a.PlainLoginModule required username="u" password`:                                                        nil,
		`a.PlainLoginModule required username="u" password="";`:                                                    nil,
		`a.PlainLoginModule`: nil,
		``:                   nil,
	} {
		got, err := parseJAAS(line)
		if want == nil {
			if err == nil {
				t.Errorf("%s: taken: %v", line, got)
			}
			continue
		}
		if err != nil || len(got.options) != len(want) {
			t.Errorf("%s: %v, %v", line, got, err)
		}
		for k, v := range want {
			if got.options[k] != v {
				t.Errorf("%s: %s is %q", line, k, got.options[k])
			}
		}
	}
}

func FuzzJAAS(f *testing.F) {
	f.Add(`a.PlainLoginModule required username="u" password='p\'q';`)
	f.Add("a b c=\\\n d;")
	f.Fuzz(func(t *testing.T, s string) {
		if line, err := parseJAAS(s); err == nil && line.module == "" {
			t.Error("a line without a module")
		}
	})
}

// .properties files hold PEM on one line.
