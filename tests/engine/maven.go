// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Maven: what engines are made of, by its coordinates, brought into Maven's own cache and put together once.

package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// CacheDir is where what Maven brought is kept. Root's own cache cannot be read by the user that an engine may run as, so root has a common one.
func CacheDir() (string, error) {
	parent := "/var/cache"
	if os.Geteuid() != 0 {
		var err error
		if parent, err = os.UserCacheDir(); err != nil {
			return "", fmt.Errorf("a place for test engines: %w", err)
		}
	}
	dir := filepath.Join(parent, "onepasswordbeat-tests")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755) // whatever the umask is
}

// Provide returns the directory of the name in CacheDir, and has it made when it is not there: make puts the content into a directory beside it, which is moved there at the
// end, so that a test running at the same time, or after a crash, never sees half of it.
func Provide(name string, make func(work string) (made string, err error)) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, name)
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	work, err := os.MkdirTemp(cache, "unpack-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	made, err := make(work)
	if err != nil {
		return "", err
	}
	err = os.Rename(made, home)
	if errors.Is(err, fs.ErrExist) {
		err = nil // another test was quicker
	}
	return home, err
}

// Maven runs Maven's dependency plug-in in a directory: goal is like "copy", and settings are like "artifact=group:name:version". It brings things for an engine.
func Maven(ctx context.Context, engine, dir, goal string, settings ...string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return &MissingError{Engine: engine, What: "Maven (mvn) is not in PATH"}
	}
	args := []string{"--batch-mode", "--quiet", "dependency:" + goal}
	for _, s := range settings {
		args = append(args, "-D"+s)
	}
	cmd := exec.CommandContext(ctx, mvn, args...)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Kill() }
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("maven could not bring %s: %w\n%s", engine, err, LastLines(string(out), 15))
	}
	return nil
}
