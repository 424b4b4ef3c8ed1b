// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What is missing is said, and what is made is made once.

package engine

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMissingJava(t *testing.T) {
	var missing *MissingError
	_, err := FindJava(t.Context(), "Test Engine", 1, 2)
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "no Test Engine can be run here: no Java from 1 to 2 in JAVA_HOME, PATH or /usr/lib/jvm", err.Error())
	_, err = FindJava(t.Context(), "Test Engine", 8, 99, "no-such-program")
	require.ErrorContains(t, err, "no Java from 8 to 99 with no-such-program in")
}

func TestProvideMakesOnce(t *testing.T) {
	cache, err := CacheDir()
	require.NoError(t, err)
	const name = "engine-test"
	home := filepath.Join(cache, name)
	t.Cleanup(func() { _ = os.RemoveAll(home) })

	_, err = Provide(name, func(string) (string, error) { return "", errors.New("no luck") })
	require.ErrorContains(t, err, "no luck")
	assert.NoDirExists(t, home)
	for range 2 {
		made := 0
		got, err := Provide(name, func(work string) (string, error) {
			made++
			dir := filepath.Join(work, "content")
			return dir, os.Mkdir(dir, 0o755)
		})
		require.NoError(t, err)
		assert.Equal(t, home, got)
		assert.LessOrEqual(t, made, 1)
	}
}

func TestLastLines(t *testing.T) {
	assert.Equal(t, "b\nc", LastLines("a\nb\nc\n", 2))
	assert.Equal(t, "a", LastLines("a", 5))
	assert.Empty(t, LastLines("", 5))
}
