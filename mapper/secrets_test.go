package mapper

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// Passwords stand in connection strings and file URLs; nothing of them may stand in a name.
func TestNoCredentialLeavesByAName(t *testing.T) {
	specs := map[string]gx.BatchSpec{}
	for _, password := range []string{"SECRETPW", "SECRETPW/x", "x/SECRETPW?y", "SECRETPW#", "a:SECRETPW", "%40SECRETPW"} {
		specs["con "+password] = gx.BatchSpec{Present: true, Connection: "postgresql+psycopg2://ann:" + password + "@db.example.com/shop?sslmode=x",
			ReaderMethod: "read_sql_table", ReaderTable: "orders"}
	}
	specs["sas"] = gx.BatchSpec{Present: true, Path: "https://acc.blob.core.windows.net/box/a.csv?sig=SECRETPW"}
	specs["s3"] = gx.BatchSpec{Present: true, Path: "s3://key:SECRETPW@bucket/a.csv"}
	specs["local"] = gx.BatchSpec{Present: true, Path: "/data/a.csv?token=SECRETPW"}
	m, err := New(Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			msg := &gx.Message{Shape: gx.ShapeSuite, Validations: []gx.Validation{{Suite: "s",
				Batch: gx.Batch{Datasource: "d", Asset: "a", Spec: spec}}}}
			runs, err := m.Map(msg, Input{Received: time.Unix(1, 0)})
			if err != nil {
				t.Fatal(err)
			}
			for _, ev := range runs[0].Events {
				if bytes.Contains(ev.Body, []byte("SECRETPW")) {
					t.Errorf("a password left: %s", ev.Body)
				}
			}
			if name == "con SECRETPW" && !strings.Contains(string(runs[0].Events[0].Body), `"namespace":"postgres://db.example.com:5432","name":"shop.public.orders"`) {
				t.Errorf("named %s", runs[0].Events[0].Body)
			}
		})
	}
}
