// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Whether a beat still writes a cursor file. The old beat appends a line with each poll, also when nothing is new.

package eventsapibeat

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// ErrInUse is the error of a cursor file that a process still writes.
var ErrInUse = errors.New("eventsapibeat still runs")

// CheckUnused returns an error that wraps ErrInUse if a process has the cursor file open, or if the file changes while
// this function watches it: files that were written within two polls are watched for one poll and a little more.
// It returns early when ctx ends.
func CheckUnused(ctx context.Context, path string, poll time.Duration) error {
	before, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if pid := holder(before); pid != 0 {
		return fmt.Errorf("%w: process %d has %s open", ErrInUse, pid, path)
	}
	deadline := time.Now().Add(poll + 2*time.Second)
	if time.Since(before.ModTime()) > 2*poll+5*time.Second {
		return nil
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(deadline) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := unchangedSince(path, before); err != nil {
			return err
		}
	}
	return nil
}

// unchangedSince compares a file with an earlier look at it.
func unchangedSince(path string, before fs.FileInfo) error {
	now, err := os.Stat(path)
	if err != nil {
		return err
	}
	if now.Size() != before.Size() || !now.ModTime().Equal(before.ModTime()) {
		return fmt.Errorf("%w: %s has just been written", ErrInUse, path)
	}
	return nil
}
