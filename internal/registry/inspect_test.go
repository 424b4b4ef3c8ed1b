// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Damage: every kind of it is found before memlog opens the files, and what memlog
// leaves behind by itself, in crashes as well, is none.

package registry

import (
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/logp"
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
		"meta missing":           {map[string]string{"meta.json": absent}, "meta.json", "missing"},
		"meta empty":             {map[string]string{"meta.json": ""}, "meta.json", "it is empty"},
		"meta cut off":           {map[string]string{"meta.json": `{"vers`}, "meta.json", "cut off after 6 bytes"},
		"meta garbage":           {map[string]string{"meta.json": "\xff\xfe\x01garbage"}, "meta.json", "garbage at byte 1"},
		"meta NUL":               {map[string]string{"meta.json": "\x00\x00\x00\x00"}, "meta.json", "garbage at byte 1"},
		"meta another type":      {map[string]string{"meta.json": `["1"]`}, "meta.json", "not what belongs there"},
		"meta null":              {map[string]string{"meta.json": `null`}, "meta.json", "it names no version"},
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
		"log garbage":            {map[string]string{"log.json": "garbage"}, "log.json", "garbage at byte 1"},
		"log NUL":                {map[string]string{"log.json": "\x00\x00\x00"}, "log.json", "garbage at byte 1"},
		"log NUL at its end":     {map[string]string{"log.json": valid["log.json"] + "\x00\x00\x00"}, "log.json", "garbage at byte"},
		"log an array":           {map[string]string{"log.json": "[]"}, "log.json", "not what belongs there"},
		"log null":               {map[string]string{"log.json": "null"}, "log.json", "line 1 is not what belongs there"},
		"log begins with data":   {map[string]string{"log.json": `{"K":"a","V":{}}`}, "log.json", "line 1 is not what belongs there"},
		"log without data":       {map[string]string{"log.json": `{"op":"set","id":5}{"op":"set","id":6}`}, "log.json", "line 2 is not what belongs there"},
		"data and log swapped":   {map[string]string{"4.json": valid["log.json"], "log.json": valid["4.json"]}, "4.json", "garbage at byte"},
		"data and meta swapped":  {map[string]string{"4.json": valid["meta.json"], "meta.json": valid["4.json"]}, "meta.json", "not what belongs there"},
		"meta and log swapped":   {map[string]string{"meta.json": valid["log.json"], "log.json": valid["meta.json"]}, "meta.json", "garbage at byte"},
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
	want, err := open(t, dataPath).List()
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
	got, err := r.List()
	require.NoError(t, err)
	require.Len(t, got, len(want), "%s cut at %d", name, cut)
	for i := range got {
		if got[i].State.Cursor == "not-committed" {
			continue // newer than what was committed
		}
		require.Equal(t, want[i], got[i], "%s cut at %d", name, cut)
	}
}

// TestWhatMemlogLeavesBehindOpens: the steps of a commit, each as a crash after it
// leaves the folder, with the state that must be there then.
func TestWhatMemlogLeavesBehindOpens(t *testing.T) {
	dataPath := committed(t, 3)
	before := snapshot(t, Dir(dataPath))
	r := open(t, dataPath)
	require.NoError(t, r.Commit(testKey, testState(4)))
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
				got, err := r.Load(testKey)
				require.NoError(t, err)
				assert.Equal(t, testState(test.cursor).Cursor, got.Cursor)
				other, err := r.Load(otherKey)
				require.NoError(t, err)
				assert.Equal(t, testState(0), other)
				require.NoError(t, r.Close())
			}
			r := open(t, dataPath)
			require.NoError(t, r.Commit(testKey, testState(6)))
			require.NoError(t, r.Close())
			got, err := open(t, dataPath).Load(testKey)
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
		"no log yet":      {"meta.json": firstMeta},
		"no data yet":     {"meta.json": firstMeta, "log.json": "", "checkpoint.new": "[\n{"},
	} {
		t.Run(name, func(t *testing.T) {
			dataPath := store(t, files)
			r := open(t, dataPath)
			_, err := r.Load(testKey)
			require.ErrorIs(t, err, ErrNotFound)
			require.NoError(t, r.Commit(testKey, testState(1)))
			require.NoError(t, r.Close())
			got, err := open(t, dataPath).Load(testKey)
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
		_, err = r.List()
		require.NoError(t, err)
		_, _ = r.Load(testKey)
		require.NoError(t, r.Commit(testKey, testState(1)))
	})
}
