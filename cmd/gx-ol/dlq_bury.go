package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/dlq"
)

// newDLQBuryCommand makes the command that buries a record that waits.
func newDLQBuryCommand(a *process) *cobra.Command {
	var f settleFlags
	var reason string
	cmd := &cobra.Command{
		Use: "bury TOPIC/PARTITION/OFFSET", Short: "bury a record that gx-ol run holds", Args: cobra.ExactArgs(1),
		Long: `Orders that a record of an input topic becomes a dead letter now, instead of waiting for a destination: /readyz and the metrics say which partitions wait.
The order goes to the ledger of the topic's dead letters; the process that holds the record looks for orders every 3 s, buries the record with the code buried_by_hand, and
goes on behind it. An order for a record that does not wait does nothing, and counts for a day. Not with delivery: exactly_once and not toward Kafka, where no single record waits.`,
		Example: `  gx-ol dlq bury gx.validation-results/3/1042 --reason "the backend answers 403 for this entity" --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, at, ok := strings.Cut(args[0], "/")
			if _, err := dlq.ParsePosition(at); !ok || topic == "" || err != nil {
				return usageError{fmt.Errorf("%q is no TOPIC/PARTITION/OFFSET such as gx.validation-results/3/1042", args[0])}
			}
			if strings.TrimSpace(reason) == "" {
				return usageError{errors.New("--reason is missing: those who come after you will want to know")}
			}
			if f.topic == "" {
				f.input = topic
			}
			d, err := f.open(cmd.Context(), a, cmd, "")
			if err != nil {
				return err
			}
			defer d.close()
			ok, err = f.agreed(cmd.Context(), a, fmt.Sprintf("Bury the record %s?", args[0]))
			if err != nil || !ok {
				return err
			}
			by := f.by
			if by == "" {
				by = a.who
			}
			if err := d.Order(cmd.Context(), d.client, args[0], by, reason); err != nil {
				return err
			}
			say(a.stderr, "ordered: the process that holds %s buries it within seconds; gx-ol dlq list --code buried_by_hand shows it then\n", args[0])
			return nil
		},
	}
	f.add(cmd, false)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the letter and the audit")
	return cmd
}
