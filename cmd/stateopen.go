// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// From the configuration to the stored states, for the commands that use them.

package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/elastic/beats/v7/libbeat/cmd/instance"
	"github.com/elastic/beats/v7/libbeat/cmd/instance/locks"
	"github.com/elastic/elastic-agent-libs/paths"

	"onepasswordbeat/beater"
	"onepasswordbeat/internal/registry"
)

// maxShownID is the length of an input's id as it is shown: no configured one is longer.
const maxShownID = 128

// stateOpener opens the states where onepasswordbeat.state says that they are.
type stateOpener struct {
	files  registry.OpenFunc // opens those in path.data
	shared bool              // a beat may run while its states in Elasticsearch are used
}

// with opens the states for a function. Files in path.data are neither needed nor made if the states are elsewhere.
func (o stateOpener) with(settings instance.Settings, do func(*instance.Beat, *registry.Registry) error) error {
	return withBeat(settings, func(b *instance.Beat) error {
		s, err := stateSettings(b)
		if err != nil {
			return err
		}
		use := func() error { return using(do, b)(o.open(b, s)) }
		if s.Backend == registry.BackendElasticsearch && o.shared {
			return use()
		}
		return whileStopped(b, use)
	})
}

func (o stateOpener) open(b *instance.Beat, s registry.Settings) (*registry.Registry, error) {
	if s.Backend == registry.BackendElasticsearch {
		return registry.OpenElasticsearch(*s.Elasticsearch, b.Info.Logger)
	}
	return o.files(s.DataPath, b.Info.Logger)
}

// withFiles opens the states in path.data, whatever is configured, while no beat runs.
func withFiles(settings instance.Settings, open registry.OpenFunc, do func(*instance.Beat, *registry.Registry) error) error {
	return withBeat(settings, func(b *instance.Beat) error {
		return whileStopped(b, func() error {
			return using(do, b)(open(b.Info.Paths.Resolve(paths.Data, ""), b.Info.Logger))
		})
	})
}

// using returns a function that uses what was opened, if it was, and closes it.
func using(do func(*instance.Beat, *registry.Registry) error, b *instance.Beat) func(*registry.Registry, error) error {
	return func(r *registry.Registry, err error) error {
		if err != nil {
			return err
		}
		return errors.Join(do(b, r), r.Close())
	}
}

// withBeat initializes a beat and explains what its user may not do.
func withBeat(settings instance.Settings, do func(*instance.Beat) error) error {
	b, err := initializedBeat(settings)
	if err == nil {
		err = do(b)
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w (the command runs as user %d; root becomes the owner of path.data: if files in there are root's, give them to that user with chown)", err, os.Geteuid())
	}
	if errors.As(err, new(*registry.UnavailableError)) {
		return fmt.Errorf("%s. Hosts and credentials are those of onepasswordbeat.state.elasticsearch, or of output.elasticsearch without it",
			strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return err
}

// whileStopped does something while no beat uses the same path.data.
func whileStopped(b *instance.Beat, do func() error) error {
	lock := locks.NewWithRetry(b.Info, b.Info.Paths, 1, 0)
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("the beat seems to run; stop it first: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	return do()
}

// hasFiles is whether there is a registry in path.data.
func hasFiles(dataPath string) bool {
	_, err := os.Stat(registry.Dir(dataPath))
	return !errors.Is(err, fs.ErrNotExist)
}

// stateSettings reads the section onepasswordbeat.state.
func stateSettings(b *instance.Beat) (registry.Settings, error) {
	section, err := b.BeatConfig()
	if err != nil {
		return registry.Settings{}, err
	}
	return beater.RegistrySettings(&b.Beat, section)
}

// nothingStored is the error for a place without any state.
func nothingStored(r *registry.Registry) error {
	return fmt.Errorf("there is no state in %s: no run of the beat with these settings has stored anything there yet. "+
		"If one has, check path.data, or state.id, state.index and the hosts; if the states are in the other place, `state move` carries them over", r.Place())
}
