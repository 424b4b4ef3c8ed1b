// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The old configuration, with its variables.

package eventsapibeat

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/elastic/elastic-agent-libs/keystore"
	"github.com/elastic/go-ucfg"
	"github.com/elastic/go-ucfg/parse"
	"github.com/elastic/go-ucfg/yaml"
)

// oldConfig is the configuration file of an eventsapibeat.
type oldConfig struct {
	path     string
	section  section
	settings map[string]any // libbeat's, with their variables
	keystore keystore.Keystore
}

// section is what stands below eventsapibeat.
type section struct {
	InsecureSkipVerify bool
	Types              map[string]eventConfig // by event type, the enabled ones only
}

// eventConfig is one event type of the old beat.
type eventConfig struct {
	Enabled         bool          `config:"enabled"`
	AuthToken       string        `config:"auth_token"`
	StartingCursor  string        `config:"starting_cursor"` // the body of its first request
	CursorStateFile string        `config:"cursor_state_file"`
	SampleFrequency time.Duration `config:"sample_frequency"` // the pause between polls
}

// The old beat's defaults.
const (
	defaultFrequency = 10 * time.Second
	defaultCursor    = `{ "limit": 1000, "start_time": "2020-01-01T00:00:00Z" }`
)

// cursorFileOf is the default name of an event type's cursor file.
func cursorFileOf(eventType string) string {
	return "eventsapibeat_" + strings.ReplaceAll(eventType, "_", "") + ".state"
}

// readConfig reads the old configuration. Of opts it needs Config, Home, Keystore and EventTypes.
func readConfig(opts Options) (*oldConfig, error) {
	data, err := os.ReadFile(opts.Config)
	if err != nil {
		return nil, fmt.Errorf("the configuration of eventsapibeat cannot be read: %w", err)
	}
	literal, err := yaml.NewConfig(data, ucfg.PathSep(".")) // without ucfg.VarExp a variable is text
	if err != nil {
		return nil, fmt.Errorf("%s is not a configuration in YAML: %w", opts.Config, withoutValues(err))
	}
	old := &oldConfig{path: opts.Config, settings: map[string]any{}}
	if err := literal.Unpack(&old.settings, ucfg.PathSep(".")); err != nil {
		return nil, fmt.Errorf("%s: %w", opts.Config, withoutValues(err))
	}
	if _, ok := old.settings["eventsapibeat"].(map[string]any); !ok {
		return nil, fmt.Errorf("%s has no section eventsapibeat: name the configuration file of 1Password's eventsapibeat", opts.Config)
	}
	delete(old.settings, "eventsapibeat")
	if old.keystore, err = findKeystore(opts, old.settings); err != nil {
		return nil, err
	}
	expanded, err := yaml.NewConfig(data, ucfg.PathSep("."), ucfg.VarExp)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", opts.Config, withoutValues(err))
	}
	return old, old.readSection(expanded, opts.EventTypes)
}

// withoutValues keeps the position of an error and leaves out what could be a value of the file.
func withoutValues(err error) error {
	text, _, _ := strings.Cut(err.Error(), "`")
	if len(text) > 200 {
		text = text[:200]
	}
	return errors.New(text)
}

// readSection reads the enabled event types, each over the old beat's defaults.
func (old *oldConfig) readSection(cfg *ucfg.Config, eventTypes []string) error {
	options := []ucfg.Option{ucfg.PathSep("."), ucfg.VarExp, ucfg.IgnoreCommas, ucfg.Resolve(old.resolve)}
	child, err := cfg.Child("eventsapibeat", -1, options...)
	if err != nil {
		return fmt.Errorf("%s: eventsapibeat must hold keys of its own", old.path)
	}
	if has, _ := child.Has("insecure_skip_verify", -1, options...); has {
		if old.section.InsecureSkipVerify, err = child.Bool("insecure_skip_verify", -1, options...); err != nil {
			return fmt.Errorf("%s: eventsapibeat.insecure_skip_verify must be true or false", old.path)
		}
	}
	old.section.Types = map[string]eventConfig{}
	for _, name := range eventTypes {
		if has, _ := child.Has(name, -1, options...); !has {
			continue
		}
		c := eventConfig{CursorStateFile: cursorFileOf(name), SampleFrequency: defaultFrequency, StartingCursor: defaultCursor}
		part, err := child.Child(name, -1, options...)
		if err == nil {
			err = part.Unpack(&c, options...)
		}
		if err != nil {
			return fmt.Errorf("%s: eventsapibeat.%s cannot be read: correct the value, or set the variable that it refers to (also by --old-keystore)", old.path, name)
		}
		if c.Enabled {
			old.section.Types[name] = c
		}
	}
	if len(old.section.Types) == 0 {
		return fmt.Errorf("%s has no enabled event type: set enabled: true for those to migrate", old.path)
	}
	return nil
}

// resolve returns the value of a variable as the old beat's process sees it: the environment's, then its keystore's.
func (old *oldConfig) resolve(name string) (string, parse.Config, error) {
	if value := os.Getenv(name); value != "" {
		return value, parse.NoopConfig, nil
	}
	if value, ok := old.stored(name); ok {
		return value, parse.NoopConfig, nil
	}
	return "", parse.NoopConfig, ucfg.ErrMissing
}

// stored returns an entry of the old keystore.
func (old *oldConfig) stored(name string) (string, bool) {
	if old.keystore == nil {
		return "", false
	}
	secret, err := old.keystore.Retrieve(name)
	if err != nil {
		return "", false
	}
	value, err := secret.Get()
	return string(value), err == nil
}

// findKeystore opens the old beat's keystore, where there is one: the one that opts names, or the first that exists of
// those that the settings and the usual folders suggest.
func findKeystore(opts Options, settings map[string]any) (keystore.Keystore, error) {
	places := []string{opts.Keystore}
	if opts.Keystore == "" {
		const name = "eventsapibeat.keystore"
		home, dir := opts.Home, filepath.Dir(opts.Config)
		places = []string{
			textAt(settings, "keystore", "path"),
			filepath.Join(textAt(settings, "path", "data"), name),
			filepath.Join(textAt(settings, "path", "home"), "data", name),
			filepath.Join(home, "data", name), filepath.Join(dir, "data", name), "/var/lib/eventsapibeat/" + name,
		}
	}
	for _, path := range places {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			if path == opts.Keystore && path != "" {
				return nil, fmt.Errorf("the keystore of eventsapibeat, %s, is not there: name its file by --old-keystore", path)
			}
			continue
		}
		store, err := keystore.NewFileKeystoreWithStrictPerms(path, false)
		if err != nil {
			return nil, fmt.Errorf("the keystore of eventsapibeat, %s, cannot be read: %w", path, err)
		}
		return store, nil
	}
	return nil, nil //nolint:nilnil // most of these beats have none
}

// textAt returns a text of nested settings; "" if there is none.
func textAt(settings map[string]any, keys ...string) string {
	for _, key := range keys[:len(keys)-1] {
		settings, _ = settings[key].(map[string]any)
	}
	text, _ := settings[keys[len(keys)-1]].(string)
	return text
}

// cursorFile finds the file that an old cursor_state_file names. A relative path is one of the old process's working
// directory: Home if it is set, else the current folder or the one of the configuration file.
func (old *oldConfig) cursorFile(name, home string) string {
	if filepath.IsAbs(name) {
		return name
	}
	folders := []string{home}
	if home == "" {
		folders = []string{".", filepath.Dir(old.path)}
	}
	for _, folder := range folders {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path
		}
	}
	return filepath.Join(folders[0], name)
}
