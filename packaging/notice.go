// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The notice of the oss variant: NOTICE.txt without what only the default binary contains.

package main

import (
	"bytes"
	"strings"
)

// ruler separates a notice's sections: a ruler, a title, a ruler, a text.
const ruler = "================================================================================\n"

// ossNotice leaves out the sections about Elastic's licences, and the modules under them in the table.
func ossNotice(notice []byte) []byte {
	parts := strings.Split(string(notice), ruler)
	var out bytes.Buffer
	out.WriteString(parts[0])
	for i := 1; i+1 < len(parts); i += 2 {
		title, body := parts[i], parts[i+1]
		if elasticOnly(title) {
			continue
		}
		out.WriteString(ruler + title + ruler)
		for line := range strings.Lines(body) {
			if !strings.HasSuffix(line, ": Elastic\n") {
				out.WriteString(line)
			}
		}
	}
	return out.Bytes()
}

// elasticOnly tells whether a section is about what is under one of Elastic's licences.
func elasticOnly(title string) bool {
	for _, start := range []string{"NOT UNDER A PERMISSIVE LICENCE", "Elastic License 2.0:", "Elastic:"} {
		if strings.HasPrefix(title, start) {
			return true
		}
	}
	return strings.HasPrefix(title, "Notice of github.com/elastic/elastic-agent-client")
}
