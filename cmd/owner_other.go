// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package cmd

import (
	"fmt"

	"github.com/elastic/beats/v7/libbeat/cmd/instance"
)

// initializedBeat reads the configuration and initializes a beat.
func initializedBeat(settings instance.Settings) (*instance.Beat, error) {
	b, err := instance.NewInitializedBeat(settings)
	if err != nil {
		return nil, fmt.Errorf("error initializing beat: %w", err)
	}
	return b, nil
}
