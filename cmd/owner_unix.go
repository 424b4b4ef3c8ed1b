// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Root may use the state of a beat that runs as another user. That user could lead root
// to any file by a symbolic link, so root becomes that user before it opens anything.

//go:build unix

package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/elastic/beats/v7/libbeat/cfgfile"
	"github.com/elastic/beats/v7/libbeat/cmd/instance"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/paths"

	"onepasswordbeat/internal/registry"
)

// initializedBeat reads the configuration and initializes a beat. Root reads the
// configuration, which may be root's alone, and then becomes the owner of path.data.
func initializedBeat(settings instance.Settings) (b *instance.Beat, err error) {
	user, err := ownerOfState()
	if err != nil {
		return nil, fmt.Errorf("error initializing beat: %w", err)
	}
	if user != nil {
		// libbeat reads the configuration and opens path.data in one call. It asks the
		// overrides for their condition in between.
		settings.ConfigOverrides = append(settings.ConfigOverrides, cfgfile.ConditionalOverride{
			Check: func(*conf.C) bool {
				if err := user.become(); err != nil {
					panic(noDrop{err}) // the caller could only return true or false, and go on as root
				}
				return false
			},
		})
		defer func() {
			switch failed := recover().(type) {
			case nil:
			case noDrop:
				b, err = nil, failed.err
			default:
				panic(failed)
			}
		}()
	}
	b, err = instance.NewInitializedBeat(settings)
	if err != nil {
		return nil, fmt.Errorf("error initializing beat: %w", err)
	}
	return b, nil
}

// noDrop ends the initialization because root could not become the owner.
type noDrop struct{ err error }

// owner is another user than root, to whom a folder of the state belongs.
type owner struct {
	uid, gid int
	folder   string
}

// ownerOfState returns the owner of the configured path.data, or of a folder of the
// registry in it. It is nil if they are root's, and if the caller is not root.
func ownerOfState() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nobody to become
	}
	if err := cfgfile.HandleFlags(); err != nil {
		return nil, err
	}
	cfg, err := cfgfile.Load("", nil)
	if err != nil {
		return nil, err
	}
	var section struct {
		Path paths.Path `config:"path"`
	}
	if err := cfg.Unpack(&section); err != nil {
		return nil, err
	}
	where := paths.New()
	if err := where.InitPaths(&section.Path); err != nil {
		return nil, err
	}
	return ownerOf(where.Resolve(paths.Data, "")), nil
}

// ownerOf looks from path.data downwards: who owns a folder decides what lies below it.
// A link counts as well as what it leads to.
func ownerOf(dataPath string) *owner {
	dir := registry.Dir(dataPath)
	for _, folder := range []string{dataPath, filepath.Dir(dir), dir} {
		for _, stat := range []func(string) (os.FileInfo, error){os.Lstat, os.Stat} {
			info, err := stat(folder)
			if err != nil {
				continue
			}
			if owns, ok := info.Sys().(*syscall.Stat_t); ok && owns.Uid != 0 {
				return &owner{uid: int(owns.Uid), gid: int(owns.Gid), folder: folder}
			}
		}
	}
	return nil
}

// become gives up root's rights for good: first the groups, for which root's user id is
// needed.
func (o *owner) become() error {
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"setgroups", func() error { return syscall.Setgroups([]int{o.gid}) }},
		{"setgid", func() error { return syscall.Setgid(o.gid) }},
		{"setuid", func() error { return syscall.Setuid(o.uid) }},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s belongs to user %d, and root can't become that user (%s: %w): run the command as that user, for example with `sudo -u '#%d'`",
				o.folder, o.uid, step.name, err, o.uid)
		}
	}
	return nil
}
