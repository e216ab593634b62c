package licences

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is not ours of the page is shipped inside the binary, each beside its licence.
func TestVendoredModulesStandUnderLicencesThatAreAllowed(t *testing.T) {
	modules, err := filepath.Glob("../../internal/web/assets/vendor/*.js")
	if err != nil || len(modules) == 0 {
		t.Fatalf("%d modules, %v", len(modules), err)
	}
	for _, module := range modules {
		if _, err := os.Stat(strings.TrimSuffix(module, ".js") + ".LICENSE.txt"); err != nil {
			t.Errorf("%s has no licence beside it", module)
		}
	}
	texts, err := filepath.Glob("../../internal/web/assets/vendor/*.LICENSE.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range texts {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := licenceOf(text); err != nil {
			t.Errorf("%s %v", path, err)
		}
	}
}
