// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// SHA512SUMS and its signature.

package main

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const sumsFile = "SHA512SUMS"

// writeSums writes the checksums of all files in a folder, as `sha512sum --check` reads them. With a minisign secret
// key without a password it signs them, to SHA512SUMS.minisig.
func writeSums(ctx context.Context, dir, key string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), sumsFile) || e.IsDir() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		sum := sha512.Sum512(content)
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(sum[:]), e.Name())
	}
	path := filepath.Join(dir, sumsFile)
	if err := os.WriteFile(path, sums.Bytes(), 0o644); err != nil {
		return err
	}
	if key == "" {
		return nil
	}
	sign := exec.CommandContext(ctx, "minisign", "-S", "-s", key, "-m", path, "-t", "onepasswordbeat "+filepath.Base(dir))
	sign.Stdout, sign.Stderr = os.Stdout, os.Stderr
	if err := sign.Run(); err != nil {
		return fmt.Errorf("sign %s with minisign: %w", path, err)
	}
	return nil
}
