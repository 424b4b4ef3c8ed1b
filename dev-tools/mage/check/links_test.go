// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Which links are dead.

package check

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDeadLinksAreFound(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll("docs/img", 0o750))
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.FromSlash(name), []byte(text), 0o600))
	}
	write("docs/other.md", "# The `token`, and more\n\n## Same\n\n## Same\n\n<a id=\"set\"></a>\n\n```\n# no heading\n```\n")
	write("docs/img/a.png", "")
	write("README.md", "[ok](docs/other.md) [ok](docs/other.md#the-token-and-more) [ok](docs/other.md#same-1) [ok](docs/other.md#set)\n"+
		"![ok](docs/img/a.png) [ok](docs/) [ok](https://example.com/#x) [ok](mailto:a@example.com) `[code](nowhere)`\n"+
		"```\n[code](nowhere)\n```\n"+
		"[dead](nowhere.md)\n[dead](docs/other.md#no-heading) [dead](#nothing)\n<img src=\"docs/b.png\">\n")
	dead, err := deadLinks("README.md")
	require.NoError(t, err)
	assert.Equal(t, []string{
		"README.md:6: nowhere.md: no such file",
		"README.md:7: docs/other.md#no-heading: no such heading",
		"README.md:7: #nothing: no such heading",
		"README.md:8: docs/b.png: no such file",
	}, dead)
}
