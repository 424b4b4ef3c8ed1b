// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What git knows about the tree.

package mage

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"slices"
)

// Files returns every file that git tracks or would track, below the root, that
// matches one of the patterns (git's pathspecs, like "*.go"; none means all).
func Files(ctx context.Context, patterns ...string) ([]string, error) {
	args := []string{"git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--"}
	names, err := Command{Args: append(args, patterns...)}.Lines(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool {
		info, err := os.Stat(name)
		return err != nil || !info.Mode().IsRegular() // deleted, but not yet for git
	}), nil
}

// Snapshot is the content of a tree at one moment: name to checksum.
type Snapshot map[string][sha256.Size]byte

// TakeSnapshot reads every file that git tracks or would track.
func TakeSnapshot(ctx context.Context) (Snapshot, error) {
	names, err := Files(ctx)
	if err != nil {
		return nil, err
	}
	s := make(Snapshot, len(names))
	for _, name := range names {
		content, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s[name] = sha256.Sum256(content)
	}
	return s, nil
}

// Diff returns the sorted names of files that one of the two lacks or has otherwise.
func (s Snapshot) Diff(other Snapshot) []string {
	names := map[string]bool{}
	for name, sum := range s {
		if o, ok := other[name]; !ok || o != sum {
			names[name] = true
		}
	}
	for name := range other {
		if _, ok := s[name]; !ok {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// hasCommit reports whether the tree is a git repository with a commit that a binary
// could be stamped with. An archive of the sources has none and still builds.
func hasCommit(ctx context.Context) bool {
	return exec.CommandContext(ctx, "git", "rev-parse", "--quiet", "--verify", "HEAD").Run() == nil
}
