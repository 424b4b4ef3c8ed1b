// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Entries of the registry's folder that are not regular files.

package registry

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/logp/logptest"
)

// TestOpenDoesNotBlock: pipes and devices in the folder of the registry.
func TestOpenDoesNotBlock(t *testing.T) {
	for _, name := range []string{metaName, logName, activeName, "7.json", "checkpoint.new"} {
		for kind, makeFile := range map[string]func(path string) error{
			"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
			"device": func(path string) error { return os.Symlink("/dev/zero", path) },
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				data := t.TempDir()
				require.NoError(t, os.MkdirAll(Dir(data), 0o750))
				require.NoError(t, makeFile(filepath.Join(Dir(data), name)))
				_, err := Open(data, logptest.NewTestingLogger(t, ""))
				require.ErrorContains(t, err, "is not a regular file")
			})
		}
	}
}
