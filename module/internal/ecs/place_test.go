// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of countries and clients: what the API says in many ways becomes one.

package ecs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/elastic/elastic-agent-libs/mapstr"
)

func TestCountriesHaveACodeAndAName(t *testing.T) {
	seen := map[string]string{}
	for line := range strings.Lines(countriesCSV) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		code, names, _ := strings.Cut(strings.TrimSpace(line), ",")
		assert.True(t, isCode(code), code)
		name, others, _ := strings.Cut(names, ",")
		for _, n := range append([]string{code, name}, strings.Split(others, "|")...) {
			if n = strings.ToLower(strings.Trim(n, `"`)); n != "" && !strings.Contains(others, ", ") {
				assert.NotContains(t, seen, n, "%s and %s", seen[n], code)
				seen[n] = code
			}
		}
	}
	assert.Greater(t, len(seen), 500)
}

func TestAddCountry(t *testing.T) {
	for said, want := range map[string]struct {
		geo  mapstr.M
		kept bool
	}{
		"NO":      {mapstr.M{"country_iso_code": "NO", "country_name": "Norway"}, true},
		"Norway":  {mapstr.M{"country_iso_code": "NO", "country_name": "Norway"}, true},
		"UK":      {mapstr.M{"country_iso_code": "GB", "country_name": "United Kingdom"}, false},
		"turkey":  {mapstr.M{"country_iso_code": "TR", "country_name": "Türkiye"}, false},
		"ZZ":      {mapstr.M{"country_iso_code": "ZZ"}, true},
		"Erewhon": {mapstr.M{"country_name": "Erewhon"}, true},
		"??":      {mapstr.M{"country_name": "??"}, true},
	} {
		geo, kept := addCountry(nil, said)
		assert.Equal(t, want.geo, geo, said)
		assert.Equal(t, want.kept, kept, said)
	}
}

func TestOSType(t *testing.T) {
	for name, want := range map[string]string{
		"MacOSX": "macos", "macOS": "macos", "Windows 11": "windows", "Windows": "windows", "Linux": "linux", "Android": "android",
		"iOS": "ios", "iPadOS": "ios", "BeOS": "", "": "",
	} {
		assert.Equal(t, want, osType(name), name)
	}
}

func TestEveryValueHasAName(t *testing.T) {
	seen := map[string]bool{}
	for slot := UUID; slot <= SessionID; slot++ {
		name := SlotName(slot)
		assert.NotEmpty(t, name, "%d", slot)
		assert.False(t, seen[name], name)
		seen[name] = true
	}
	assert.Empty(t, SlotName(0))
	assert.Len(t, slotNames, int(SessionID)+1)
}
