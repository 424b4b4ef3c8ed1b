// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The client: the 1Password app and the machine from which a person signed in or used an item.

package ecs

import (
	"onepasswordbeat/module/internal/decode"
)

// deviceApps lists the apps whose platform_name is the name of the machine they run on; with the others it is a
// browser or a product.
var deviceApps = map[string]bool{
	"1Password for Mac":     true,
	"1Password for Windows": true,
	"1Password for Linux":   true,
	"1Password CLI":         true,
}

// ClientSchema describes the API's client object. The app and platform stay under onepassword.client, as in
// Elastic's integration; the operating system and the address move.
func ClientSchema() *decode.Field {
	return &decode.Field{Kind: decode.Object, Object: decode.Schema{
		"app_name":         {Slot: App},
		"app_version":      {Slot: AppVersion},
		"platform_name":    {Slot: Platform},
		"platform_version": {},
		"os_name":          {Slot: OS, Moved: true},
		"os_version":       {Slot: OSVersion, Moved: true},
		"ip_address":       {Slot: IP, Moved: true},
	}}
}

// Client sets user_agent.* and host.os.* and, where the API tells it, the device's name.
func (d *Doc) Client() {
	var agent, system map[string]any
	agent = set(agent, "name", d.Value(App))
	agent = set(agent, "version", d.Value(AppVersion))
	name, version := d.Value(OS), d.Value(OSVersion)
	system = set(system, "name", name)
	system = set(system, "version", version)
	if system != nil {
		d.fields["host"] = map[string]any{"os": system}
		full := map[string]any{}
		full = set(full, "name", name)
		full = set(full, "version", version)
		if name != nil && version != nil {
			full["full"] = d.Text(OS) + " " + d.Text(OSVersion)
		}
		if kind := osType(d.Text(OS)); kind != "" {
			full["type"] = kind
		}
		agent = set(agent, "os", full)
	}
	if device := d.Value(Platform); device != nil && deviceApps[d.Text(App)] {
		agent = set(agent, "device", map[string]any{"name": device})
		d.hosts = []string{d.Text(Platform)}
	}
	if agent != nil {
		d.fields["user_agent"] = agent
	}
}
