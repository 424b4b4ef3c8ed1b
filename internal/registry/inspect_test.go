// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Damage: every kind of it is found before memlog opens the files, and what memlog
// leaves behind, also in crashes, is not damage.

package registry

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
)

// validStore returns the files of a store with two states. Its newest data file
// is 4.json, and its log has what a failed checkpoint leaves.
func validStore(t testing.TB) map[string]string {
	t.Helper()
	files := snapshot(t, Dir(committed(t, 3)))
	require.Contains(t, files, "4.json")
	require.Contains(t, files, "meta.json")
	require.Contains(t, files, "active.dat")
	files["log.json"] = `{"op":"set","id":5}` + "\n" +
		`{"K":"onepassword::acme::audit_events","V":{"version":1,"cursor":"not-committed","start_time":"2026-02-02T04:05:06Z"}}` + "\n"
	return files
}

// with returns a copy of files with changes made; an absent value removes a file.
const absent = "\x00absent"

func with(files map[string]string, changes map[string]string) map[string]string {
	files = maps.Clone(files)
	for name, content := range changes {
		if files[name] = content; content == absent {
			delete(files, name)
		}
	}
	return files
}

func TestDamage(t *testing.T) {
	valid := validStore(t)
	tests := map[string]struct {
		changes map[string]string
		file    string // which the error names
		reason  string
	}{
		"no checkpoint, meta":    {map[string]string{"meta.json": "", "4.json": absent, "active.dat": absent}, "meta.json", "it is empty"},
		"no checkpoint, log":     {map[string]string{"log.json": "\x00", "4.json": absent, "active.dat": absent}, "log.json", "garbage at byte 1"},
		"data missing":           {map[string]string{"4.json": absent}, "active.dat", `it points to "4.json", which is missing`},
		"data older":             {map[string]string{"4.json": absent, "3.json": valid["4.json"]}, "active.dat", `it points to "4.json", which is missing`},
		"data empty":             {map[string]string{"4.json": ""}, "4.json", "it is empty"},
		"data garbage":           {map[string]string{"4.json": "not JSON"}, "4.json", "garbage at byte"},
		"data NUL":               {map[string]string{"4.json": strings.Repeat("\x00", 4096)}, "4.json", "garbage at byte 1"},
		"data NUL at its end":    {map[string]string{"4.json": valid["4.json"] + "\x00\x00"}, "4.json", "garbage at byte"},
		"data NUL in the middle": {map[string]string{"4.json": valid["4.json"][:99] + "\x00\x00" + valid["4.json"][101:]}, "4.json", "garbage at byte 100"},
		"data null":              {map[string]string{"4.json": "null"}, "4.json", "it holds no state"},
		"data without states":    {map[string]string{"4.json": "[\n]"}, "4.json", "it holds no state"},
		"data an object":         {map[string]string{"4.json": "{}"}, "4.json", "not what belongs there"},
		"data of numbers":        {map[string]string{"4.json": "[1,2]"}, "4.json", "not what belongs there"},
		"data of nulls":          {map[string]string{"4.json": "[null]"}, "4.json", "entry 0 has no key"},
		"data without keys":      {map[string]string{"4.json": `[{"_key":"a"},{"version":1}]`}, "4.json", "entry 1 has no key"},
		"data with odd keys":     {map[string]string{"4.json": `[{"_key":7}]`}, "4.json", "entry 0 has no key"},
		"newer data empty":       {map[string]string{"12.json": ""}, "12.json", "it is empty"},
		"pointer alone":          {map[string]string{"4.json": absent, "active.dat": "\x00\x00"}, "active.dat", "data file that it should point to is not"},
		"data and log swapped":   {map[string]string{"4.json": valid["log.json"], "log.json": valid["4.json"]}, "4.json", "garbage at byte"},
		"data and meta swapped":  {map[string]string{"4.json": valid["meta.json"], "meta.json": valid["4.json"]}, "4.json", "not what belongs there"},
		"data and pointer":       {map[string]string{"4.json": valid["active.dat"], "active.dat": valid["4.json"]}, "4.json", "garbage at byte"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dataPath := store(t, with(valid, test.changes))
			before := snapshot(t, dataPath)
			for range 2 { // the second start says it again
				_, err := Open(dataPath, logp.NewNopLogger())
				var damaged *DamagedError
				require.ErrorAs(t, err, &damaged)
				assert.Equal(t, filepath.Join(Dir(dataPath), test.file), damaged.Path)
				assert.Contains(t, damaged.Reason, test.reason)
				for _, part := range []string{damaged.Path, damaged.Reason, Dir(dataPath), "state reset --input ID --event-type TYPE --since TIME"} {
					require.ErrorContains(t, err, part)
				}
				assert.Equal(t, before, snapshot(t, dataPath), "nothing is changed")
			}
		})
	}
}

// TestDamageBehindAnIntactCheckpoint: collection continues from the checkpoint, with a
// warning, and with what is whole of the log; the next commits are stored as ever.
func TestDamageBehindAnIntactCheckpoint(t *testing.T) {
	valid := validStore(t)
	good := logged(5, 9)
	tests := map[string]struct {
		changes map[string]string
		file    string // which the warning names
		reason  string
		cursor  int // of testKey
	}{
		"meta missing":          {map[string]string{"meta.json": absent}, "meta.json", "missing", 3},
		"meta empty":            {map[string]string{"meta.json": ""}, "meta.json", "it is empty", 3},
		"meta cut off":          {map[string]string{"meta.json": `{"vers`}, "meta.json", "cut off after 6 bytes", 3},
		"meta garbage":          {map[string]string{"meta.json": "\xff\xfe\x01garbage"}, "meta.json", "garbage at byte 1", 3},
		"meta NUL":              {map[string]string{"meta.json": "\x00\x00\x00\x00"}, "meta.json", "garbage at byte 1", 3},
		"meta another type":     {map[string]string{"meta.json": `["1"]`}, "meta.json", "not what belongs there", 3},
		"meta null":             {map[string]string{"meta.json": `null`}, "meta.json", "it names no version", 3},
		"log garbage":           {map[string]string{"log.json": "garbage"}, "log.json", "garbage at byte 1", 3},
		"log NUL":               {map[string]string{"log.json": "\x00\x00\x00"}, "log.json", "garbage at byte 1", 3},
		"log NUL at its end":    {map[string]string{"log.json": good + "\x00\x00\x00"}, "log.json", "garbage at byte", 9},
		"log NUL in the middle": {map[string]string{"log.json": good + "\x00\x00" + logged(6, 8)}, "log.json", "garbage at byte", 9},
		"log an array":          {map[string]string{"log.json": "[]"}, "log.json", "not what belongs there", 3},
		"log null":              {map[string]string{"log.json": "null"}, "log.json", "line 1 is not what belongs there", 3},
		"log begins with data":  {map[string]string{"log.json": `{"K":"a","V":{}}`}, "log.json", "line 1 is not what belongs there", 3},
		"log without data":      {map[string]string{"log.json": `{"op":"set","id":5}{"op":"set","id":6}`}, "log.json", "line 2 is not what belongs there", 3},
		"log of another action": {map[string]string{"log.json": `{"op":"add","id":5}{"K":"a","V":{}}`}, "log.json", "line 1 is not what belongs there", 3},
		"log with a gap":        {map[string]string{"log.json": good + logged(7, 8)}, "log.json", "line 3 has number 7 instead of 6", 9},
		"meta and log":          {map[string]string{"meta.json": "", "log.json": "\x00"}, "log.json", "garbage at byte 1", 3},
		"meta and log swapped":  {map[string]string{"meta.json": good, "log.json": valid["meta.json"]}, "meta.json", "garbage at byte", 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dataPath := store(t, with(with(valid, map[string]string{"log.json": ""}), test.changes))
			log, observed := logptest.NewTestingLoggerWithObserver(t, "")
			r, err := Open(dataPath, log)
			require.NoError(t, err)
			defer func() { _ = r.Close() }()
			warnings := observed.Filter(func(e observer.LoggedEntry) bool {
				return e.ContextMap()["file.path"] == filepath.Join(Dir(dataPath), test.file)
			}).All()
			require.Len(t, warnings, 1)
			assert.Equal(t, zapcore.WarnLevel, warnings[0].Level)
			assert.Contains(t, warnings[0].ContextMap()["reason"], test.reason)

			got, err := r.Load(t.Context(), testKey)
			require.NoError(t, err)
			assert.Equal(t, testState(test.cursor).Cursor, got.Cursor)
			got, err = r.Load(t.Context(), otherKey)
			require.NoError(t, err)
			assert.Equal(t, testState(0), got)
			_, err = r.Load(t.Context(), Key{"new", "audit_events"})
			require.ErrorIs(t, err, ErrNotFound, "a small registry has every state in its checkpoint")
			for i := 20; i < 23; i++ {
				require.NoError(t, r.Commit(t.Context(), testKey, testState(i)))
				copied, err := open(t, store(t, snapshot(t, Dir(dataPath)))).Load(t.Context(), testKey)
				require.NoError(t, err)
				assert.Equal(t, testState(i), copied)
			}
		})
	}
}

// TestDamagedLogThatMayHaveHeldAState: a registry of many states may have some of them
// in the log alone. A harvester without a state then stops, also after restarts, until
// somebody decides.
func TestDamagedLogThatMayHaveHeldAState(t *testing.T) {
	dataPath := t.TempDir()
	r := open(t, dataPath)
	for i := range 3 * checkpointShare {
		require.NoError(t, r.Commit(t.Context(), Key{fmt.Sprint("in", i), "audit_events"}, testState(i)))
	}
	files := snapshot(t, Dir(dataPath))
	newKey := Key{"in-the-log", "audit_events"}
	require.NoError(t, r.Commit(t.Context(), newKey, testState(1)))
	files[logName] = "\x00" + snapshot(t, Dir(dataPath))[logName]
	dataPath = store(t, files)
	for range 3 {
		r := open(t, dataPath)
		_, err := r.Load(t.Context(), newKey)
		require.ErrorContains(t, err, "may have contained it")
		require.ErrorContains(t, err, filepath.Join(Dir(dataPath), keptLogName))
		require.NotErrorIs(t, err, ErrNotFound)
		got, err := r.Load(t.Context(), Key{"in0", "audit_events"})
		require.NoError(t, err)
		require.NoError(t, r.Commit(t.Context(), Key{"in0", "audit_events"}, got))
		require.NoError(t, r.Close())
	}
	assert.Equal(t, files[logName], snapshot(t, Dir(dataPath))[keptLogName])
	r = open(t, dataPath)
	require.NoError(t, r.Reset(t.Context(), newKey, Start{Since: testTime, Now: testTime}))
	_, err := r.Load(t.Context(), newKey)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.NoError(t, os.Remove(filepath.Join(Dir(dataPath), keptLogName)))
	_, err = open(t, dataPath).Load(t.Context(), Key{"another", "audit_events"})
	require.ErrorIs(t, err, ErrNotFound)
}

// TestUnknownStoreVersion: a store of a later memlog is not touched.
func TestUnknownStoreVersion(t *testing.T) {
	dataPath := store(t, with(validStore(t), map[string]string{"meta.json": `{"version":"2"}`}))
	before := snapshot(t, dataPath)
	_, err := Open(dataPath, logp.NewNopLogger())
	require.ErrorContains(t, err, "version 2 not supported")
	assert.Equal(t, before, snapshot(t, dataPath))
}

// TestEveryTruncationIsSeen cuts each file of a store at each byte: either the
// damage is reported, or every state that was committed is there. (The log holds
// only what was not.)
func TestEveryTruncationIsSeen(t *testing.T) {
	valid := validStore(t)
	dataPath := store(t, with(valid, map[string]string{"log.json": ""}))
	want, err := open(t, dataPath).List(t.Context())
	require.NoError(t, err)
	for name, content := range valid {
		for cut := range len(content) {
			checkOpen(t, with(valid, map[string]string{name: content[:cut]}), want, name, cut)
		}
		checkOpen(t, with(valid, map[string]string{name: absent}), want, name, -1)
	}
}

func checkOpen(t *testing.T, files map[string]string, want []Entry, name string, cut int) {
	t.Helper()
	r, err := Open(store(t, files), logp.NewNopLogger())
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		return
	}
	require.NoError(t, err, "%s cut at %d", name, cut)
	defer func() { _ = r.Close() }()
	got, err := r.List(t.Context())
	require.NoError(t, err)
	require.Len(t, got, len(want), "%s cut at %d", name, cut)
	for i := range got {
		if got[i].State.Cursor == "not-committed" {
			continue // newer than what was committed
		}
		require.Equal(t, want[i], got[i], "%s cut at %d", name, cut)
	}
}

// TestWhatMemlogLeavesBehindOpens: the steps of a checkpoint, each as a crash after it
// leaves the folder, with the state that must be there then.
func TestWhatMemlogLeavesBehindOpens(t *testing.T) {
	dataPath := committed(t, 3)
	before := snapshot(t, Dir(dataPath))
	r := open(t, dataPath)
	fileOf(r).due.Store(true)
	require.NoError(t, r.Commit(t.Context(), testKey, testState(4)))
	after := snapshot(t, Dir(dataPath))
	require.NoError(t, r.Close())
	require.Contains(t, before, "4.json")
	require.Contains(t, after, "5.json")
	data, pointer := after["5.json"], after["active.dat"]

	tests := map[string]struct {
		changes map[string]string
		cursor  int
	}{
		"nothing yet":              {nil, 3},
		"temporary file begun":     {map[string]string{"checkpoint.new": ""}, 3},
		"temporary file cut":       {map[string]string{"checkpoint.new": data[:len(data)/2]}, 3},
		"temporary file whole":     {map[string]string{"checkpoint.new": data}, 3},
		"renamed":                  {map[string]string{"5.json": data}, 4},
		"new pointer begun":        {map[string]string{"5.json": data, "active.dat.new": ""}, 4},
		"new pointer whole":        {map[string]string{"5.json": data, "active.dat.new": pointer}, 4},
		"pointer renamed":          {map[string]string{"5.json": data, "active.dat": pointer}, 4},
		"old file removed":         {map[string]string{"5.json": data, "active.dat": pointer, "4.json": absent}, 4},
		"pointer not written":      {map[string]string{"5.json": data, "4.json": absent}, 4}, // a full disk
		"pointer empty":            {map[string]string{"active.dat": ""}, 3},                 // a power cut
		"pointer NUL":              {map[string]string{"active.dat": "\x00\x00\x00\x00\x00\x00"}, 3},
		"pointer missing":          {map[string]string{"active.dat": absent}, 3},
		"pointer from Windows":     {map[string]string{"active.dat": `C:\ProgramData\onepasswordbeat\registry\onepasswordbeat\4.json`}, 3},
		"pointer to an old folder": {map[string]string{"active.dat": "/srv/restored/registry/onepasswordbeat/4.json"}, 3},
		"old files left":           {map[string]string{"2.json": "", "3.json": "garbage"}, 3},
		"log missing":              {map[string]string{"log.json": absent}, 3},
		"log not emptied yet":      {map[string]string{"log.json": logged(3, 2)}, 3},
		"log cut off, full disk":   {map[string]string{"log.json": logged(5, 9)[:70]}, 3},
		"log in use":               {map[string]string{"log.json": logged(5, 9)}, 9},
		"copies of a person":       {map[string]string{"4.json.bak": "x", "notes.txt": "x", "4.json.corrupted": ""}, 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dataPath := store(t, with(before, test.changes))
			for range 2 {
				r := open(t, dataPath)
				got, err := r.Load(t.Context(), testKey)
				require.NoError(t, err)
				assert.Equal(t, testState(test.cursor).Cursor, got.Cursor)
				other, err := r.Load(t.Context(), otherKey)
				require.NoError(t, err)
				assert.Equal(t, testState(0), other)
				require.NoError(t, r.Close())
			}
			r := open(t, dataPath)
			require.NoError(t, r.Commit(t.Context(), testKey, testState(6)))
			require.NoError(t, r.Close())
			got, err := open(t, dataPath).Load(t.Context(), testKey)
			require.NoError(t, err)
			assert.Equal(t, testState(6), got)
		})
	}
}

// logged is the log with one operation.
func logged(id, n int) string {
	return `{"op":"set","id":` + string(rune('0'+id)) + "}\n" +
		`{"K":"onepassword::acme::audit_events","V":{"version":1,"cursor":"cursor-` + string(rune('0'+n)) + `<&>\"\\é","start_time":"2026-02-02T04:05:06Z"}}` + "\n"
}

// TestFirstStartCutOff: a crash while the folder is made, and a folder that was
// there before the beat, hold nothing that could be lost.
func TestFirstStartCutOff(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"an empty folder": {},
		"empty meta":      {"meta.json": ""},
		"cut meta":        {"meta.json": `{"version":`},
		"NUL meta":        {"meta.json": "\x00\x00\x00"},
		"empty meta, log": {"meta.json": "", "log.json": ""},
		"no log yet":      {"meta.json": firstMeta},
		"no data yet":     {"meta.json": firstMeta, "log.json": "", "checkpoint.new": "[\n{"},
	} {
		t.Run(name, func(t *testing.T) {
			dataPath := store(t, files)
			r := open(t, dataPath)
			_, err := r.Load(t.Context(), testKey)
			require.ErrorIs(t, err, ErrNotFound)
			require.NoError(t, r.Commit(t.Context(), testKey, testState(1)))
			require.NoError(t, r.Close())
			got, err := open(t, dataPath).Load(t.Context(), testKey)
			require.NoError(t, err)
			assert.Equal(t, testState(1), got)
		})
	}
	t.Run("what memlog writes first", func(t *testing.T) {
		dataPath := t.TempDir()
		require.NoError(t, open(t, dataPath).Close())
		got := snapshot(t, Dir(dataPath))["meta.json"]
		assert.True(t, got == firstMeta, got) //nolint:testifylint // byte for byte, not as JSON
	})
}

// FuzzInspect: whatever lies in the files, Open does not panic, and a store
// that it opens can be used.
func FuzzInspect(f *testing.F) {
	valid := validStore(f)
	f.Add(valid["meta.json"], valid["4.json"], valid["active.dat"], valid["log.json"])
	f.Add(`{"version":"1"}`, "[]", "4.json", `{"op":"set","id":5}{"K":"a","V":null}`)
	f.Add(`{"version":1}`, `[{"_key":"onepassword::a::b"}]`, "", `{"op":"remove","id":5}{"K":"onepassword::a::b"}`)
	f.Add(`{"version":"1"}`, `[{"_key":"onepassword::a::b","version":1e99,"limit":-1e400}]`, `\\4.json`, `{"op":"x","id":-5}{}`)
	f.Fuzz(func(t *testing.T, meta, data, active, log string) {
		files := map[string]string{"meta.json": meta, "4.json": data, "active.dat": active, "log.json": log}
		r, err := Open(store(t, files), logp.NewNopLogger())
		if err != nil {
			return
		}
		defer func() { _ = r.Close() }()
		_, err = r.List(t.Context())
		require.NoError(t, err)
		_, _ = r.Load(t.Context(), testKey)
		require.NoError(t, r.Commit(t.Context(), testKey, testState(1)))
	})
}
