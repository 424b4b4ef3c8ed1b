// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What Elasticsearch Serverless answers otherwise: its flavor, and what it rejects.

package estest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const serverless = "serverless"

// unavailable is the answer for an API that Serverless does not have.
func unavailable(w http.ResponseWriter, r *http.Request) {
	reject(w, http.StatusGone, "api_not_available_exception",
		fmt.Sprintf("Request for uri [%s] with method [%s] exists but is not available when running in serverless mode", r.URL.Path, r.Method))
}

// notInServerless are settings of an index, or the beginning of their names.
var notInServerless = []string{
	"index.number_of_shards", "index.number_of_replicas", "index.auto_expand_replicas", "index.routing.", "index.lifecycle.",
	"index.max_docvalue_fields_search", "index.number_of_routing_shards",
}

// forbiddenSettings are those of a template that Serverless rejects.
func forbiddenSettings(template []byte) (found []string) {
	var body struct {
		Template struct {
			Settings map[string]any `json:"settings"`
		} `json:"template"`
	}
	if json.Unmarshal(template, &body) != nil {
		return nil
	}
	var walk func(prefix string, node map[string]any)
	walk = func(prefix string, node map[string]any) {
		for key, value := range node {
			path := prefix + key
			if child, ok := value.(map[string]any); ok {
				walk(path+".", child)
				continue
			}
			if !strings.HasPrefix(path, "index.") {
				path = "index." + path
			}
			if slices.ContainsFunc(notInServerless, func(name string) bool { return strings.HasPrefix(path+".", strings.TrimSuffix(name, ".")+".") }) {
				found = append(found, path)
			}
		}
	}
	walk("", body.Template.Settings)
	slices.Sort(found)
	return found
}
