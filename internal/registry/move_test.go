// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Carrying states over, and a state that only the other backend has.

package registry_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/registry"
	"onepasswordbeat/internal/registry/registrytest"
)

// both are the two backends of one beat.
type both struct {
	fake     *registrytest.Fake
	dataPath string
}

func (b both) open(t *testing.T, backend string) *registry.Registry {
	t.Helper()
	s := settings(b.fake)
	r, err := registry.OpenConfigured(registry.Settings{Backend: backend, DataPath: b.dataPath, Elasticsearch: &s}, logp.NewNopLogger())
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// move moves all states and returns the result of the only one.
func (b both) move(t *testing.T, to string) registry.Moved {
	t.Helper()
	files, elastic := openFiles(t, b.dataPath), openFake(t, b.fake)
	defer func() { assert.NoError(t, files.Close()) }()
	from, dest := files, elastic
	if to == registry.BackendFile {
		from, dest = elastic, files
	}
	results, err := registry.Move(t.Context(), from, dest, registrytest.State(9).Updated)
	require.NoError(t, err)
	require.Len(t, results, 1)
	return results[0]
}

var backends = []string{registry.BackendFile, registry.BackendElasticsearch}

func otherThan(backend string) string {
	if backend == registry.BackendFile {
		return registry.BackendElasticsearch
	}
	return registry.BackendFile
}

// TestMove carries a state over, in both directions and home again, and twice in a row.
func TestMove(t *testing.T) {
	for _, from := range backends {
		t.Run("from "+from, func(t *testing.T) {
			b, to := both{registrytest.NewFake(t), t.TempDir()}, otherThan(from)
			r := b.open(t, from)
			require.NoError(t, r.Commit(t.Context(), key, registrytest.State(1)))
			require.NoError(t, r.Close())
			for round := range 2 {
				m := b.move(t, to)
				require.NoError(t, m.Err)
				assert.False(t, m.Already)
				m = b.move(t, to)
				require.NoError(t, m.Err, "again")
				assert.True(t, m.Already)
				r = b.open(t, to)
				got, err := r.Load(t.Context(), key)
				require.NoError(t, err)
				assert.Equal(t, registrytest.State(1+round), got)
				require.NoError(t, r.Commit(t.Context(), key, registrytest.State(2+round)))
				require.NoError(t, r.Close())
				r = b.open(t, from)
				_, err = r.Load(t.Context(), key)
				require.ErrorAs(t, err, new(*registry.MovedError), "the source is marked")
				require.NoError(t, r.Close())
				from, to = to, from
			}
		})
	}
}

// TestMoveVersion1 carries over what the first version of this beat stored.
func TestMoveVersion1(t *testing.T) {
	dataPath := t.TempDir()
	require.NoError(t, os.CopyFS(dataPath, os.DirFS(filepath.Join("testdata", "version1"))))
	f := registrytest.NewFake(t)
	files, elastic := openFiles(t, dataPath), openFake(t, f)
	want, err := files.List(t.Context())
	require.NoError(t, err)
	results, err := registry.Move(t.Context(), files, elastic, registrytest.State(9).Updated)
	require.NoError(t, err)
	require.Len(t, results, 3)
	for _, m := range results {
		require.NoError(t, m.Err)
	}
	got, err := elastic.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// TestMoveAfterAnInterruption: wherever a move was interrupted, it can be repeated.
func TestMoveAfterAnInterruption(t *testing.T) {
	for _, to := range backends {
		for name, step := range map[string]func(req *http.Request, n int) bool{
			"the destination was asked": func(_ *http.Request, n int) bool { return n == 2 },
			"the answer to the copy was lost": func(req *http.Request, _ int) bool {
				return strings.HasSuffix(req.URL.Path, "/_bulk")
			},
			"the copy was not read back": func(_ *http.Request, n int) bool { return n == 4 },
		} {
			t.Run(name+", to "+to, func(t *testing.T) {
				b := both{registrytest.NewFake(t), t.TempDir()}
				r := b.open(t, otherThan(to))
				require.NoError(t, r.Commit(t.Context(), key, registrytest.State(1)))
				require.NoError(t, r.Close())
				n := 0
				b.fake.CutAfter(func(req *http.Request) bool { n++; return step(req, n) })
				files, elastic := openFiles(t, b.dataPath), openFake(t, b.fake)
				from, dest := files, elastic
				if to == registry.BackendFile {
					from, dest = elastic, files
				}
				_, _ = registry.Move(t.Context(), from, dest, registrytest.State(9).Updated)
				require.NoError(t, files.Close())
				require.NoError(t, elastic.Close())
				b.fake.Heal()
				require.NoError(t, b.move(t, to).Err)
				r = b.open(t, to)
				got, err := r.Load(t.Context(), key)
				require.NoError(t, err)
				assert.Equal(t, registrytest.State(1), got)
			})
		}
	}
}

// TestMoveReplacesNoOtherState: a state at the destination that is not the one to move stays, and so does the source.
func TestMoveReplacesNoOtherState(t *testing.T) {
	for _, to := range backends {
		t.Run(to, func(t *testing.T) {
			b := both{registrytest.NewFake(t), t.TempDir()}
			for i, backend := range []string{to, otherThan(to)} {
				r := openFiles(t, b.dataPath)
				if backend == registry.BackendElasticsearch {
					require.NoError(t, r.Close())
					r = openFake(t, b.fake)
				}
				require.NoError(t, r.Commit(t.Context(), key, registrytest.State(i)))
				require.NoError(t, r.Close())
			}
			require.ErrorContains(t, b.move(t, to).Err, "has another state")
			for i, backend := range []string{to, otherThan(to)} {
				r := b.open(t, backend)
				got, err := r.Load(t.Context(), key)
				require.NoError(t, err)
				assert.Equal(t, registrytest.State(i), got)
				require.NoError(t, r.Close())
			}
		})
	}
}

// TestStateOfTheOtherBackend: a backend without a state does not start over while the other one has it.
func TestStateOfTheOtherBackend(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			b := both{registrytest.NewFake(t), t.TempDir()}
			other := b.open(t, otherThan(backend))
			require.NoError(t, other.Commit(t.Context(), key, registrytest.State(1)))
			require.NoError(t, other.Close())
			r := b.open(t, backend)
			_, err := r.Load(t.Context(), key)
			require.ErrorContains(t, err, "state move --to "+backend)
			require.NotErrorIs(t, err, registry.ErrNotFound)
			require.NotErrorAs(t, err, new(*registry.UnavailableError), "it stops")
			_, err = r.Load(t.Context(), registry.Key{Input: "new", EventType: "audit_events"})
			require.ErrorIs(t, err, registry.ErrNotFound, "others start")
			require.NoError(t, r.Reset(t.Context(), key, registry.Start{Since: registrytest.State(1).StartTime, Now: registrytest.State(1).Updated}))
			_, err = r.Load(t.Context(), key)
			require.NoError(t, err, "a reset decides")
		})
	}
}

// TestLookIntoElasticsearchThatFails: a registry in files does not start an input before it knows that there is no state.
func TestLookIntoElasticsearchThatFails(t *testing.T) {
	b := both{registrytest.NewFake(t), t.TempDir()}
	r := b.open(t, registry.BackendFile)
	b.fake.Fail(403, "")
	_, err := r.Load(t.Context(), key)
	require.ErrorAs(t, err, new(*registry.UnavailableError))
	b.fake.Heal()
	_, err = r.Load(t.Context(), key)
	require.ErrorIs(t, err, registry.ErrNotFound)
	require.NoError(t, r.Commit(t.Context(), key, registrytest.State(1)))
	b.fake.Fail(403, "")
	_, err = r.Load(t.Context(), key)
	require.NoError(t, err, "files do not need Elasticsearch")
}

// TestLookIntoFilesChangesNothing, damaged ones included, which may have a state.
func TestLookIntoFilesChangesNothing(t *testing.T) {
	b := both{registrytest.NewFake(t), t.TempDir()}
	_, err := b.open(t, registry.BackendElasticsearch).Load(t.Context(), key)
	require.ErrorIs(t, err, registry.ErrNotFound)
	assert.NoDirExists(t, registry.Dir(b.dataPath))
	for _, file := range []string{"1.json", "log.json.damaged"} {
		dir := registry.Dir(b.dataPath)
		require.NoError(t, os.MkdirAll(dir, 0o700))
		path := filepath.Join(dir, file)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "meta.json"), []byte(`{"version":"1"}`), 0o600))
		require.NoError(t, os.WriteFile(path, []byte(`[{"_key":"onepa`), 0o600))
		r := b.open(t, registry.BackendElasticsearch)
		_, err = r.Load(t.Context(), key)
		require.ErrorContains(t, err, "may have a state", file)
		require.NoError(t, r.Commit(t.Context(), key, registrytest.State(1)), file)
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Len(t, raw, len(`[{"_key":"onepa`))
		require.NoError(t, os.Remove(path))
		b.fake.Clear(false)
	}
}

// TestMovedAndLost: a mark whose state is gone is not a first start.
func TestMovedAndLost(t *testing.T) {
	for _, to := range backends {
		b := both{registrytest.NewFake(t), t.TempDir()}
		r := b.open(t, otherThan(to))
		require.NoError(t, r.Commit(t.Context(), key, registrytest.State(1)))
		require.NoError(t, r.Close())
		require.NoError(t, b.move(t, to).Err)
		if to == registry.BackendFile {
			b.dataPath = t.TempDir() // a new volume
		} else {
			b.fake.Clear(false)
		}
		r = b.open(t, to)
		_, err := r.Load(t.Context(), key)
		require.ErrorContains(t, err, "It is not there", to)
		require.ErrorContains(t, b.move(t, to).Err, "It is not there", to)
	}
}

// TestMoveEndsWithoutElasticsearch: the first state that fails for that ends it; the rest is not tried.
func TestMoveEndsWithoutElasticsearch(t *testing.T) {
	b := both{registrytest.NewFake(t), t.TempDir()}
	files, elastic := openFiles(t, b.dataPath), openFake(t, b.fake)
	for _, input := range []string{"a", "b", "c", "d"} {
		require.NoError(t, files.Commit(t.Context(), registry.Key{Input: input, EventType: "audit_events"}, registrytest.State(1)))
	}
	writes := 0
	b.fake.Answer(func(w http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "/_bulk") {
			writes++
		}
		if writes < 2 {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	results, err := registry.Move(t.Context(), files, elastic, registrytest.State(9).Updated)
	require.NoError(t, err)
	require.Len(t, results, 4)
	require.NoError(t, results[0].Err)
	require.ErrorAs(t, results[1].Err, new(*registry.UnavailableError))
	require.ErrorContains(t, results[2].Err, "was not tried")
	require.ErrorContains(t, results[3].Err, "was not tried")
	assert.Equal(t, 2, writes)
	b.fake.Heal()
	results, err = registry.Move(t.Context(), files, elastic, registrytest.State(9).Updated)
	require.NoError(t, err)
	for i, m := range results {
		require.NoError(t, m.Err)
		assert.Equal(t, i == 0, m.Already)
	}
}
