// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Which pages a beat drops after its start.

package beater

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mapping is a mapping in /proc/PID/smaps, shortened.
func mapping(line, anonymous, swap string) string {
	return strings.Join([]string{
		line, "Rss:                1024 kB", "Anonymous:        " + anonymous, "AnonHugePages:         0 kB",
		"Swap:               " + swap, "THPeligible:           0", "VmFlags: rd mr mw me", "",
	}, "\n")
}

func TestFilePages(t *testing.T) {
	const none, some = "0 kB", "4 kB"
	binary := " 00000000 fe:00 1234                       /opt/a folder/onepasswordbeat"
	tests := map[string]struct {
		smaps string
		want  []pageRange
	}{
		"nothing":                {"", nil},
		"code":                   {mapping("00400000-03906000 r-xp"+binary, none, none), []pageRange{{0x400000, 0x3906000}}},
		"constants":              {mapping("03906000-068c7000 r--p"+binary, none, none), []pageRange{{0x3906000, 0x68c7000}}},
		"a replaced binary":      {mapping("00400000-03906000 r-xp"+binary+" (deleted)", none, none), []pageRange{{0x400000, 0x3906000}}},
		"variables":              {mapping("068c7000-06ae9000 rw-p"+binary, some, none), nil},
		"untouched variables":    {mapping("068c7000-06ae9000 rw-p"+binary, none, none), nil},
		"relocations":            {mapping("03906000-068c7000 r--p"+binary, some, none), nil},
		"relocations swapped":    {mapping("03906000-068c7000 r--p"+binary, none, some), nil},
		"shared":                 {mapping("03906000-068c7000 r--s"+binary, none, none), nil},
		"memory":                 {mapping("7f0000000000-7f0000001000 r--p 00000000 00:00 0", none, none), nil},
		"the kernel's own":       {mapping("7f0000000000-7f0000001000 r-xp 00000000 00:00 0    [vdso]", none, none), nil},
		"an end without its end": {"00400000-03906000 r-xp" + binary + "\nAnonymous:  0 kB\n", nil},
		"two": {
			mapping("00400000-03906000 r-xp"+binary, none, none) + mapping("068c7000-06ae9000 rw-p"+binary, some, none) +
				mapping("7f0000000000-7f0000001000 r--p"+binary, none, none),
			[]pageRange{{0x400000, 0x3906000}, {0x7f0000000000, 0x7f0000001000}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := filePages(strings.NewReader(test.smaps))
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
	_, err := filePages(strings.NewReader("no mapping\n"))
	assert.ErrorContains(t, err, `"no" is no range of addresses`)
}
