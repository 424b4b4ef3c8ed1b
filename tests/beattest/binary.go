// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The binary under test.

package beattest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// BinaryVariable names a binary to test instead of one that is built.
const BinaryVariable = "ONEPASSWORDBEAT_BINARY"

var build struct {
	once   sync.Once
	dir    string // removed by Main
	binary string
	err    error
}

// Main runs the tests of a package and removes what Binary built.
func Main(m *testing.M) int {
	defer func() {
		if build.dir != "" {
			_ = os.RemoveAll(build.dir)
		}
	}()
	return m.Run()
}

// Binary is the path of the binary under test: $ONEPASSWORDBEAT_BINARY, or one
// that is built of this module, once a test run.
func Binary(tb testing.TB) string {
	tb.Helper()
	build.once.Do(func() { build.binary, build.err = makeBinary() })
	if build.err != nil {
		tb.Fatalf("there is no binary to test: %v", build.err)
	}
	return build.binary
}

func makeBinary() (string, error) {
	if path := os.Getenv(BinaryVariable); path != "" {
		return filepath.Abs(path)
	}
	dir, err := os.MkdirTemp("", "onepasswordbeat-build-")
	if err != nil {
		return "", err
	}
	build.dir = dir
	binary := filepath.Join(dir, "onepasswordbeat")
	// A package path, not a folder: tests run in the folder of their own package.
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", binary, "onepasswordbeat")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as `mage build` does
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("go build: %w", err), errors.New(strings.TrimSpace(string(out))))
	}
	return binary, nil
}
