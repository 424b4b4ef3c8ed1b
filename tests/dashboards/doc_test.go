// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package dashboards asks an OpenSearch node what Kibana would ask Elasticsearch for every panel of the dashboards, over
// simulated events, and compares answers with numbers counted from the events as the API sends them.
package dashboards
