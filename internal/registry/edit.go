// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the `state` commands need of a registry that no beat has open.

package registry

import (
	"fmt"
	"os"
	"time"

	"github.com/elastic/elastic-agent-libs/logp"
)

// OpenFunc opens the registry below a path.data: Open or OpenExisting.
type OpenFunc func(dataPath string, log *logp.Logger) (*Registry, error)

// OpenExisting opens the registry, but does not make one.
func OpenExisting(dataPath string, log *logp.Logger) (*Registry, error) {
	dir := Dir(dataPath)
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("there is no registry in %s: no run of the beat with this path.data has stored anything yet", dir)
	}
	return Open(dataPath, log)
}

// Start is where a reset harvester begins.
type Start struct {
	Since         time.Time
	Now           time.Time
	ForgetAccount bool // take the account that the next token names
}

// Reset makes the next run of one harvester begin at a time. It keeps the account
// of a state that can be read, and replaces one that can't.
func (r *Registry) Reset(key Key, at Start) error {
	state := State{StartTime: at.Since, Updated: at.Now}
	if old, err := r.Load(key); err == nil && !at.ForgetAccount {
		state.Account = old.Account
	}
	return r.Commit(key, state)
}
