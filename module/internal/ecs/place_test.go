// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of countries and clients: what the API says in many ways becomes one.

package ecs

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

func TestCountriesHaveACodeAndAName(t *testing.T) {
	r := csv.NewReader(strings.NewReader(countriesCSV))
	r.Comment = '#'
	rows, err := r.ReadAll()
	require.NoError(t, err)
	owner := map[string]string{}
	for _, row := range rows {
		require.True(t, isCode(row[0]), row[0])
		require.NotEmpty(t, row[1])
		for called := range strings.SplitSeq(row[0]+"|"+row[1]+"|"+row[2], "|") {
			if called == "" {
				continue
			}
			key := countryKey(called)
			assert.NotEmpty(t, key, called)
			if before, seen := owner[key]; seen {
				assert.Equal(t, before, row[0], "%s is two countries", called)
			}
			owner[key] = row[0]
		}
	}
	for name := range owner { // a key must be found as it is, in upper case and with its words in another order
		assert.Equal(t, owner[name], countryKeys[name].code, name)
	}
}

// TestEveryCountryOfTheUnicodeConsortiumIsKnown compares the table with golang.org/x/text: each region that is a country
// today is found by its two codes and by its English name.
func TestEveryCountryOfTheUnicodeConsortiumIsKnown(t *testing.T) {
	noCountry := map[string]bool{"AN": true, "CS": true, "EZ": true, "SU": true, "UN": true, "YU": true}
	found := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			region, err := language.ParseRegion(string(a) + string(b))
			code := region.String()
			if err != nil || !region.IsCountry() || region.Canonicalize() != region || noCountry[code] {
				continue
			}
			name := display.English.Regions().Name(region)
			if name == "" {
				continue // a code that is no longer in use
			}
			geo, _ := addCountry(nil, name)
			iso, _ := geo["country_iso_code"].(string)
			require.NotEmpty(t, iso, "%s %s", code, name)
			if part := map[string]string{"AC": "SH", "TA": "SH", "IC": "ES", "EA": "ES", "DG": "IO", "CP": "FR"}[code]; part != "" {
				assert.Equal(t, part, iso, name)
				continue
			}
			found++
			assert.Equal(t, code, iso, name)
			for _, said := range []string{code, strings.ToLower(code), region.ISO3(), strings.ToUpper(name), strings.ToLower(name)} {
				geo, _ := addCountry(nil, said)
				assert.Equal(t, code, geo["country_iso_code"], "%s of %s", said, name)
			}
		}
	}
	assert.GreaterOrEqual(t, found, 249)
}

func TestAddCountry(t *testing.T) {
	for said, want := range map[string]struct {
		geo  map[string]any
		kept bool
	}{
		"NO":                               {map[string]any{"country_iso_code": "NO", "country_name": "Norway"}, true},
		"Norway":                           {map[string]any{"country_iso_code": "NO", "country_name": "Norway"}, true},
		"UK":                               {map[string]any{"country_iso_code": "GB", "country_name": "United Kingdom"}, false},
		"turkey":                           {map[string]any{"country_iso_code": "TR", "country_name": "Türkiye"}, false},
		"ZZ":                               {map[string]any{"country_iso_code": "ZZ"}, true},
		"Erewhon":                          {map[string]any{"country_name": "Erewhon"}, true},
		"St Kitts and Nevis":               {map[string]any{"country_iso_code": "KN", "country_name": "Saint Kitts and Nevis"}, false},
		"St. Kitts & Nevis":                {map[string]any{"country_iso_code": "KN", "country_name": "Saint Kitts and Nevis"}, false},
		"Curacao":                          {map[string]any{"country_iso_code": "CW", "country_name": "Curaçao"}, false},
		"CÔTE D’IVOIRE":                    {map[string]any{"country_iso_code": "CI", "country_name": "Ivory Coast"}, false},
		"Bolivia (Plurinational State of)": {map[string]any{"country_iso_code": "BO", "country_name": "Bolivia"}, false},
		"Korea, Republic of":               {map[string]any{"country_iso_code": "KR", "country_name": "South Korea"}, false},
		"Korea (the Democratic People's Republic of)": {map[string]any{"country_iso_code": "KP", "country_name": "North Korea"}, false},
		"Congo, Democratic Republic of the":           {map[string]any{"country_iso_code": "CD", "country_name": "DR Congo"}, false},
		"U.S.A.":                                      {map[string]any{"country_iso_code": "US", "country_name": "United States"}, false},
		"is":                                          {map[string]any{"country_iso_code": "IS", "country_name": "Iceland"}, false},
		"st":                                          {map[string]any{"country_iso_code": "ST", "country_name": "São Tomé and Príncipe"}, false},
		"Islands":                                     {map[string]any{"country_name": "Islands"}, true},
		"and":                                         {map[string]any{"country_iso_code": "AD", "country_name": "Andorra"}, false},
		"of the":                                      {map[string]any{"country_name": "of the"}, true},
		"??":                                          {map[string]any{"country_name": "??"}, true},
	} {
		geo, kept := addCountry(nil, said)
		assert.Equal(t, want.geo, geo, said)
		assert.Equal(t, want.kept, kept, said)
	}
}

func TestOSType(t *testing.T) {
	for kind, names := range map[string][]string{
		"macos":   {"MacOSX", "macOS", "Mac OS X 10.15.7", "OS X", "darwin", "Darwin 23.1", "Macintosh", "mac-os"},
		"ios":     {"iOS", "iPadOS", "iPhone OS", "iPhone OS 17_1", "IOS17", "iPad"},
		"windows": {"Windows 11", "Windows", "WINDOWS_NT", "Microsoft Windows 11 Pro", "Win32", "win"},
		"linux": {"Linux", "GNU/Linux", "Ubuntu", "Ubuntu 22.04.3 LTS", "Debian GNU/Linux 12", "Red Hat Enterprise Linux", "Arch Linux", "Pop!_OS",
			"Fedora", "openSUSE Leap 15", "NixOS", "Chrome OS", "CrOS", "Alpine", "Amazon Linux 2", "linux-gnu", "Oracle Linux Server", "Void", "Kali"},
		"android": {"Android", "android 14", "Android TV"},
		"unix":    {"freebsd", "FreeBSD 14.0", "OpenBSD", "NetBSD", "DragonFly BSD", "Solaris", "SunOS", "Oracle Solaris 11", "AIX", "HP-UX", "illumos"},
		"":        {"BeOS", "", "ma", "Archaic", "??", "Haiku", "Plan 9", strings.Repeat("linux ", 30)},
	} {
		for _, name := range names {
			assert.Equal(t, kind, osType(name), name)
		}
	}
	for _, kind := range osNames {
		assert.Contains(t, []string{"linux", "macos", "unix", "windows", "ios", "android"}, kind, "the values that ECS 8.17 has for os.type")
	}
	for name := range osNames {
		assert.Equal(t, name, strings.Join(words(name), " "), "a name that no comparison finds")
		assert.LessOrEqual(t, len(words(name)), maxOSWords, name)
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "192.0.2.1:443": "192.0.2.1", "192.0.2.1:0": "192.0.2.1", "[2001:db8::1]:443": "2001:db8::1", "[2001:db8::1]": "2001:db8::1",
		"2001:db8::1": "2001:db8::1", "2001:db8::1:443": "2001:db8::1:443", "::ffff:192.0.2.1": "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:1": "::ffff:192.0.2.1",
		"192.0.2.1:": "", "192.0.2.1:65536": "", "192.0.2.1:123456": "", "192.0.2.1:http": "", "192.0.2.1:+1": "", "192.0.2.1, 192.0.2.2": "", "192.0.2.1:1:2": "",
		"[192.0.2.1]:443": "", "[192.0.2.1]": "", "[2001:db8::1": "", "2001:db8::1]:443": "", "[2001:db8::1]443": "", "[2001:db8::1]:": "", "[[::1]]:1": "",
		"fe80::1%eth0": "", "[fe80::1%eth0]:443": "", "0.0.0.0": "", "::": "", "[::]:443": "", "0.0.0.0:443": "", "": "", ":443": "", "[]:443": "", "example.com:443": "",
	} {
		assert.Equal(t, want, address(text), text)
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
