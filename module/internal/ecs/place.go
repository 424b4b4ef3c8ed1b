// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Addresses and places: source.ip or source.address, and source.geo from the API's own location.

package ecs

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"strings"

	"onepasswordbeat/module/internal/decode"
)

//go:embed countries.csv
var countriesCSV string

type country struct{ code, name any } // strings, boxed once

// countries finds a country by its code and its name as the table has them, and countryKeys by any of its codes in
// lower case and by the keys of all of its names.
var countries, countryKeys = readCountries()

func readCountries() (exact, keys map[string]*country) {
	r := csv.NewReader(strings.NewReader(countriesCSV))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil { // a broken embedded file, which the tests rule out
		panic(fmt.Sprintf("embedded table countries.csv: %v", err))
	}
	exact, keys = make(map[string]*country, 2*len(rows)), make(map[string]*country, 4*len(rows))
	for _, row := range rows {
		c := &country{code: row[0], name: row[1]}
		exact[row[0]], exact[row[1]] = c, c
		for called := range strings.SplitSeq(row[0]+"|"+row[1]+"|"+row[2], "|") {
			if key := countryKey(called); key != "" {
				keys[key] = c
			}
		}
	}
	return exact, keys
}

// countryKey is a code in lower case, or a name's key: as words, some codes are something else.
func countryKey(called string) string {
	if len(called) <= len("ISO") && called == strings.ToUpper(called) {
		return strings.ToLower(called)
	}
	return nameKey(called)
}

// LocationSchema describes the API's location object, whose values become source.geo.*.
func LocationSchema() *decode.Field {
	return &decode.Field{Kind: decode.Object, Object: decode.Schema{
		"country":   {Slot: Country, Moved: true},
		"region":    {Slot: Region, Moved: true},
		"city":      {Slot: City, Moved: true},
		"latitude":  {Kind: decode.Number, Slot: Latitude, Moved: true},
		"longitude": {Kind: decode.Number, Slot: Longitude, Moved: true},
	}}
}

// Source sets source.* from the client's address and the API's location.
func (d *Doc) Source() {
	if said := d.Value(IP); said != nil {
		text := d.Text(IP)
		ip := address(text)
		if ip != "" {
			d.sourceFields()["ip"] = ip
		}
		if ip != text {
			d.sourceFields()["address"] = said
		}
	}
	var geo map[string]any
	if said := d.Value(Country); said != nil {
		var kept bool
		if geo, kept = addCountry(geo, said); !kept {
			d.leave("location", "country", said)
		}
	} else if said := d.Value(SignInCountry); said != nil {
		geo, _ = addCountry(geo, said)
	}
	geo = set(geo, "region_name", d.Value(Region))
	geo = set(geo, "city_name", d.Value(City))
	geo = d.addPoint(geo)
	if geo != nil {
		d.sourceFields()["geo"] = geo
	}
}

// addCountry tells codes and names apart and adds the one that is missing, if the country is known. It reports
// whether what the API said is among what it set.
func addCountry(geo map[string]any, said any) (map[string]any, bool) {
	text, _ := said.(string)
	c, ok := countries[text]
	if !ok {
		c, ok = countryKeys[strings.ToLower(text)]
	}
	if !ok {
		c, ok = countryKeys[nameKey(text)]
	}
	switch {
	case ok:
		geo = set(set(geo, "country_iso_code", c.code), "country_name", c.name)
		return geo, said == c.code || said == c.name
	case isCode(text):
		return set(geo, "country_iso_code", said), true
	default:
		return set(geo, "country_name", said), true
	}
}

func isCode(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

// addPoint sets the coordinates if both are there and on the globe; else they stay where they were. Coordinates that are
// zero, of a location that names no place, are those of a client that has none.
func (d *Doc) addPoint(geo map[string]any) map[string]any {
	lat, hasLat := d.Number(Latitude)
	lon, hasLon := d.Number(Longitude)
	switch {
	case lat == 0 && lon == 0 && d.Value(Country) == nil && d.Value(Region) == nil && d.Value(City) == nil:
		return geo
	case hasLat && hasLon && math.Abs(lat) <= 90 && math.Abs(lon) <= 180:
		return set(geo, "location", map[string]any{"lat": d.Value(Latitude), "lon": d.Value(Longitude)})
	}
	d.leave("location", "latitude", d.Value(Latitude))
	d.leave("location", "longitude", d.Value(Longitude))
	return geo
}
