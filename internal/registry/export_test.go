// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package registry

// Waiting is the number of commits in the queue of a registry in Elasticsearch.
func Waiting(r *Registry) int {
	e, ok := r.backend.(*elasticStore)
	if !ok {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.queue)
}
