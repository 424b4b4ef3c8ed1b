// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Root may reset the state of a beat that runs as another user, which must be able
// to read what root wrote.

//go:build unix

package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"onepasswordbeat/internal/registry"
)

// keepOwner notes whose the registry is, and returns what gives that user the
// files that root will have written.
func keepOwner(dataPath string) (handOver func() error) {
	nothing := func() error { return nil }
	if os.Geteuid() != 0 {
		return nothing
	}
	dir := registry.Dir(dataPath)
	for _, folder := range []string{dir, filepath.Dir(dir), dataPath} {
		info, err := os.Stat(folder)
		if err != nil {
			continue // it will be made; whoever has the folder above it gets it
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		if !ok || owner.Uid == 0 {
			return nothing
		}
		return func() error {
			if err := giveRegistry(dataPath, int(owner.Uid), int(owner.Gid)); err != nil {
				return fmt.Errorf("the registry has files that belong to root now, run `chown -R %d:%d %s`: %w", owner.Uid, owner.Gid, dir, err)
			}
			return nil
		}
	}
	return nothing
}

// giveRegistry gives root's files of a registry, and the folders that it made for
// them, to another user.
func giveRegistry(dataPath string, uid, gid int) error {
	data, err := os.OpenRoot(dataPath) // the user must not lead root elsewhere by a symbolic link
	if err != nil {
		return err
	}
	defer func() { _ = data.Close() }()
	dir, err := filepath.Rel(dataPath, registry.Dir(dataPath))
	if err != nil {
		return err
	}
	names := []string{"meta.json", filepath.Dir(dir), dir}
	files, err := fs.ReadDir(data.FS(), filepath.ToSlash(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, file := range files {
		names = append(names, filepath.Join(dir, file.Name()))
	}
	for _, name := range names {
		if err := giveRootsFile(data, name, uid, gid); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// giveRootsFile leaves alone what is not root's, and a file of several names, whose
// others may be anywhere.
func giveRootsFile(data *os.Root, name string, uid, gid int) error {
	f, err := data.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	now, ok := info.Sys().(*syscall.Stat_t)
	if !ok || now.Uid != 0 || !info.IsDir() && (!info.Mode().IsRegular() || now.Nlink > 1) {
		return nil
	}
	return f.Chown(uid, gid)
}
