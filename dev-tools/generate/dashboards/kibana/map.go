// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Maps by value: a base map, and circles whose size and colour say how many events a place has.

package kibana

import "onepasswordbeat/dev-tools/generate/dashboards/boards"

const (
	// At this zoom half a dashboard's width shows the whole world, from Auckland to Hawaii.
	mapLatitude = 20
	mapZoom     = 0.3
)

func (b *builder) worldMap(p boards.Panel) object {
	const source = "layer_1_source_index_pattern" // the base map is layer 0
	b.refer(toData(p.ID + ":" + source))
	base := object{
		"alpha": 1, "id": "base", "includeInFitToBounds": true, "label": nil, "locale": "autoselect", "maxZoom": 24, "minZoom": 0,
		"sourceDescriptor": object{"isAutoSelect": true, "lightModeDefault": "road_map_desaturated", "type": "EMS_TMS"},
		"style":            object{"color": "", "type": "EMS_VECTOR_TILE"}, "type": "EMS_VECTOR_TILE", "visible": true,
	}
	circles := object{
		"alpha": 0.75, "id": "places", "includeInFitToBounds": true, "joins": list{}, "label": "Events", "maxZoom": 24, "minZoom": 0,
		"query": kuery(b.Query(p)),
		"sourceDescriptor": object{
			"applyForceRefresh": true, "applyGlobalQuery": true, "applyGlobalTime": true, "geoField": boards.Place, "id": "events",
			"indexPatternRefName": source, "metrics": list{object{"type": "count"}}, "requestType": "point", "resolution": "MOST_FINE",
			"type": "ES_GEO_GRID",
		},
		"style": object{"isTimeAware": true, "properties": circleStyle(p), "type": "VECTOR"},
		"type":  "GEOJSON_VECTOR", "visible": true,
	}
	return object{
		"description": "", "layerListJSON": list{base, circles},
		"mapStateJSON": object{
			"center": object{"lat": mapLatitude, "lon": 0}, "filters": list{}, "query": kuery(""),
			"refreshConfig": object{"interval": 0, "isPaused": true}, "settings": object{"autoFitToDataBounds": false},
			"timeFilters": object{"from": "now-7d", "to": "now"}, "zoom": mapZoom,
		},
		"title": "", "uiStateJSON": object{"isLayerTOCOpen": false, "openTOCDetails": list{}},
	}
}

// mapView is what a panel keeps beside the map's attributes.
func mapView() object {
	return object{
		"hiddenLayers": list{}, "isLayerTOCOpen": false,
		"mapBuffer": object{"maxLat": 85.05113, "maxLon": 360, "minLat": -85.05113, "minLon": -180},
		"mapCenter": object{"lat": mapLatitude, "lon": 0, "zoom": mapZoom}, "openTOCDetails": list{},
	}
}

func circleStyle(p boards.Panel) object {
	ramp := "Blues"
	if p.Alarm {
		ramp = "Yellow to Red"
	}
	static := func(options object) object { return object{"options": options, "type": "STATIC"} }
	byCount := func(options object) object {
		options["field"] = object{"name": "doc_count", "origin": "source"}
		options["fieldMetaOptions"] = object{"isEnabled": false, "sigma": 3}
		return object{"options": options, "type": "DYNAMIC"}
	}
	fill := byCount(object{"color": ramp, "colorCategory": "palette_0", "type": "ORDINAL"})
	return object{
		"fillColor": fill, "iconSize": byCount(object{"maxSize": 24, "minSize": 6}),
		"icon": static(object{"value": "marker"}), "iconOrientation": static(object{"orientation": 0}),
		"labelBorderColor": static(object{"color": "#FFFFFF"}), "labelBorderSize": object{"options": object{"size": "SMALL"}},
		"labelColor": static(object{"color": "#000000"}), "labelSize": static(object{"size": 14}), "labelText": static(object{"value": ""}),
		"lineColor": static(object{"color": "#FFFFFF"}), "lineWidth": static(object{"size": 0}),
		"symbolizeAs": object{"options": object{"value": "circle"}},
	}
}
