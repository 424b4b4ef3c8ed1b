// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A disk under the registry that is full while the beat runs.

package tests

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

func TestDiskFullUnderTheRegistry(t *testing.T) {
	t.Parallel()
	testDisk(t, func(t *testing.T, home *beattest.Home) (spoil, heal func()) {
		registry := home.Path("data", "registry")
		require.NoError(t, os.MkdirAll(registry, 0o750))
		mount(t, "tmpfs", registry, "tmpfs", 0, "size=256k,mode=0750")
		filler := filepath.Join(registry, "filler")
		return func() { fill(t, filler) }, func() { require.NoError(t, os.Remove(filler)) }
	})
}

// testDisk spoils the registry's disk while events keep coming: it is reported, no
// event is skipped, and once the disk works again the cursors are stored automatically.
func testDisk(t *testing.T, disk func(*testing.T, *beattest.Home) (spoil, heal func())) {
	srv := eventsapitest.StartTB(t, eventsapitest.Config{Seed: 7, Backlog: eventsapitest.Each(200)})
	es := bulktest.Start(t)
	home := toBulk(t, srv, es)
	spoil, heal := disk(t, home)
	beat := home.Start()
	waitIndexed(t, beat, srv, es, soon)
	waitState(beat, "signin_attempts")
	spoil()
	for n := 10; beat.Log.Count("can't store the cursor") == 0; n++ { // the last block of the log has room for a few
		require.Less(t, n, 60)
		publishSignIn(srv, newUUID(n))
		waitIndexed(t, beat, srv, es, soon)
	}
	stored := home.Cursors()["signin_attempts"]
	publishSignIn(srv, newUUID(1))
	line := beat.WaitLog("can't store the cursor", soon)
	t.Log(line.Message)
	assert.Contains(t, line.Message, "Degraded")
	waitIndexed(t, beat, srv, es, soon) // delivery goes on
	publishSignIn(srv, newUUID(2))
	waitIndexed(t, beat, srv, es, soon)
	assert.Equal(t, stored, home.Cursors()["signin_attempts"])

	first := beat.Log.Len()
	heal()
	beat.WaitLogAfter(first, "Running", soon)
	beat.Until(soon, "the cursor is stored", func() bool {
		c := home.Cursors()["signin_attempts"]
		return c != "" && c != stored
	})
	beat.Kill()
	publishSignIn(srv, newUUID(3))
	beat = home.Start()
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// mount mounts for the length of the test, or skips it where it may not.
func mount(t *testing.T, source, target, fstype string, flags uintptr, data string) (unmount func()) {
	t.Helper()
	if err := syscall.Mount(source, target, fstype, flags, data); err != nil {
		t.Skipf("SKIP: this test needs a mount of its own, which is not allowed here: %v", err)
	}
	mounted := true
	unmount = func() {
		if mounted {
			assert.NoError(t, syscall.Unmount(target, syscall.MNT_DETACH))
			mounted = false
		}
	}
	t.Cleanup(unmount)
	return unmount
}

// fill writes a file until its disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	require.NoError(t, err)
	for block := bytes.Repeat([]byte("x"), 512); err == nil; {
		_, err = f.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Close())
}
