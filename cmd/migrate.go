// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// `migrate eventsapibeat`: continue where 1Password's own beat stopped.

package cmd

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/elastic/beats/v7/libbeat/cfgfile"
	"github.com/elastic/beats/v7/libbeat/cmd/instance"
	"github.com/elastic/beats/v7/libbeat/processors"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/keystore"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/eventsapibeat"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/module"
)

func migrateCommand(settings instance.Settings) *cobra.Command {
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Continue where another collector of 1Password events stopped",
	}
	c.AddCommand(migrateEventsAPIBeatCommand(settings))
	return c
}

func migrateEventsAPIBeatCommand(settings instance.Settings) *cobra.Command {
	m := migration{settings: settings}
	c := &cobra.Command{
		Use:   "eventsapibeat --config eventsapibeat.yml [--dry-run]",
		Short: "Continue where 1Password's eventsapibeat stopped",
		Long: "Continue where 1Password's eventsapibeat stopped: read its configuration and its cursor files, and write a\n" +
			"configuration, the token in the keystore, and where each event type begins. Stop eventsapibeat first. Its files\n" +
			"stay as they are. Where each event type begins is stored in files in path.data; `state move` carries that over to Elasticsearch.\n\n" +
			"An event type begins 24 hours before its old position (item usages: 7 days, because they are uploaded late), so that\n" +
			"nothing is missed. Events of this overlap are in the old index and in the new data streams.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return m.run(ctx, cmd.OutOrStdout(), time.Now().UTC())
		},
	}
	f := c.Flags()
	f.StringVar(&m.old, "config", "", "configuration file of eventsapibeat (required)")
	f.BoolVar(&m.dryRun, "dry-run", false, "show what would be written, and write nothing")
	f.DurationVar(&m.overlap, "overlap", 0, "begin this long before the old position (default: "+overlaps()+")")
	f.StringArrayVar(&m.since, "since", nil, "[EVENT_TYPE=]TIME: where to begin, as RFC 3339 or a duration before now. Without EVENT_TYPE for those whose cursor cannot be read")
	f.StringVar(&m.home, "home", "", "working directory of eventsapibeat, to which its cursor files are relative (default: the current folder, then the one of --config)")
	f.StringVar(&m.oldKeystore, "old-keystore", "", "keystore file of eventsapibeat, where it is not in its usual place")
	f.StringVar(&m.out, "out", "", "configuration file to write (default onepasswordbeat.yml, or onepasswordbeat.migrated.yml where that exists)")
	f.StringVar(&m.id, "id", "1password", "id of the input")
	f.BoolVar(&m.force, "force", false, "replace a configuration, secrets and positions that are there already")
	_ = c.MarkFlagRequired("config") // the flag is there
	return c
}

// migration is what `migrate eventsapibeat` is asked for.
type migration struct {
	settings                        instance.Settings
	old, home, oldKeystore, out, id string
	since                           []string
	overlap                         time.Duration
	dryRun, force                   bool
}

// overlaps lists the overlaps of the event types for people.
func overlaps() string {
	var list []string
	for _, m := range module.All() {
		list = append(list, fmt.Sprintf("%s %.0fh", m.Name, m.Overlap.Hours()))
	}
	return strings.Join(list, ", ")
}

// overlapOf is how far before the old position an event type begins.
func (m *migration) overlapOf(eventType string) time.Duration {
	mod, _ := module.ByName(eventType) // all of them are known
	return cmp.Or(m.overlap, mod.Overlap)
}

func (m *migration) run(ctx context.Context, out io.Writer, now time.Time) error {
	plan, err := m.plan(now)
	if err != nil {
		return err
	}
	target, err := m.target()
	if err != nil {
		return err
	}
	text, err := newConfiguration(m.old, plan, now)
	if err != nil {
		return err
	}
	r := migrationReport{out: out, plan: plan, target: target, dryRun: m.dryRun}
	r.positions()
	if m.dryRun {
		r.use(m.checkUnused(ctx, plan))
		r.configuration(text)
		r.lost()
		return r.err
	}
	if err := r.missing(); err != nil {
		return err
	}
	if err := m.checkUnused(ctx, plan); err != nil {
		return fmt.Errorf("%w: stop it, and disable its service, before you migrate", err)
	}
	if err := m.write(plan, target, text, now); err != nil {
		return err
	}
	r.lost()
	r.next()
	return r.err
}

func (m *migration) plan(now time.Time) (*eventsapibeat.Plan, error) {
	since, err := m.starts(now)
	if err != nil {
		return nil, err
	}
	if m.overlap < 0 {
		return nil, fmt.Errorf("--overlap %s is negative", m.overlap)
	}
	plan, err := eventsapibeat.NewPlan(eventsapibeat.Options{
		Config: m.old, Home: m.home, Keystore: m.oldKeystore, ID: m.id, TokenVariable: config.TokenVariable, EventTypes: config.EventTypes(),
		Overlap: m.overlapOf, Since: since, Retention: config.MaxInitialInterval, Now: now,
	})
	if err != nil {
		return nil, err
	}
	return plan, checkPlan(plan)
}

// starts reads --since.
func (m *migration) starts(now time.Time) (map[string]time.Time, error) {
	starts := map[string]time.Time{}
	for _, value := range m.since {
		eventType, text, found := strings.Cut(value, "=")
		if !found {
			eventType, text = "", value
		} else if err := knownEventType(eventType); err != nil {
			return nil, err
		}
		at, err := parseSince(text, now)
		if err != nil {
			return nil, err
		}
		starts[eventType] = at
	}
	return starts, nil
}

func knownEventType(name string) error {
	for _, known := range config.EventTypes() {
		if name == known {
			return nil
		}
	}
	return fmt.Errorf("--since %s=...: unknown event type, choose from %s", name, eventTypes())
}

// checkPlan makes the inputs and the processors as a start would. What is wrong with an input ends the migration; a
// processor that cannot be made is left out.
func checkPlan(plan *eventsapibeat.Plan) error {
	for i, in := range plan.Inputs {
		settings := inputSettings(in)
		settings["token"] = plan.Secrets[i].Value.Reveal()
		if _, err := config.Unpack(conf.MustNewConfigFrom(settings)); err != nil {
			return fmt.Errorf("%s cannot be migrated: %w", strings.Join(in.EventTypes, ", "), err)
		}
	}
	list, _ := plan.Settings["processors"].([]any)
	var working []any
	for i, each := range list {
		if err := checkProcessor(each); err != nil {
			reason, _, _ := strings.Cut(err.Error(), ". Valid actions") // a list of all processors
			plan.Lost = append(plan.Lost, eventsapibeat.Lost{Setting: fmt.Sprintf("processors.%d", i), Why: "it cannot be set up: " + reason})
			continue
		}
		working = append(working, each)
	}
	if len(list) > 0 {
		plan.Settings["processors"] = working
	}
	if _, ok := plan.Settings["output"].(map[string]any); !ok && plan.Settings["cloud"] == nil {
		plan.Lost = append(plan.Lost, eventsapibeat.Lost{Setting: "output", Why: "the old configuration has none: add one to the new one"})
	}
	return nil
}

func checkProcessor(settings any) error {
	cfg, err := conf.NewConfigFrom(map[string]any{"processors": []any{settings}})
	if err != nil {
		return err
	}
	var section struct {
		Processors processors.PluginConfig `config:"processors"`
	}
	if err := cfg.Unpack(&section); err != nil {
		return nil //nolint:nilerr // a variable that is set later
	}
	made, err := processors.New(section.Processors, logp.NewNopLogger())
	if err != nil {
		return err
	}
	return made.Close()
}

// target is the configuration file to write.
func (m *migration) target() (string, error) {
	path := m.out
	if path == "" {
		path = cfgfile.GetDefaultCfgfile()
		if exists(path) && !m.force {
			path = strings.TrimSuffix(path, ".yml") + ".migrated.yml"
		}
	}
	if exists(path) && !m.force {
		return "", fmt.Errorf("%s is there already: name another file by --out, or replace it by --force", path)
	}
	return filepath.Abs(path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// checkUnused watches all cursor files at once.
func (m *migration) checkUnused(ctx context.Context, plan *eventsapibeat.Plan) error {
	var group errgroup.Group
	for _, s := range plan.Starts {
		group.Go(func() error { return eventsapibeat.CheckUnused(ctx, s.CursorFile, s.Poll) })
	}
	return group.Wait()
}

// write writes the configuration first, since libbeat reads from it where the keystore and the registry are. Without
// them it is removed again.
func (m *migration) write(plan *eventsapibeat.Plan, target string, text []byte, now time.Time) error {
	previous, _ := os.ReadFile(target) // with --force
	if err := os.WriteFile(target, text, 0o600); err != nil {
		return err
	}
	err := m.store(plan, target, now)
	if err != nil {
		if previous != nil {
			return errors.Join(err, os.WriteFile(target, previous, 0o600)) //nolint:gosec // the path is the operator's own
		}
		return errors.Join(err, os.Remove(target))
	}
	return nil
}

// store puts the secrets into the keystore and the positions into the registry that belong to the configuration. The new
// configuration keeps them in files; `state move` carries them over.
func (m *migration) store(plan *eventsapibeat.Plan, target string, now time.Time) error {
	file, ok := flag.Lookup("c").Value.(interface{ SetDefault(path string) })
	if !ok {
		return errors.New("libbeat's flag -c has another type than it had") // a programming error
	}
	file.SetDefault(target)
	settings := m.settings
	settings.DisableConfigResolver = true // variables of the output need no value here
	return withFiles(settings, registry.Open, func(b *instance.Beat, r *registry.Registry) error {
		if err := m.checkStored(plan, r); err != nil {
			return err
		}
		if err := plan.Recheck(now); err != nil {
			return err
		}
		if err := storeSecrets(b.Keystore(), plan.Secrets, m.force); err != nil {
			return err
		}
		for _, s := range plan.Starts {
			key := registry.Key{Input: s.Input, EventType: s.EventType}
			if err := r.Reset(context.Background(), key, registry.Start{Since: s.From, Now: now, ForgetAccount: true}); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkStored returns an error if a position is stored already, for example by a beat that has run.
func (m *migration) checkStored(plan *eventsapibeat.Plan, r *registry.Registry) error {
	for _, s := range plan.Starts {
		_, err := r.Load(context.Background(), registry.Key{Input: s.Input, EventType: s.EventType})
		if !m.force && !errors.Is(err, registry.ErrNotFound) {
			return fmt.Errorf("a position of input %q, event type %s, is stored already: choose another --id, or replace it by --force", s.Input, s.EventType)
		}
	}
	return nil
}

// storeSecrets adds secrets to the keystore, which is created if it does not exist.
func storeSecrets(store keystore.Keystore, secrets []eventsapibeat.Secret, force bool) error {
	writable, err := keystore.AsWritableKeystore(store)
	if err != nil {
		return fmt.Errorf("the keystore cannot be written: %w", err)
	}
	if !store.IsPersisted() {
		if err := writable.Create(false); err != nil {
			return fmt.Errorf("the keystore cannot be created: %w", err)
		}
	}
	for _, s := range secrets {
		if old, err := store.Retrieve(s.Name); err == nil && !force {
			if value, err := old.Get(); err != nil || string(value) != s.Value.Reveal() {
				return fmt.Errorf("the keystore has another %s already: remove it (`keystore remove %s`), or replace it by --force", s.Name, s.Name)
			}
		}
		if err := writable.Store(s.Name, []byte(s.Value.Reveal())); err != nil {
			return fmt.Errorf("%s cannot be added to the keystore: %w", s.Name, err)
		}
	}
	return writable.Save()
}
