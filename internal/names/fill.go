// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The fields: onepassword.vault.name, onepassword.item.title and group.name of an event that has the id.

package names

import "github.com/elastic/elastic-agent-libs/mapstr"

// Fill adds the names that are known of an event's vault, item and group. It changes nothing else.
func (n *Names) Fill(fields mapstr.M) {
	onepassword, _ := fields["onepassword"].(map[string]any)
	set(onepassword, "vault_uuid", onepassword, "vault", "name", n.vaults.table.Load())
	set(onepassword, "item_uuid", onepassword, "item", "title", n.items.table.Load())
	if group, ok := fields["group"].(map[string]any); ok {
		if id, _ := group["id"].(string); id != "" {
			if name := n.groups.table.Load().name(id); name != "" {
				group["name"] = name
			}
		}
	}
}

// set puts the name of the id at idKey under object.key.
func set(ids map[string]any, idKey string, into map[string]any, object, key string, names *table) {
	id, _ := ids[idKey].(string)
	if id == "" {
		return
	}
	name := names.name(id)
	if name == "" {
		return
	}
	if there, ok := into[object].(map[string]any); ok {
		there[key] = name
		return
	}
	into[object] = map[string]any{key: name}
}
