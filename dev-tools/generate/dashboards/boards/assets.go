// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the package has for Kibana besides dashboards and searches: data views and templates of alerting rules.

package boards

// DataView is the data view of one data stream.
type DataView struct {
	ID, Pattern, Dataset string
	Labels               map[string]string // what Kibana shows instead of a field's name
}

// DataViews returns one data view for each data stream. Fleet makes the one for all logs.
func DataViews() []DataView {
	view := func(id, dataset string) DataView {
		return DataView{ID: id, Pattern: "logs-" + dataset + "-*", Dataset: dataset, Labels: labels}
	}
	return []DataView{
		view("1password-logs-audit-events", Audit),
		view("1password-logs-item-usages", Usage),
		view("1password-logs-signin-attempts", SignIn),
	}
}

// labels are the names of the columns of the saved searches.
var labels = map[string]string{
	"event.outcome":                    "Outcome",
	"event.reason":                     "Reason",
	"group.id":                         "Group id",
	"group.name":                       "Group",
	"onepassword.item.title":           "Item",
	"onepassword.vault.name":           "Vault",
	"onepassword.action_name":          "Action",
	"onepassword.aux_info":             "Detail",
	"onepassword.client.platform_name": "Device",
	"onepassword.details.value":        "Matched",
	"onepassword.item_uuid":            "Item id",
	"onepassword.object_uuid":          "Object id",
	"onepassword.vault_uuid":           "Vault id",
	"source.geo.country_name":          "Country",
	"source.ip":                        "Address",
	"user.email":                       "User",
	"user.full_name":                   "Name",
	"user.target.email":                "To whom",
	"user.target.full_name":            "To whom (name)",
	"user.target.id":                   "To whom (id)",
	"user_agent.name":                  "App",
	"user_agent.version":               "App version",
}

// Alert is a template of an alerting rule that runs a query in ES|QL: each row of its answer is an alert.
type Alert struct {
	ID, Name, Query, Every string
	Days                   int // how far back the query reads
}

// Alerts returns the templates of alerting rules.
func Alerts() []Alert {
	return []Alert{{
		// Detection rules cannot see what is absent. When an event arrived is in event.ingested, which an ingest pipeline
		// sets, else in event.created, which the collector sets.
		ID: "1password-stream-silent", Name: "[1Password] A data stream is silent", Every: "1h", Days: 7,
		Query: "FROM logs-1password.*-*\n" +
			"| EVAL arrived = COALESCE(event.ingested, event.created, @timestamp)\n" +
			"| STATS last_arrival = MAX(arrived), events = COUNT(*) BY data_stream.dataset, data_stream.namespace\n" +
			"| WHERE last_arrival < NOW() - 24 hours\n" +
			"| KEEP data_stream.dataset, data_stream.namespace, last_arrival, events",
	}}
}
