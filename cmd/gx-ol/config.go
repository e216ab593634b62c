package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/config"
)

func newConfigCommand(a *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "write a first configuration, or print the schema that editors complete it by",
		Example: `  gx-ol config init --to marquez
  gx-ol config schema > gx-ol.schema.json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigInitCommand(a), newConfigSchemaCommand(a))
	return cmd
}

func newConfigInitCommand(a *process) *cobra.Command {
	var to, output string
	var force bool
	cmd := &cobra.Command{
		Use: "init", Short: "write a commented configuration for a destination", Args: cobra.NoArgs,
		Long: `Writes a commented configuration that can be used as it stands, for a destination: ` + strings.Join(config.StarterKinds(), ", ") + `.
Its first line names the JSON Schema by which editors complete and check it. A file that is there is left alone, unless --force is given.`,
		Example: `  gx-ol config init
  gx-ol config init --to kafka -o gx-ol-kafka.yaml
  gx-ol config init --to datahub -o -`,
		RunE: func(*cobra.Command, []string) error {
			text, err := config.Starter(to)
			if err != nil {
				return usageError{fmt.Errorf("--to: %w", err)}
			}
			if output == "-" {
				_, err := a.stdout.Write([]byte(text))
				return err
			}
			if err := writeNew(output, text, force); err != nil {
				return err
			}
			say(a.stderr, "%s is written: put in your brokers, topic and destination, then gx-ol run --config %s\n", output, output)
			return nil
		},
	}
	cmd.Flags().StringVar(&to, "to", "marquez", "destination: "+strings.Join(config.StarterKinds(), ", "))
	cmd.Flags().StringVarP(&output, "output", "o", "gx-ol.yaml", "file to write; - is stdout")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite a file that is there")
	return cmd
}

// writeNew writes a file that is not there yet, or any with force. Others may not read it: a configuration may come to hold secrets.
func writeNew(path, text string, force bool) error {
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, how, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usageError{fmt.Errorf("%s is there already, and is left as it is: --force overwrites it, -o names another file", path)}
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func newConfigSchemaCommand(a *process) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "print the JSON Schema of the configuration", Args: cobra.NoArgs,
		Long:    `Prints the JSON Schema of the configuration of this version, for editors. What keys mean beside each other it cannot say: gx-ol says that at the start.`,
		Example: `  gx-ol config schema > gx-ol.schema.json`,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.stdout.Write(config.Schema())
			return err
		},
	}
}
