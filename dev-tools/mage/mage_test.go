// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Steps, signs of life, snapshots and the notice's texts.

package mage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRunStepsGoesOnAfterAFailureAndNamesIt(t *testing.T) {
	var ran []string
	step := func(name string, err error) Step {
		return Step{name, func(context.Context) error {
			ran = append(ran, name)
			return err
		}}
	}
	err := RunSteps(t.Context(), []Step{step("a", nil), step("b", errors.New("broken")), step("c", nil), step("d", io.EOF)})
	require.EqualError(t, err, "failed: b, d")
	assert.Equal(t, []string{"a", "b", "c", "d"}, ran)
	assert.NoError(t, RunSteps(t.Context(), []Step{step("e", nil)}))
}

func TestSilentCommandShowsSignsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := startProgress("building", &out)
		lines := p.countLines(&out)
		_, err := io.WriteString(lines, "go: downloading example.org/a v1.0.0\nfmt\nexample.org/a/b\n# example.org/a/b\nb.go:1:2: syntax")
		require.NoError(t, err)
		time.Sleep(11 * time.Second) //nolint:forbidigo // the bubble's clock
		lines.flush()
		p.stop()
		assert.Equal(t, "# example.org/a/b\n"+
			"   … building: 5s, 1 modules downloaded, 2 packages compiled\n"+
			"   … building: 10s, 1 modules downloaded, 2 packages compiled\n"+
			"b.go:1:2: syntax\n", out.String())
	})
}

func TestMissingCommandIsReported(t *testing.T) {
	err := Command{Args: []string{"no-such-program"}}.Run(t.Context())
	assert.ErrorContains(t, err, "no-such-program is needed and was not found")
}

func TestArgsPutsTheVariableBeforeTheLast(t *testing.T) {
	t.Setenv("SOMEFLAGS", " -run  X ")
	assert.Equal(t, []string{"go", "test", "-run", "X", "./a"}, Args([]string{"go", "test"}, "SOMEFLAGS", "./a"))
	assert.Equal(t, []string{"go"}, Args([]string{"go"}, "NO_SUCH_FLAGS"))
}

func TestSnapshotsDiffer(t *testing.T) {
	before := Snapshot{"same": {1}, "changed": {1}, "gone": {1}}
	after := Snapshot{"same": {1}, "changed": {2}, "new": {1}}
	assert.Equal(t, []string{"changed", "gone", "new"}, before.Diff(after))
	assert.Empty(t, before.Diff(before))
}

func TestElasticLicencesAreSetApart(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "licenses"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "licenses", "ELASTIC-LICENSE-2.0.txt"), []byte("Its text"), 0o600))
	free := licensed{name: "example.org/a", kind: "MIT"}

	var out bytes.Buffer
	require.NoError(t, writeElastic(&out, dir, []string{beats + "/libbeat/beat"}, []licensed{free}))
	assert.Empty(t, out.String())

	require.NoError(t, writeElastic(&out, dir, []string{beats + "/libbeat/beat", beats + "/x-pack/b"}, []licensed{free, {name: "example.org/c", kind: elastic}}))
	for _, want := range []string{beats + "/x-pack/b: Elastic License 2.0\n", "example.org/c: Elastic License Agreement\n", "Its text\n"} {
		assert.Contains(t, out.String(), want)
	}
	assert.NotContains(t, out.String(), "example.org/a")
}

func TestLicencesAreParsedAndSorted(t *testing.T) {
	modules, err := parseLicences("\nexample.org/b\x1fv2.0.0\x1fMIT\x1fContents of probable licence file $GOMODCACHE/b/LICENSE:\n\nText \r\nof b\n\n\x1e" +
		"example.org/a\x1fv1.0.0\x1fISC\x1fText of a\x1e\n")
	require.NoError(t, err)
	assert.Equal(t, []licensed{
		{"example.org/a", "v1.0.0", "ISC", "Text of a\n"},
		{"example.org/b", "v2.0.0", "MIT", "Text\nof b\n"},
	}, modules)

	_, err = parseLicences("example.org/a\x1fv1.0.0\x1e")
	assert.ErrorContains(t, err, "2 fields")
}
