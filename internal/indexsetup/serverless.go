// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Elasticsearch Serverless (build_flavor "serverless" in GET /): it has no ILM, and
// rejects the settings of an index that the service decides on.

package indexsetup

import (
	"errors"
	"fmt"
	"regexp"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/mapstr"
)

// timeValue is a time in Elasticsearch's form, with the units of data_retention.
var timeValue = regexp.MustCompile(`^[1-9][0-9]*(d|h|m|s)$`)

// retentionOf reads setup.dsl.data_retention, such as "400d". libbeat's own default of
// seven days is not used: no default deletes anything.
func retentionOf(dsl *conf.C) (string, error) {
	if dsl == nil {
		return "", nil
	}
	var section struct {
		Retention string `config:"data_retention"`
		File      string `config:"policy_file"`
	}
	if err := dsl.Unpack(&section); err != nil {
		return "", fmt.Errorf("setup.dsl can't be read: %w", err)
	}
	if section.File != "" {
		return "", errors.New("setup.dsl.policy_file is not supported: set setup.dsl.data_retention to the time after which events are deleted, such as 400d")
	}
	if section.Retention != "" && !timeValue.MatchString(section.Retention) {
		return "", fmt.Errorf("setup.dsl.data_retention %q is not a time such as 400d", section.Retention)
	}
	return section.Retention, nil
}

// serverlessDecides are settings of an index that a user of Serverless may not set.
var serverlessDecides = []string{"number_of_shards", "number_of_replicas", "auto_expand_replicas", "routing", "lifecycle"}

// addLifecycle gives the template's data streams a lifecycle of their own. libbeat would
// set one for a data stream that is named after the beat, and does not exist. It returns the settings that it removed.
func addLifecycle(body mapstr.M, retention string) (removed []string) {
	own := mapstr.M{}
	if retention != "" {
		own["data_retention"] = retention
	}
	_, _ = body.Put("template.lifecycle", own)
	for _, setting := range serverlessDecides {
		if err := body.Delete("template.settings.index." + setting); err == nil {
			removed = append(removed, "index."+setting)
		}
	}
	return removed
}
