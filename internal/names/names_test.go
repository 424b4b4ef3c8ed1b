// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of names: what files may hold, when they are read, and what happens when they cannot be.

package names

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/management/status"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
	"github.com/elastic/elastic-agent-libs/mapstr"
)

const vaultsJSON = `[
  {"id": "owpyj3sbjpaugqv35dhypcqvf4", "name": "Servers", "content_version": 3, "created_at": "2026-01-02T03:04:05Z", "items": 12},
  {"id": "b6myruk3626vjg2nsxrfvvwbsr", "title": "Root account", "urls": [{"href": "https://example.com"}]},
  {"id": "noname"}
]`

func TestDecode(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    map[string]string
		err     string
	}{
		"JSON of op":        {content: vaultsJSON, want: map[string]string{"owpyj3sbjpaugqv35dhypcqvf4": "Servers", "b6myruk3626vjg2nsxrfvvwbsr": "Root account"}},
		"no entries":        {content: "[]", want: map[string]string{}},
		"byte order mark":   {content: "\xef\xbb\xbf [{\"id\":\"a\",\"name\":\"A\"}]\n", want: map[string]string{"a": "A"}},
		"CSV":               {content: "id,name\na,A\n\"b\",\"B, or \"\"b\"\"\"\n", want: map[string]string{"a": "A", "b": `B, or "b"`}},
		"CSV without head":  {content: "a,A\r\nb, B\r\n", want: map[string]string{"a": "A", "b": "B"}},
		"the last one wins": {content: "a,A\na,B\n", want: map[string]string{"a": "B"}},
		"control characters": {
			content: `[{"id":"a","name":"x\u001b[31my\u0000z\n"}]`, want: map[string]string{"a": "xy z"},
		},
		"empty":               {err: "it is empty"},
		"spaces":              {content: " \n", err: "it is empty"},
		"an object":           {content: `{"id":"a"}`, err: "not a JSON array"},
		"cut off":             {content: vaultsJSON[:200], err: "in the middle"},
		"broken":              {content: `[{"id":"a","name":"A"},{"id":}]`, err: "broken JSON after 1 entries, at byte"},
		"another type":        {content: `[{"id":"a","name":"A"},{"id":"b","name":["secret title"]}]`, err: "entry 2 is not an object with an id and a name"},
		"text behind":         {content: `[] x`, err: "something after the JSON array"},
		"no id":               {content: `[{"name":"A"}]`, err: "entry 1 has no valid id"},
		"a strange id":        {content: "../etc,A\n", err: "entry 1 has no valid id"},
		"three columns":       {content: "a,A\nb,B,c\n", err: "broken CSV in line 2"},
		"one huge entry":      {content: `[{"id":"a","name":"` + strings.Repeat("x", 2*maxEntry) + `"}]`, err: "an entry has more than 1048576 bytes"},
		"one huge line":       {content: "a," + strings.Repeat("x", 2*maxEntry), err: "an entry has more than 1048576 bytes"},
		"a huge key unread":   {content: `[{"id":"a","name":"A","x":"` + strings.Repeat("x", 2*maxEntry) + `"}]`, err: "an entry has more than"},
		"deep in an unknown":  {content: `[{"id":"a","name":"A","x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}]`, want: map[string]string{"a": "A"}},
		"a name that is long": {content: "a," + strings.Repeat("é", 300)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decode(strings.NewReader(c.content), maxBytes)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				assert.NotContains(t, err.Error(), "secret title")
				return
			}
			require.NoError(t, err)
			if c.want != nil {
				assert.Equal(t, c.want, got.names)
			}
			for _, n := range got.names {
				assert.LessOrEqual(t, len(n), maxName)
			}
		})
	}
}

// TestLimits: as many entries as are allowed, and one more.
func TestLimits(t *testing.T) {
	if testing.Short() {
		t.Skip("makes large files")
	}
	if testing.Short() {
		t.Skip("makes large tables")
	}
	got, err := decode(strings.NewReader(many(maxEntries)), maxBytes)
	require.NoError(t, err)
	assert.Equal(t, maxEntries, got.len())
	_, err = decode(strings.NewReader(many(maxEntries+1)), maxBytes)
	require.ErrorContains(t, err, "more than 200000 entries")
	_, err = decode(strings.NewReader(wide(130_000)), maxBytes)
	require.ErrorContains(t, err, "more than 45 MiB")
}

// many is CSV with n entries of the usual length.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%026d,The name of entry %d\n", i, i)
	}
	return b.String()
}

func wide(n int) string {
	var b strings.Builder
	name := strings.Repeat("n", maxName)
	for i := range n {
		fmt.Fprintf(&b, "%026d,%s\n", i, name)
	}
	return b.String()
}

func write(t testing.TB, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", []byte(content), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

func event() mapstr.M {
	return mapstr.M{"group": map[string]any{"id": "g1"}, "onepassword": map[string]any{"vault_uuid": "v1", "item_uuid": "i1"}}
}

func value(t *testing.T, fields mapstr.M, name string) any {
	t.Helper()
	v, err := fields.GetValue(name)
	if err != nil {
		return nil
	}
	return v
}

func TestFill(t *testing.T) {
	dir := t.TempDir()
	files := Files{Vaults: filepath.Join(dir, "v"), Groups: filepath.Join(dir, "g"), Items: filepath.Join(dir, "i")}
	write(t, files.Vaults, "v1,Servers")
	write(t, files.Groups, `[{"id":"g1","name":"Owners"}]`)
	write(t, files.Items, `[{"id":"i1","title":"Root"}]`)
	n := New(files, logptest.NewTestingLogger(t, ""))
	fields := event()
	n.Fill(fields)
	assert.Equal(t, "Servers", value(t, fields, "onepassword.vault.name"))
	assert.Equal(t, "Owners", value(t, fields, "group.name"))
	assert.Equal(t, "Root", value(t, fields, "onepassword.item.title"))

	for _, other := range []mapstr.M{
		{}, {"onepassword": map[string]any{}}, {"onepassword": map[string]any{"vault_uuid": "v2"}, "group": map[string]any{"id": "g2"}}, {"group": map[string]any{}},
	} {
		want := other.String()
		n.Fill(other)
		assert.Equal(t, want, other.String(), "nothing is known of it")
	}
	assert.Nil(t, New(Files{}, nil))
}

// TestBrokenFilesDegradeAndKeepTheLastGoodNames goes through the life of a file.
func TestBrokenFilesDegradeAndKeepTheLastGoodNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vaults.json")
	n := New(Files{Vaults: path}, logptest.NewTestingLogger(t, ""))
	var state status.Status
	var msg string
	report := n.Health(func(s status.Status, m string) { state, msg = s, m })
	report(status.Running, "")
	name := func() any {
		fields := event()
		n.Fill(fields)
		return value(t, fields, "onepassword.vault.name")
	}
	expect := func(when string, want any, problem string) {
		t.Helper()
		n.Refresh()
		assert.Equal(t, want, name(), when)
		if problem == "" {
			assert.Equal(t, status.Running, state, "%s: %s", when, msg)
			return
		}
		assert.Equal(t, status.Degraded, state, when)
		assert.Contains(t, msg, "names.vaults: ", when)
		assert.Contains(t, msg, problem, when)
	}
	expect("missing at the start", nil, "no such file")
	write(t, path, "v1,Servers")
	expect("there", "Servers", "")
	write(t, path, "v1,Servers and more")
	expect("changed", "Servers and more", "")
	write(t, path, `[{"id":"v1","na`)
	expect("broken", "Servers and more", "in the middle")
	report(status.Failed, "the token is rejected")
	assert.Equal(t, status.Failed, state, "what is worse is not hidden")
	report(status.Running, "")
	assert.Equal(t, status.Degraded, state)
	require.NoError(t, os.Remove(path))
	expect("removed", "Servers and more", "no such file")
	require.NoError(t, os.Mkdir(path, 0o700))
	expect("a folder", "Servers and more", "not a regular file")
	require.NoError(t, os.Remove(path))
	write(t, path, "v1,Last")
	expect("good again", "Last", "")
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Unix(1, 0)))
	expect("touched", "Last", "")
}

func TestFilesThatOthersMayWriteAreRejected(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("has other permissions")
	}
	path := filepath.Join(t.TempDir(), "vaults.csv")
	write(t, path, "v1,Servers")
	for mode, accepted := range map[os.FileMode]bool{0o600: true, 0o644: true, 0o440: true, 0o664: false, 0o646: false, 0o666: false, 0o602: false} {
		require.NoError(t, os.Chmod(path, mode))
		n := New(Files{Vaults: path}, logptest.NewTestingLogger(t, ""))
		assert.Equal(t, accepted, n.vaults.table.Load() != nil, "%o", mode)
		if !accepted {
			assert.Contains(t, n.problems, "others may write the file")
			require.NoError(t, os.Chmod(path, 0o600))
			n.Refresh()
			assert.Empty(t, n.problems, "a change of the mode is a change")
		}
	}
}

// TestMemory: the old and the new table together stay below 100 MiB, also with the longest names that fit.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("makes large tables")
	}
	for name, content := range map[string]string{"usual": many(maxEntries), "wide": wide(110_000)} {
		before := heap()
		first, err := decode(strings.NewReader(content), maxBytes)
		require.NoError(t, err)
		second, err := decode(strings.NewReader(content), maxBytes)
		require.NoError(t, err)
		used := heap() - before
		t.Logf("%s: two tables of %d entries: %d MiB", name, first.len(), used>>20)
		assert.Less(t, used, int64(100<<20), name)
		assert.LessOrEqual(t, used, int64(2*first.bytes), "the estimate is on the safe side")
		runtime.KeepAlive(second)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{vaultsJSON, "id,name\na,A\n", "", "[", `[{"id":1}]`, "\"a", "\xef\xbb\xbf[]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		got, err := decode(strings.NewReader(content), maxBytes)
		if err != nil {
			return
		}
		for id, name := range got.names {
			if id == "" || name == "" || strings.ContainsAny(name, "\x00\x1b\n") {
				t.Fatalf("%q: %q", id, name)
			}
		}
	})
}

func BenchmarkFill(b *testing.B) {
	path := filepath.Join(b.TempDir(), "vaults.csv")
	write(b, path, many(maxEntries))
	n := New(Files{Vaults: path}, logptest.NewTestingLogger(b, ""))
	fields := mapstr.M{"onepassword": map[string]any{"vault_uuid": fmt.Sprintf("%026d", 4711), "vault": map[string]any{}}}
	b.ReportAllocs()
	for b.Loop() {
		n.Fill(fields)
	}
}
