package main

import (
	"io"
	"strings"
	"text/tabwriter"

	"github.com/gx-ol/gx-ol/mapper"
)

// fileOrigin is an origin as JSON tells it.
type fileOrigin struct {
	File string `json:"file"`
	mapper.Origin
}

// printOrigins prints where the fields of one file's events came from: as JSON one a line, or as a table under the file's
// name, which leaves out the two fields that every facet has.
func printOrigins(w io.Writer, file string, origins []mapper.Origin, form string) error {
	if form == "json" {
		for _, o := range origins {
			if err := printJSON(w, fileOrigin{file, o}); err != nil {
				return err
			}
		}
		return nil
	}
	say(w, "%s\n", file)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	say(table, "EVENT\tFIELD\tVALUE\tFROM\tWHERE\n")
	for _, o := range origins {
		if strings.HasSuffix(o.Field, "._producer") || strings.HasSuffix(o.Field, "._schemaURL") {
			continue
		}
		event := o.Event
		if o.Part != "" {
			event = o.Part + " " + event
		}
		say(table, "%s\t%s\t%s\t%s\t%s\n", event, o.Field, short(o.Value), o.From, o.Where)
	}
	return table.Flush()
}

// short cuts a value for the table.
func short(value string) string {
	if runes := []rune(value); len(runes) > 48 {
		return string(runes[:47]) + "…"
	}
	return value
}
