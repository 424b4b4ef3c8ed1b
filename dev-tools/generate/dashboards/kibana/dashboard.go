// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Dashboards: filter, controls, grid, and the panels that are not charts.

package kibana

import (
	"fmt"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
)

// builder collects what a dashboard consists of.
type builder struct {
	boards.Dashboard
	others     []boards.Dashboard
	panels     list
	references []reference
}

func (b *builder) refer(refs ...reference) { b.references = append(b.references, refs...) }

func dashboard(d boards.Dashboard, all []boards.Dashboard) (object, error) {
	b := &builder{Dashboard: d, others: all}
	b.refer(toData(filterRef))
	controls := b.controls()
	if err := b.grid(); err != nil {
		return nil, err
	}
	return saved("dashboard", dashboardVersion, d.ID, object{
		"controlGroupInput": object{
			"chainingSystem": "HIERARCHICAL", "controlStyle": "oneLine",
			"ignoreParentSettingsJSON": object{
				"ignoreFilters": false, "ignoreQuery": false, "ignoreTimerange": false, "ignoreValidations": false,
			},
			"panelsJSON": controls, "showApplySelections": false,
		},
		"description": d.Description,
		"kibanaSavedObjectMeta": object{
			"searchSourceJSON": object{"filter": list{datasetFilter(d.Datasets)}, "query": kuery("")},
		},
		"optionsJSON": object{
			"hidePanelTitles": false, "syncColors": false, "syncCursor": true, "syncTooltips": false, "useMargins": true,
		},
		"panelsJSON": b.panels, "timeFrom": "now-7d", "timeRestore": true, "timeTo": "now", "title": d.Title, "version": 3,
	}, b.references), nil
}

func (b *builder) controls() object {
	out := object{}
	for i, c := range b.Controls {
		out[c.ID] = object{
			"explicitInput": object{
				"dataViewId": dataView, "fieldName": c.Field, "searchTechnique": "wildcard", "selectedOptions": list{},
				"sort": object{"by": "_count", "direction": "desc"}, "title": c.Label,
			},
			// Five of medium width wrap into a second row.
			"grow": true, "order": i, "type": "optionsListControl", "width": "small",
		}
		b.refer(toData("controlGroup_" + c.ID + ":optionsListDataView"))
	}
	return out
}

// grid lays the rows out from top to bottom, the panels of a row from left to right.
func (b *builder) grid() error {
	y := 0
	for _, row := range b.Rows {
		x := 0
		for _, p := range row.Panels {
			panel, err := b.panel(p)
			if err != nil {
				return fmt.Errorf("panel %s: %w", p.ID, err)
			}
			panel["gridData"] = object{"h": row.Height, "i": p.ID, "w": p.Width, "x": x, "y": y}
			panel["panelIndex"], panel["title"] = p.ID, p.Question
			b.panels = append(b.panels, panel)
			x += p.Width
		}
		if x != boards.Columns {
			return fmt.Errorf("the row at %d is %d wide, want %d", y, x, boards.Columns)
		}
		y += row.Height
	}
	return nil
}

// panel is everything about a panel but its place.
func (b *builder) panel(p boards.Panel) (object, error) {
	config := object{"enhancements": object{}}
	if hint := b.HintOf(p); hint != "" {
		config["description"] = hint
	}
	out := object{"embeddableConfig": config, "type": "lens"}
	switch p.Kind {
	case boards.Text:
		out["type"], config["hidePanelTitles"], config["savedVis"] = "visualization", true, markdown(b.Text(p))
	case boards.Links:
		// With a title there is no room for the fourth link.
		out["type"], config["hidePanelTitles"], config["attributes"] = "links", true, b.links(p)
	case boards.Events:
		out["type"], out["panelRefName"] = "search", "panel_"+p.ID
		b.refer(reference{p.Search, p.ID + ":panel_" + p.ID, "search"})
	case boards.Map:
		out["type"], config["attributes"] = "map", b.worldMap(p)
		for key, value := range mapView() {
			config[key] = value
		}
	default:
		chart, err := b.lens(p)
		if err != nil {
			return nil, err
		}
		config["attributes"], config["enhancements"] = chart, b.drilldowns(p)
		config["syncColors"], config["syncCursor"], config["syncTooltips"] = false, true, false
		if p.Kind == boards.Number {
			config["hidePanelTitles"] = true // the tile has a label of its own
		}
	}
	return out, nil
}

func markdown(text string) object {
	return object{
		"data":        object{"aggs": list{}, "searchSource": object{"filter": list{}, "query": kuery("")}},
		"description": "", "id": "",
		"params": object{"fontSize": 12, "markdown": text, "openLinksInNewTab": false},
		"title":  "", "type": "markdown", "uiState": object{},
	}
}

// links lead to all dashboards, also to this one, so that they stand in the same place on each. The chosen time goes
// along. Filters do not: those of one event type would leave nothing of another.
func (b *builder) links(p boards.Panel) object {
	var links list
	for i, d := range b.others {
		id := fmt.Sprintf("to-%d", i+1)
		links = append(links, object{
			"destinationRefName": "link_" + id + "_dashboard", "id": id, "label": d.Name, "order": i, "type": "dashboardLink",
			"options": object{"openInNewTab": false, "useCurrentDateRange": true, "useCurrentFilters": false},
		})
		b.refer(reference{d.ID, p.ID + ":link_" + id + "_dashboard", "dashboard"})
	}
	return object{"layout": "vertical", "links": links}
}

// drilldowns take the value that was clicked, and the chosen time, to other dashboards, and nothing else: a filter or
// control that chooses one event type would leave nothing of another.
func (b *builder) drilldowns(p boards.Panel) object {
	if len(p.Leads) == 0 {
		return object{}
	}
	var events list
	for i, id := range p.Leads {
		event := fmt.Sprintf("to-%d", i+1)
		events = append(events, object{
			"action": object{
				"config":    object{"openInNewTab": false, "useCurrentDateRange": true, "useCurrentFilters": false},
				"factoryId": "DASHBOARD_TO_DASHBOARD_DRILLDOWN", "name": "Go to " + b.nameOf(id),
			},
			"eventId": event, "triggers": list{"FILTER_TRIGGER"},
		})
		b.refer(reference{id, p.ID + ":drilldown:DASHBOARD_TO_DASHBOARD_DRILLDOWN:" + event + ":dashboardId", "dashboard"})
	}
	return object{"dynamicActions": object{"events": events}}
}

func (b *builder) nameOf(id string) string {
	for _, d := range b.others {
		if d.ID == id {
			return d.Name
		}
	}
	return id
}
