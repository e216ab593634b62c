package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is set by the linker in releases.
var release string

// version is the release, else what the build knows of the checkout, else dev.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}

func newVersionCommand(a *process) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			say(a.stdout, "gx-ol %s\n", version())
			return nil
		},
	}
}
