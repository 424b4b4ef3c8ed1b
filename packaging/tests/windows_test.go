// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The scripts for Windows. They are parsed here; that they run was not tested, see docs/install.md.

package tests

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const parse = `
import sys
import tree_sitter, tree_sitter_powershell
parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
def errors(node):
    if node.type == "ERROR" or node.is_missing:
        yield node
    for child in node.children:
        yield from errors(child)
for name in sys.argv[1:]:
    for node in errors(parser.parse(open(name, "rb").read()).root_node):
        sys.exit(f"{name}:{node.start_point[0] + 1}: not PowerShell")
`

// TestWindowsScriptsParse, and text that is not a script does not.
func TestWindowsScriptsParse(t *testing.T) {
	scripts, err := filepath.Glob("../*/*.ps1")
	require.NoError(t, err)
	require.Len(t, scripts, 3)
	run(t, "", python(t, "python"), append([]string{"-c", parse}, scripts...)...)
	_, err = try(t, "", python(t, "python"), "-c", parse, "testdata/deb.sh")
	require.Error(t, err)
}
