// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// `state move`: carries the stored cursors from files to Elasticsearch, or back.

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/elastic/beats/v7/libbeat/cmd/instance"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/registry"
	"onepasswordbeat/internal/safetext"
)

func stateMoveCommand(settings instance.Settings) *cobra.Command {
	var move stateMove
	c := &cobra.Command{
		Use:   "move --to elasticsearch|file [--dry-run]",
		Short: "Carry the stored cursors over to Elasticsearch, or to files in path.data",
		Long: "Carry the stored cursors over to Elasticsearch, or to files in path.data, whichever of them\n" +
			"onepasswordbeat.state.backend names. onepasswordbeat.state.id is required.\n\n" +
			"Stop the beat first. The command sees a beat that runs with this path.data, but none on another machine, and none\n" +
			"under Elastic Agent: stop every beat with this state.id. Each state is copied, read back and compared, and then\n" +
			"marked as moved where it was. A different state at the destination is not replaced. After an interruption, run the command again.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			return move.run(cmd.Context(), settings, cmd.OutOrStdout())
		},
	}
	c.Flags().StringVar(&move.to, "to", "", "elasticsearch or file (required)")
	c.Flags().BoolVar(&move.dryRun, "dry-run", false, "show what would be moved, and move nothing")
	_ = c.MarkFlagRequired("to") // the flag is there
	return c
}

// stateMove is what `state move` is asked for.
type stateMove struct {
	to     string
	dryRun bool
}

func (m stateMove) run(ctx context.Context, settings instance.Settings, out io.Writer) error {
	if m.to != registry.BackendFile && m.to != registry.BackendElasticsearch {
		return fmt.Errorf("--to %q is unknown: write --to elasticsearch or --to file", safetext.Short(m.to, maxShownID))
	}
	return withBeat(settings, func(b *instance.Beat) error {
		s, err := stateSettings(b)
		if err != nil {
			return err
		}
		if s.Elasticsearch == nil {
			return errors.New("state move needs to know the states in Elasticsearch: set onepasswordbeat.state.id, " +
				"and onepasswordbeat.state.elasticsearch.hosts if the output is not Elasticsearch")
		}
		return whileStopped(b, func() error { return m.between(ctx, s, b.Info.Logger, out) })
	})
}

// between opens both places and moves.
func (m stateMove) between(ctx context.Context, s registry.Settings, log *logp.Logger, out io.Writer) (err error) {
	elastic, err := registry.OpenElasticsearch(*s.Elasticsearch, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, elastic.Close()) }()
	openFiles := registry.OpenExisting
	if m.to == registry.BackendFile && !hasFiles(s.DataPath) {
		if openFiles, err = m.newFiles(ctx, elastic); err != nil {
			return err
		}
	}
	files, err := openFiles(s.DataPath, log)
	if err != nil {
		return err
	}
	if files != nil {
		defer func() { err = errors.Join(err, files.Close()) }()
	}
	from, to := files, elastic
	if m.to == registry.BackendFile {
		from, to = elastic, files
	}
	if m.dryRun {
		return m.preview(ctx, from, to, out)
	}
	results, err := registry.Move(ctx, from, to, time.Now())
	if err != nil {
		return err
	}
	if len(results) == 0 {
		return nothingStored(from)
	}
	rows := make([]row, len(results))
	for i, r := range results {
		rows[i] = row{r.Key, resultOf(r)}
	}
	if err := printRows(out, "RESULT", rows); err != nil {
		return err
	}
	return m.summary(out, results, s.Backend, from.Place(), to.Place())
}

// newFiles makes a registry only if there is something to put into it; a dry run makes none.
func (m stateMove) newFiles(ctx context.Context, from *registry.Registry) (registry.OpenFunc, error) {
	if m.dryRun {
		return func(string, *logp.Logger) (*registry.Registry, error) { return nil, nil }, nil //nolint:nilnil // no registry yet
	}
	entries, err := from.List(ctx)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, nothingStored(from)
	}
	return registry.Open, nil
}

// row is what becomes of one state.
type row struct {
	key    registry.Key
	result string
}

// printRows prints a line per state.
func printRows(out io.Writer, title string, rows []row) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "INPUT\tEVENT TYPE\t"+title)
	for _, r := range rows {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", safetext.Short(r.key.Input, maxShownID), safetext.Short(r.key.EventType, maxShownID), r.result)
	}
	return w.Flush()
}

// The results of a move, and of its preview.
const moved, movedBefore = "moved", "was moved before"

func notMoved(err error) string {
	return "not moved: " + safetext.Short(err.Error(), 2*safetext.MaxBytes)
}

func resultOf(m registry.Moved) string {
	switch {
	case m.Err != nil:
		return notMoved(m.Err)
	case m.Already:
		return movedBefore
	}
	return moved
}

// summary says what became of all states, and what to do next.
func (m stateMove) summary(out io.Writer, results []registry.Moved, backend, from, to string) error {
	var done, before, failed int
	for _, r := range results {
		switch {
		case r.Err != nil:
			failed++
		case r.Already:
			before++
		default:
			done++
		}
	}
	_, err := fmt.Fprintf(out, "\nFrom %s\nto %s:\n%d moved, %d moved before, %d not moved.\n", from, to, done, before, failed)
	if err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d states could not be moved; they are still in %s. Remove the causes above, and run the command again before you start the beat",
			failed, len(results), from)
	}
	next := fmt.Sprintf("Next: set onepasswordbeat.state.backend: %s (it is %s), then start the beat.\n", m.to, backend)
	if backend == m.to {
		next = fmt.Sprintf("Next: start the beat. onepasswordbeat.state.backend is %s already.\n", m.to)
	}
	_, err = io.WriteString(out, next)
	return err
}

// preview prints what a move would do. Without a destination there is nothing yet in it.
func (m stateMove) preview(ctx context.Context, from, to *registry.Registry, out io.Writer) error {
	entries, err := from.List(ctx)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return nothingStored(from)
	}
	rows := make([]row, len(entries))
	for i, e := range entries {
		result, err := previewOf(ctx, e, to)
		if err != nil {
			return err
		}
		rows[i] = row{e.Key, result}
	}
	if err := printRows(out, "RESULT OF A MOVE", rows); err != nil {
		return err
	}
	_, err = io.WriteString(out, "\nNothing was moved: this is a dry run.\n")
	return err
}

func previewOf(ctx context.Context, e registry.Entry, to *registry.Registry) (string, error) {
	there, err := registry.State{}, registry.ErrNotFound
	if to != nil {
		there, err = to.Peek(ctx, e.Key)
	}
	isMark := errors.As(err, new(*registry.MovedError))
	switch {
	case errors.As(err, new(*registry.UnavailableError)):
		return "", err
	case errors.As(e.Err, new(*registry.MovedError)) && err == nil:
		return movedBefore, nil
	case errors.As(e.Err, new(*registry.MovedError)):
		return "not moved: it was moved away, and is not at the destination", nil
	case e.Err != nil:
		return notMoved(e.Err), nil //nolint:nilerr // it is the result
	case errors.Is(err, registry.ErrNotFound), isMark:
		return moved, nil
	case err != nil:
		return notMoved(err), nil
	}
	there.Output = e.State.Output // files keep none
	if there == e.State {
		return moved, nil
	}
	return "not moved: another state is at the destination", nil
}
