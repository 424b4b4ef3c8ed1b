// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// package:detections: the detection rules among the release artefacts.

package mage

import (
	"context"
	"os"
	"path"
	"path/filepath"
)

// DetectionRules is the file that Kibana imports. A generator writes it, and check:generated compares it.
const DetectionRules = "detections/onepassword-detection-rules.ndjson"

// Detections copies the detection rules to where the release artefacts are.
func Detections(context.Context) error {
	content, err := os.ReadFile(filepath.FromSlash(DetectionRules))
	if err != nil {
		return err
	}
	dir := filepath.Join(BuildDir, "distributions")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	target := filepath.Join(dir, path.Base(DetectionRules))
	if err := os.WriteFile(target, content, 0o644); err != nil {
		return err
	}
	Say("%s", target)
	return nil
}
