package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagFault is what the library says of flags, in the words of whoever types them.
func flagFault(cmd *cobra.Command, err error) error {
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if must := mustBe(bad.GetFlag().Value.Type()); must != "" {
			return fmt.Errorf("--%s must be %s, not %q", bad.GetFlag().Name, must, bad.GetValue())
		}
	}
	if one, ok := errors.AsType[*pflag.NotExistError](err); ok && len(one.GetSpecifiedShortnames()) > 1 { // -brokers, as Kafka's own tools write it
		name, _, _ := strings.Cut(one.GetSpecifiedShortnames(), "=")
		if flag := cmd.Flags().Lookup(name); flag != nil {
			return fmt.Errorf("unknown flag: -%s: did you mean --%s?", name, name)
		}
		return fmt.Errorf("unknown flag: -%s%s", name, nearestFlag(cmd, errors.New("unknown flag: --"+name)))
	}
	return fmt.Errorf("%w%s", err, nearestFlag(cmd, err))
}

// mustBe is what a flag of a type wants; empty for those that say it themselves.
func mustBe(kind string) string {
	switch kind {
	case "int", "int32", "int64", "uint16":
		return "a whole number"
	case "float64":
		return "a number"
	case "duration":
		return "a time such as 500ms, 30s or 2m"
	case "bool":
		return "true or false"
	}
	return ""
}
