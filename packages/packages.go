// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package packages holds the integration package for Elastic, 1password, and
// gives the beat the part of it that it can load without Kibana.
package packages

import (
	"embed"
	"fmt"
	"io/fs"
	"path"

	"go.yaml.in/yaml/v3"
)

//go:embed 1password/data_stream/*/elasticsearch/ingest_pipeline/default.yml
var files embed.FS

// Pipelines returns the package's ingest pipelines by the name of their event
// type ("audit_events"), each as the body of a request that loads it.
func Pipelines() (map[string]map[string]any, error) {
	paths, err := fs.Glob(files, "1password/data_stream/*/elasticsearch/ingest_pipeline/default.yml")
	if err != nil {
		return nil, err
	}
	pipelines := make(map[string]map[string]any, len(paths))
	for _, p := range paths {
		raw, err := files.ReadFile(p)
		if err != nil {
			return nil, err
		}
		var body map[string]any
		if err := yaml.Unmarshal(raw, &body); err != nil {
			return nil, fmt.Errorf("%s can't be read: %w", p, err)
		}
		pipelines[path.Base(path.Join(p, "../../.."))] = body
	}
	return pipelines, nil
}
