// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Addresses and places: source.ip or source.address, and source.geo from the API's own location.

package ecs

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"net/netip"
	"strings"

	"github.com/elastic/elastic-agent-libs/mapstr"

	"onepasswordbeat/module/internal/decode"
)

//go:embed countries.csv
var countriesCSV string

type country struct{ code, name any } // strings, boxed once

var countries = readCountries()

// readCountries indexes the countries by code, by name and by their other names, in lower case.
func readCountries() map[string]*country {
	r := csv.NewReader(strings.NewReader(countriesCSV))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil { // a broken embedded file, which the tests rule out
		panic(fmt.Sprintf("embedded table countries.csv: %v", err))
	}
	index := make(map[string]*country, 3*len(rows))
	for _, row := range rows {
		c := &country{code: row[0], name: row[1]}
		index[strings.ToLower(row[0])] = c
		index[strings.ToLower(row[1])] = c
		for other := range strings.SplitSeq(row[2], "|") {
			if other != "" {
				index[strings.ToLower(other)] = c
			}
		}
	}
	return index
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
	if address := d.Value(IP); address != nil {
		key := "address"
		if ip, err := netip.ParseAddr(d.Text(IP)); err == nil && ip.Zone() == "" {
			key = "ip"
		}
		d.sourceFields()[key] = address
	}
	var geo mapstr.M
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
func addCountry(geo mapstr.M, said any) (mapstr.M, bool) {
	text, _ := said.(string)
	c, ok := countries[text]
	if !ok {
		c, ok = countries[strings.ToLower(text)]
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

// addPoint sets the coordinates if both are there and on the globe; else they stay where they were.
func (d *Doc) addPoint(geo mapstr.M) mapstr.M {
	lat, hasLat := d.Number(Latitude)
	lon, hasLon := d.Number(Longitude)
	if hasLat && hasLon && math.Abs(lat) <= 90 && math.Abs(lon) <= 180 {
		return set(geo, "location", mapstr.M{"lat": d.Value(Latitude), "lon": d.Value(Longitude)})
	}
	d.leave("location", "latitude", d.Value(Latitude))
	d.leave("location", "longitude", d.Value(Longitude))
	return geo
}
