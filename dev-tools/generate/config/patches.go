// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Where libbeat's reference text would mislead: lines that are replaced, because this beat has other defaults.

package main

import (
	"fmt"
	"strings"

	"onepasswordbeat/config"
)

// patch replaces a line of libbeat's text, which must occur exactly once, so that a new libbeat cannot make it void
// unnoticed. The indentation stays.
type patch struct {
	line string
	with []string
}

func patches() []patch {
	all := []patch{
		{"preset: balanced", []string{
			"# onepasswordbeat sets none: a preset replaces the queue's settings, and events wait longer",
			"# (latency 1s, throughput 5s, balanced 10s, scale 20s). See docs/configuration.md.",
			"#preset: latency",
		}},
		{`# Optional data stream or index name. The default is "onepasswordbeat-%{[agent.version]}".`, []string{
			"# Not used by onepasswordbeat: each event carries its data stream's name. Set `index` of the input instead.",
		}},
		{"# Maximum number of files under path. When this number of files is reached,", []string{
			"# Maximum number of files under path, before the oldest one is deleted, whether or not it was shipped: an event",
			"# counts as delivered once it is in a file. The defaults keep the newest 70 MB. When this number is reached,",
		}},
		{"# Configure automatic file rotation on every startup. The default is true.", []string{
			"# Configure automatic file rotation on every startup. The default is true: with number_of_files: 7, seven restarts",
			"# delete everything that the files held before. Set false.",
		}},
		{"#rotate_on_startup: true", []string{"#rotate_on_startup: false"}},
		{"# 'beatname'.", []string{"# 'onepasswordbeat'."}},
		{`# Template name. By default the template name is "onepasswordbeat-%{[agent.version]}"`, nil},
		{`# Template pattern. By default the template pattern is "onepasswordbeat-%{[agent.version]}" to apply to the default index settings.`, nil},
	}
	lines := map[string]string{ // where libbeat shows a default of ours
		"queue.mem.flush.timeout": "#flush.timeout: 10s",
		"timestamp.precision":     "#timestamp.precision: millisecond",
		"setup.template.name":     `#setup.template.name: "onepasswordbeat-%{[agent.version]}"`,
		"setup.template.pattern":  `#setup.template.pattern: "onepasswordbeat-%{[agent.version]}"`,
	}
	for _, d := range config.BeatDefaults() {
		line := lines[d.Key] // "" for a default that is new here; applyPatches then says so
		key, _, _ := strings.Cut(strings.TrimPrefix(line, "#"), ":")
		all = append(all, patch{line, []string{
			fmt.Sprintf("# onepasswordbeat's default; libbeat's is %s. %s", d.Libbeat, d.Why),
			fmt.Sprintf("#%s: %s", key, d.Value),
		}})
	}
	return all
}

// applyPatches replaces the lines. The sentence about a name and a pattern that go with it stays libbeat's.
func applyPatches(text string, all []patch) (string, error) {
	lines := strings.Split(text, "\n")
	for _, p := range all {
		found := 0
		var next []string
		for _, line := range lines {
			content := strings.TrimLeft(line, " ")
			if p.line == "" || content != p.line {
				next = append(next, line)
				continue
			}
			found++
			for _, replacement := range p.with {
				next = append(next, line[:len(line)-len(content)]+replacement)
			}
		}
		if found != 1 {
			return "", fmt.Errorf("libbeat's templates have the line %q %d times instead of once: look at what changed there and adapt patches.go", p.line, found)
		}
		lines = next
	}
	return strings.Join(lines, "\n"), nil
}
