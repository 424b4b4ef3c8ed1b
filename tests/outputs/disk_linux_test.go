// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A full disk under the file output.

package outputs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/receivertest"
)

// The file output drops what it can't write, and ACKs it: the cursors hold, and
// move on automatically when there is space again.
func TestFileOutputOnAFullDisk(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, each)
	h := beattest.NewHome(t)
	h.Configure(beattest.Config{Inputs: []M{input(srv.URL, srv.Token())}, Output: beattest.FileOutput(h)})
	dir := h.Path("output")
	require.NoError(t, os.MkdirAll(dir, 0o750))
	mount(t, dir, "size=64m,mode=0750")
	filler := filepath.Join(dir, ".filler")
	fill(t, filler, 1<<20)

	beat := h.Start()
	t.Log(waitDegraded(beat, 3))
	assert.Less(t, len(h.Events()), 3*each)
	require.NoError(t, os.Remove(filler))
	waitDelivered(beat, srv.Account, glued{h}, patient)
	stop(t, beat)
	assertDelivered(t, srv.Account, glued{h})
}

// glued are the events in a home's files, also those that follow on a line which
// the full disk cut off: the file output goes on where the disk stopped it.
type glued struct{ home *beattest.Home }

func (g glued) Len() int { return len(g.Events()) }

func (g glued) Events() []receivertest.Event {
	events := written(g).Events()
	files, _ := filepath.Glob(g.home.Path("output", "*")) // the pattern is right
	for _, name := range files {
		raw, _ := os.ReadFile(name) // gone: rotated this moment
		for line := range bytes.Lines(raw) {
			at := bytes.LastIndex(line, []byte(`{"@timestamp":`))
			if at > 0 && !json.Valid(line) && json.Valid(line[at:]) {
				events = append(events, receivertest.NewEvent("", line[at:]))
			}
		}
	}
	return events
}

// mount mounts a tmpfs for the length of the test, or skips it where it may not.
func mount(t *testing.T, target, data string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", target, "tmpfs", 0, data); err != nil {
		t.Skipf("SKIP: this test needs a mount of its own, which is not allowed here: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(target, syscall.MNT_DETACH)) })
}

// fill writes a file until its disk has no more than spare bytes left.
func fill(t *testing.T, name string, spare int64) {
	t.Helper()
	f, err := os.Create(name)
	require.NoError(t, err)
	for block := bytes.Repeat([]byte("x"), 4096); err == nil; {
		_, err = f.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	info, err := f.Stat()
	require.NoError(t, err)
	require.NoError(t, f.Truncate(info.Size()-spare))
	require.NoError(t, f.Close())
}
