// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What `migrate eventsapibeat` writes and prints.

package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"go.yaml.in/yaml/v3"

	"onepasswordbeat/internal/eventsapibeat"
	"onepasswordbeat/internal/safetext"
)

// inputSettings are the settings of a migrated input.
func inputSettings(in eventsapibeat.Input) map[string]any {
	settings := map[string]any{"type": "onepassword", "id": in.ID, "token": "${" + in.Token + "}", "event_types": in.EventTypes}
	if in.Interval > 0 {
		settings["interval"] = in.Interval.String()
	}
	if in.Limit > 0 {
		settings["limit"] = in.Limit
	}
	if in.Insecure {
		settings["ssl.verification_mode"] = "none"
	}
	return settings
}

// newConfiguration is the new configuration file. old is the path of the old one.
func newConfiguration(old string, plan *eventsapibeat.Plan, now time.Time) ([]byte, error) {
	inputs := make([]map[string]any, len(plan.Inputs))
	for i, in := range plan.Inputs {
		inputs[i] = inputSettings(in)
	}
	var text bytes.Buffer
	_, _ = fmt.Fprintf(&text, "# Written by `onepasswordbeat migrate eventsapibeat` from %s at %s.\n# All settings: onepasswordbeat.reference.yml\n\n", safetext.Line(old), stamp(now))
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(map[string]any{"onepasswordbeat.inputs": inputs}); err != nil {
		return nil, err
	}
	if len(plan.Settings) > 0 {
		rest, err := yaml.Marshal(plan.Settings)
		if err != nil {
			return nil, err
		}
		_, _ = fmt.Fprintf(&text, "\n# From eventsapibeat.\n%s", rest)
	}
	return text.Bytes(), nil
}

// migrationReport prints what happens. Its first error of printing stays in err.
type migrationReport struct {
	out    io.Writer
	plan   *eventsapibeat.Plan
	target string
	dryRun bool
	err    error
}

func (r *migrationReport) printf(format string, args ...any) {
	if r.err == nil {
		_, r.err = fmt.Fprintf(r.out, format, args...)
	}
}

// positions prints a line for each event type.
func (r *migrationReport) positions() {
	if r.dryRun {
		r.printf("Nothing is written: this is a dry run.\n\n")
	}
	table := tabwriter.NewWriter(r.out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "INPUT\tEVENT TYPE\tOLD POSITION\tBEGINS AT\tCURSOR FILE")
	for _, s := range r.plan.Starts {
		position, begins := stamp(s.Position), stamp(s.From)
		if s.Unknown != nil {
			position = "unknown"
		}
		if s.From.IsZero() {
			begins = "--since is required"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", s.Input, s.EventType, position, begins, s.CursorFile)
	}
	r.err = errors.Join(r.err, table.Flush())
	for _, s := range r.plan.Starts {
		if s.Unknown != nil {
			r.printf("\nThe position of %s cannot be read from %s: %v. %s\n", s.EventType, s.CursorFile, s.Unknown, remedy(s))
		}
		if s.Clamped {
			r.printf("\n%s begins at the oldest time that 1Password still has. Older events are in the old index only, or lost.\n", s.EventType)
		}
	}
}

// remedy says what to do about an unknown position.
func remedy(s eventsapibeat.Start) string {
	if !s.From.IsZero() {
		return "It begins where --since says."
	}
	text := fmt.Sprintf("--since is required: name the time of the newest event of this type in the old index, less some hours, for example --since %s=48h. "+
		"If the file is elsewhere, name the working directory of eventsapibeat by --home.", s.EventType)
	if s.Suggestion != "" {
		text += fmt.Sprintf(" Its starting_cursor was --since %s=%s.", s.EventType, safetext.Short(s.Suggestion, 40))
	}
	return text
}

// missing returns an error if an event type has no start.
func (r *migrationReport) missing() error {
	missing := r.plan.Missing()
	if len(missing) == 0 {
		return nil
	}
	names := make([]string, len(missing))
	for i, s := range missing {
		names[i] = s.EventType
	}
	return fmt.Errorf("--since is required for %s: nothing was written", strings.Join(names, ", "))
}

// use prints whether the old beat still runs.
func (r *migrationReport) use(err error) {
	if err != nil {
		r.printf("\nThe migration would stop here: %v. Stop eventsapibeat, and disable its service, before you migrate.\n", err)
	}
}

// secretLine finds a setting with a secret, to the end of its line.
var secretLine = regexp.MustCompile(`(?im)^(\s*(?:- )?[\w.]*(?:password|passphrase|api_key|secret|token|auth|credential)[\w.]*:[ \t]+)([^$\s"'][^\n]*|"[^$"][^\n]*|'[^$'][^\n]*)$`)

// configuration prints the new configuration file, without secrets that the old one has in clear text.
func (r *migrationReport) configuration(text []byte) {
	shown := secretLine.ReplaceAllString(string(text), "${1}"+safetext.Redacted)
	r.printf("\n%s would hold:\n\n%s\n", r.target, indent(safetext.Redact(shown)))
	r.printf("The keystore would hold: %s\n", names(r.plan.Secrets))
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}

func names(secrets []eventsapibeat.Secret) string {
	list := make([]string, len(secrets))
	for i, s := range secrets {
		list[i] = s.Name
	}
	return strings.Join(list, ", ")
}

// lost prints what was not carried over.
func (r *migrationReport) lost() {
	if len(r.plan.Lost) == 0 {
		r.printf("\nEverything else was carried over.\n")
		return
	}
	r.printf("\nTo look at, because it was not carried over or means something else now:\n")
	for _, l := range r.plan.Lost {
		r.printf("  %s: %s\n", safetext.SettingName(l.Setting), safetext.Line(l.Why))
	}
}

// next prints what to do after the migration.
func (r *migrationReport) next() {
	r.printf("\nWritten: %s\nAdded to the keystore: %s\n", r.target, names(r.plan.Secrets))
	r.printf("\nNext:\n  1. Check it: onepasswordbeat test config -c %s, then test api and test output.\n", r.target)
	r.printf("  2. Start it with the same -c, or move the file to the place of onepasswordbeat.yml. Keep eventsapibeat stopped.\n")
	r.printf("  3. The positions are stored in files. For states in Elasticsearch: set onepasswordbeat.state, and run state move --to elasticsearch before the first start.\n")
	r.printf("  4. Events of the overlap are in the old index and in logs-1password.*-*. docs/migration.md says how to delete the old ones.\n")
}
