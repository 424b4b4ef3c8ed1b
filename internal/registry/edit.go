// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the `state` commands need of a registry that no beat has open.

package registry

import (
	"context"
	"errors"
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
// and output of a state that can be read, and replaces one that can't.
func (r *Registry) Reset(ctx context.Context, key Key, at Start) error {
	state := State{StartTime: at.Since, Updated: at.Now}
	stored, err := r.get(ctx, key, true)
	if errors.As(err, new(*UnavailableError)) || errors.Is(err, ErrClosed) {
		return err
	}
	if err == nil {
		if old, err := decode(key, stored, r.backend); err == nil {
			state.Output = old.Output
			if !at.ForgetAccount {
				state.Account = old.Account
			}
		}
	}
	return r.Commit(ctx, key, state)
}
