// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package detections

import _ "embed"

//go:embed normal_week.yml
var normalWeekYAML []byte

// NormalWeek has the number of alerts that each rule raised, by slug, in the normal week of tests/detections: 100,000 events
// of an account with 60 people. The test measures them and compares.
func NormalWeek() (map[string]int, error) {
	var alerts map[string]int
	err := decode(normalWeekYAML, &alerts)
	return alerts, err
}
