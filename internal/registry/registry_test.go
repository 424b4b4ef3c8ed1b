// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The open registry: what is stored comes back, from the disk as well, and what
// can't be stored says so.

package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/logp"
)

var (
	testTime = time.Date(2026, 2, 3, 4, 5, 6, 789_000_001, time.UTC)
	testKey  = Key{Input: "acme", EventType: "audit_events"}
	otherKey = Key{Input: "acme.eu_1-a", EventType: "item_usages"}
)

// testState is a state with every field set; n tells one from the next.
func testState(n int) State {
	return State{
		Account:         "ACCOUNTACCOUNTACCOUNTACCOU",
		Cursor:          fmt.Sprintf("cursor-%d<&>\"\\é", n),
		StartTime:       testTime.Add(-24 * time.Hour),
		LastEvent:       testTime.Add(time.Duration(n) * time.Millisecond),
		Updated:         testTime.Add(time.Duration(n) * time.Second),
		Limit:           1000,
		InitialInterval: 24 * time.Hour,
	}
}

func open(t testing.TB, dataPath string) *Registry {
	t.Helper()
	r, err := Open(dataPath, logp.NewNopLogger())
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func fileOf(r *Registry) *fileStore { return r.backend.(*fileStore) } //nolint:errcheck // the tests' registry is of files

func memOf(r *Registry) memStore { return fileOf(r).mem }

// committed returns a path.data with a store after n commits of testKey and one
// of otherKey before them, each of them a checkpoint.
func committed(t testing.TB, n int) (dataPath string) {
	t.Helper()
	dataPath = t.TempDir()
	r := open(t, dataPath)
	require.NoError(t, r.Commit(t.Context(), otherKey, testState(0)))
	for i := 1; i <= n; i++ {
		fileOf(r).due.Store(true)
		require.NoError(t, r.Commit(t.Context(), testKey, testState(i)))
	}
	require.NoError(t, r.Close())
	return dataPath
}

// snapshot returns the files below a folder by their path.
func snapshot(t testing.TB, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		files[filepath.ToSlash(name)] = string(raw)
		return err
	})
	require.NoError(t, err)
	return files
}

// write makes a folder of a snapshot.
func write(t testing.TB, root string, files map[string]string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(root, 0o750))
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
}

// store makes a path.data whose registry folder holds these files.
func store(t testing.TB, files map[string]string) (dataPath string) {
	t.Helper()
	dataPath = t.TempDir()
	write(t, Dir(dataPath), files)
	return dataPath
}

func TestRoundTrip(t *testing.T) {
	dataPath := t.TempDir()
	r := open(t, dataPath)
	_, err := r.Load(t.Context(), testKey)
	require.ErrorIs(t, err, ErrNotFound)

	local := testState(1)
	local.LastEvent = local.LastEvent.In(time.FixedZone("", 3600))
	states := map[Key]State{
		testKey:                            testState(1),
		otherKey:                           {StartTime: testTime},
		{Input: "b", EventType: "x"}:       {Cursor: "c"},
		{Input: "default", EventType: "y"}: local,
	}
	for key, state := range states {
		require.NoError(t, r.Commit(t.Context(), key, state))
	}
	check := func(r *Registry) {
		for key, want := range states {
			got, err := r.Load(t.Context(), key)
			require.NoError(t, err)
			assert.True(t, want.LastEvent.Equal(got.LastEvent))
			want.LastEvent = got.LastEvent
			assert.Equal(t, want, got, "%v", key)
		}
		_, err := r.Load(t.Context(), Key{Input: "acme", EventType: "signin_attempts"})
		require.ErrorIs(t, err, ErrNotFound)
	}
	check(r)
	require.NoError(t, r.Close())
	check(open(t, dataPath))
}

// TestCommitIsOnDiskBeforeItReturns: what the files hold after a commit is what a crash
// leaves, and nothing needs a Close.
func TestCommitIsOnDiskBeforeItReturns(t *testing.T) {
	dataPath := t.TempDir()
	r := open(t, dataPath)
	for i := 1; i <= 5; i++ {
		require.NoError(t, r.Commit(t.Context(), testKey, testState(i)))
		copied, err := open(t, store(t, snapshot(t, Dir(dataPath)))).Load(t.Context(), testKey)
		require.NoError(t, err)
		assert.Equal(t, testState(i), copied)
	}
}

// TestCommitWaitsForTheSync: a commit returns after a sync that began when its state
// was in the log, commits that come together share one, and a failed sync fails them.
func TestCommitWaitsForTheSync(t *testing.T) {
	r := open(t, t.TempDir())
	require.NoError(t, r.Commit(t.Context(), testKey, testState(0)))
	started, finish := make(chan int, 1), make(chan error)
	syncs := 0
	fileOf(r).synced.do = func() error {
		syncs++
		started <- syncs
		return <-finish
	}
	results := make(chan error, 10)
	commit := func(n int) { go func() { results <- r.Commit(t.Context(), testKey, testState(n)) }() }
	commit(1)
	require.Equal(t, 1, <-started)
	for n := range 5 { // they are written while the first sync runs, which may miss them
		commit(n + 2)
	}
	waiters := func() bool {
		g := fileOf(r).synced
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.waiting != nil
	}
	require.Eventually(t, waiters, 10*time.Second, time.Millisecond)
	assert.Empty(t, results, "none returns before its sync")
	finish <- nil
	require.NoError(t, <-results)
	require.Equal(t, 2, <-started)
	assert.Empty(t, results)
	finish <- errors.New("the disk is on fire")
	failed := 0
	for range 5 { // one that came later than the second sync has one of its own
		select {
		case err := <-results:
			require.ErrorContains(t, err, "on fire")
			failed++
		case <-started:
			finish <- errors.New("the disk is on fire")
		}
	}
	assert.Positive(t, failed)
	assert.True(t, fileOf(r).broken.Load(), "what the log holds is not certain any more")
}

// TestCheckpointsAreRareAndCoverNewStates: the log grows, no state of a small registry
// is in the log alone, and of a large one at most an eighth.
func TestCheckpointsAreRareAndCoverNewStates(t *testing.T) {
	dataPath := t.TempDir()
	r := open(t, dataPath)
	key := func(i int) Key { return Key{Input: fmt.Sprint("in", i), EventType: "audit_events"} }
	inCheckpoint := func() int {
		entries, err := os.ReadDir(Dir(dataPath))
		require.NoError(t, err)
		newest, found := newestData(entries)
		require.True(t, found)
		states, err := inspectData(filepath.Join(Dir(dataPath), dataName(newest)))
		require.NoError(t, err)
		return states
	}
	checkpoints, last := 0, 0
	for i := range 400 {
		require.NoError(t, r.Commit(t.Context(), key(i), testState(i)))
		states := inCheckpoint()
		if i < checkpointShare {
			require.Equal(t, i+1, states)
		}
		require.Less(t, (i+1-states)*checkpointShare, i+1+checkpointShare)
		if states != last {
			checkpoints, last = checkpoints+1, states
		}
	}
	assert.Less(t, checkpoints, 60, "their number grows with the logarithm of the states")
	before := snapshot(t, Dir(dataPath))["active.dat"]
	for i := range 400 {
		require.NoError(t, r.Commit(t.Context(), key(i), testState(i+1)))
	}
	assert.Equal(t, before, snapshot(t, Dir(dataPath))["active.dat"], "known states only grow the log")
	require.NoError(t, r.Close())
	assert.Equal(t, 400, inCheckpoint(), "a stop leaves all in the checkpoint")
}

// TestTheLogIsBounded: a checkpoint empties it from time to time.
func TestTheLogIsBounded(t *testing.T) {
	dataPath := t.TempDir()
	r := open(t, dataPath)
	largest := int64(0)
	for i := range 3000 {
		require.NoError(t, r.Commit(t.Context(), testKey, testState(i)))
		info, err := os.Stat(filepath.Join(Dir(dataPath), logName))
		require.NoError(t, err)
		largest = max(largest, info.Size())
	}
	assert.Greater(t, largest, int64(logBase/2))
	assert.Less(t, largest, int64(2*logBase))
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such file modes")
	}
	dataPath := committed(t, 3)
	err := filepath.WalkDir(filepath.Join(dataPath, "registry"), func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		if d.IsDir() {
			assert.Zero(t, info.Mode().Perm()&0o007, "%s %v", path, info.Mode())
		} else {
			assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), path)
		}
		return nil
	})
	require.NoError(t, err)
}

func TestList(t *testing.T) {
	dataPath := t.TempDir()
	r := open(t, dataPath)
	entries, err := r.List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, entries)

	keys := []Key{{"b", "item_usages"}, {"a", "signin_attempts"}, {"a", "audit_events"}}
	for i, k := range keys {
		require.NoError(t, r.Commit(t.Context(), k, testState(i)))
	}
	unusable := Key{"c", "audit_events"}
	require.NoError(t, memOf(r).Set(unusable.String(), map[string]any{"version": movedVersion + 1, "cursor": "x"}))
	for _, foreign := range []string{"filestream::a::b", "onepassword::a", "onepassword::a::b::c", "onepassword::::x"} {
		require.NoError(t, memOf(r).Set(foreign, map[string]any{"version": 1}))
	}
	entries, err = r.List(t.Context())
	require.NoError(t, err)
	require.Len(t, entries, 4)
	for i, want := range []int{2, 1, 0} {
		assert.Equal(t, Entry{Key: keys[want], State: testState(want)}, entries[i])
	}
	assert.Equal(t, unusable, entries[3].Key)
	assert.Zero(t, entries[3].State)
	require.ErrorContains(t, entries[3].Err, "version 3")
}

func TestReset(t *testing.T) {
	since, now := testTime.Add(-time.Hour), testTime
	tests := map[string]struct {
		before func(*testing.T, *Registry)
		forget bool
		want   State
	}{
		"nothing stored":    {nil, false, State{StartTime: since, Updated: now}},
		"keeps the account": {commitOne, false, State{Account: testState(1).Account, StartTime: since, Updated: now}},
		"forgets it":        {commitOne, true, State{StartTime: since, Updated: now}},
		"replaces one that can't be read": {func(t *testing.T, r *Registry) {
			require.NoError(t, memOf(r).Set(testKey.String(), map[string]any{"version": 99}))
		}, false, State{StartTime: since, Updated: now}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := open(t, t.TempDir())
			require.NoError(t, r.Commit(t.Context(), otherKey, testState(7)))
			if test.before != nil {
				test.before(t, r)
			}
			require.NoError(t, r.Reset(t.Context(), testKey, Start{Since: since, Now: now, ForgetAccount: test.forget}))
			got, err := r.Load(t.Context(), testKey)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
			other, err := r.Load(t.Context(), otherKey)
			require.NoError(t, err)
			assert.Equal(t, testState(7), other, "others stay")
		})
	}
}

func commitOne(t *testing.T, r *Registry) {
	require.NoError(t, r.Commit(t.Context(), testKey, testState(1)))
}

func TestOpenExisting(t *testing.T) {
	dataPath := t.TempDir()
	_, err := OpenExisting(dataPath, logp.NewNopLogger())
	require.ErrorContains(t, err, "there is no registry in "+Dir(dataPath))
	assert.Empty(t, snapshot(t, dataPath))
	assert.NoDirExists(t, filepath.Join(dataPath, "registry"))

	dataPath = committed(t, 1)
	r, err := OpenExisting(dataPath, logp.NewNopLogger())
	require.NoError(t, err)
	defer func() { _ = r.Close() }()
	got, err := r.Load(t.Context(), testKey)
	require.NoError(t, err)
	assert.Equal(t, testState(1), got)
}

func TestClosed(t *testing.T) {
	dataPath := committed(t, 1)
	r := open(t, dataPath)
	require.NoError(t, r.Close())
	before := snapshot(t, dataPath)
	_, err := r.Load(t.Context(), testKey)
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, r.Commit(t.Context(), testKey, testState(2)), ErrClosed)
	_, err = r.List(t.Context())
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, r.Reset(t.Context(), testKey, Start{Since: testTime}), ErrClosed)
	require.NoError(t, r.Close(), "a second Close is fine")
	assert.Equal(t, before, snapshot(t, dataPath))
}

// TestConcurrentUse is for the race detector, and for a Close in the middle.
func TestConcurrentUse(t *testing.T) {
	dataPath := t.TempDir()
	r := open(t, dataPath)
	const writers, commits = 6, 20
	last := make([]int, writers)
	var group sync.WaitGroup
	for w := range writers {
		key := Key{Input: fmt.Sprint("in", w), EventType: "audit_events"}
		group.Go(func() {
			for i := 1; i <= commits; i++ {
				if err := r.Commit(t.Context(), key, testState(i)); err != nil {
					assert.ErrorIs(t, err, ErrClosed)
					return
				}
				last[w] = i
				if got, err := r.Load(t.Context(), key); err == nil {
					assert.Equal(t, testState(i), got)
				}
				if w == 0 && i == commits/2 {
					group.Go(func() { assert.NoError(t, r.Close()) })
				}
				_, err := r.List(t.Context())
				if err != nil {
					assert.ErrorIs(t, err, ErrClosed)
				}
			}
		})
	}
	group.Wait()
	reopened := open(t, dataPath)
	for w, n := range last {
		if n > 0 {
			got, err := reopened.Load(t.Context(), Key{Input: fmt.Sprint("in", w), EventType: "audit_events"})
			require.NoError(t, err)
			assert.Equal(t, testState(n), got, "what Commit returned for is there")
		}
	}
}

// TestCommitWithoutACheckpoint: if the checkpoint can't be written, the commit fails,
// and a later one stores the newest state.
func TestCommitWithoutACheckpoint(t *testing.T) {
	for name, spoil := range map[string]func(*testing.T, string) func(){
		"in the way": func(t *testing.T, dataPath string) func() {
			path := filepath.Join(Dir(dataPath), "checkpoint.new")
			require.NoError(t, os.Mkdir(path, 0o700))
			return func() { require.NoError(t, os.Remove(path)) }
		},
		"read-only": readOnly,
	} {
		t.Run(name, func(t *testing.T) {
			dataPath := t.TempDir()
			mountSmall(t, dataPath)
			r := open(t, dataPath)
			require.NoError(t, r.Commit(t.Context(), testKey, testState(1)))
			heal := spoil(t, dataPath)
			for i := 2; i < 5; i++ {
				fileOf(r).due.Store(true)
				require.ErrorContains(t, r.Commit(t.Context(), testKey, testState(i)), storeError(dataPath))
			}
			heal()
			for i := 5; i < 8; i++ {
				require.NoError(t, r.Commit(t.Context(), testKey, testState(i)))
				got, err := open(t, store(t, snapshot(t, Dir(dataPath)))).Load(t.Context(), testKey)
				require.NoError(t, err)
				assert.Equal(t, testState(i), got)
			}
			assert.False(t, fileOf(r).broken.Load())
			assert.NotEmpty(t, snapshot(t, Dir(dataPath))[logName], "the log is in use again")
		})
	}
}

func storeError(dataPath string) string {
	return `can't store the cursor of input "acme", event type "audit_events" in ` + Dir(dataPath)
}

// TestCommitOnAFullDisk: the log can't be written. The error names the harvester; the
// last good commit is what a power cut would leave, and a later commit stores the newest.
func TestCommitOnAFullDisk(t *testing.T) {
	dataPath := t.TempDir()
	mountSmall(t, dataPath)
	r := open(t, dataPath)
	require.NoError(t, r.Commit(t.Context(), testKey, testState(1)))

	heal := fill(t, dataPath)
	stored, failed := 1, 0
	for i := 2; i < 60; i++ { // the log is cut off somewhere
		if err := r.Commit(t.Context(), testKey, testState(i)); err == nil {
			stored = i
			continue
		} else {
			require.ErrorContains(t, err, storeError(dataPath))
			failed++
		}
	}
	require.Positive(t, failed)
	crashed := snapshot(t, Dir(dataPath))
	after, err := open(t, store(t, crashed)).Load(t.Context(), testKey)
	require.NoError(t, err, "a crash now leaves what opens again: %q", crashed["log.json"])
	assert.False(t, after.Updated.Before(testState(stored).Updated))

	heal()
	require.NoError(t, r.Commit(t.Context(), testKey, testState(90)))
	assert.False(t, fileOf(r).broken.Load())
	require.NoError(t, r.Close())
	got, err := open(t, dataPath).Load(t.Context(), testKey)
	require.NoError(t, err)
	assert.Equal(t, testState(90), got)
}

func fill(t *testing.T, dataPath string) func() {
	path := filepath.Join(dataPath, "filler")
	f, err := os.Create(path)
	require.NoError(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 1024))
	}
	require.NoError(t, f.Close())
	return func() { require.NoError(t, os.Remove(path)) }
}

// TestFolderThatMemlogCouldNotSearch: memlog looks for its files with a glob, and
// would find none below such a path.
func TestFolderThatMemlogCouldNotSearch(t *testing.T) {
	for _, char := range strings.Split(globCharacters, "") {
		if runtime.GOOS == "windows" && char != "[" {
			continue // no file can be called so
		}
		t.Run(char, func(t *testing.T) {
			dataPath := filepath.Join(t.TempDir(), "data"+char+"1]")
			_, err := Open(dataPath, logp.NewNopLogger())
			require.ErrorContains(t, err, "choose another folder")
			assert.NoDirExists(t, dataPath)
		})
	}
}
