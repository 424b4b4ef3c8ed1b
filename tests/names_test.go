// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Names for ids: from the files of an input to the events that the beat writes.

package tests

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
)

// TestNames: vaults have names, a group's file that is missing is a warning and holds nothing up, and a file that is
// written later is used without a restart.
func TestNames(t *testing.T) {
	srv := eventsapitest.StartTB(t, eventsapitest.Config{Seed: 3, Backlog: eventsapitest.Each(20)})
	home := beattest.NewHome(t)
	var usage struct {
		Vault string `json:"vault_uuid"`
	}
	require.NoError(t, json.Unmarshal(srv.Event(eventsapitest.ItemUsages, 0), &usage))
	require.NotEmpty(t, usage.Vault)
	vaults := home.Write("vaults.json", `[{"id":"`+usage.Vault+`","name":"Servers","items":3}]`)
	items := home.Path("items.csv")
	home.Configure(beattest.Config{
		Inputs: []beattest.M{{
			"type": "onepassword", "url": srv.URL, "token": srv.Token(), "interval": "1s", "initial_interval": "2800h",
			"names": beattest.M{"vaults": vaults, "items": items},
		}},
		Output: beattest.FileOutput(home),
	})
	beat := home.Start()
	beat.WaitLog("names cannot be read", 20*time.Second)
	beat.Until(60*time.Second, "all events are written", func() bool { return len(home.Events()) >= 60 })
	assert.NotZero(t, named(t, home, usage.Vault, "Servers"))

	var later struct {
		Item string `json:"item_uuid"`
	}
	raw := srv.Event(eventsapitest.ItemUsages, 1)
	require.NoError(t, json.Unmarshal(raw, &later))
	before := beat.Log.Len()
	require.NoError(t, os.WriteFile(items+".new", []byte(later.Item+",Root account\n"), 0o600))
	require.NoError(t, os.Rename(items+".new", items))
	beat.WaitLogAfter(before, "names read", 30*time.Second)
	var event map[string]any
	require.NoError(t, json.Unmarshal(raw, &event))
	event["uuid"], event["timestamp"] = "NAMEDLATERAAAAAAAAAAAAAAAA", time.Now().UTC().Format(time.RFC3339Nano)
	raw, err := json.Marshal(event)
	require.NoError(t, err)
	srv.Publish(eventsapitest.ItemUsages, raw)
	beat.Until(30*time.Second, "the title is there", func() bool { return titled(t, home, "Root account") })
	beat.Terminate(15 * time.Second)
}

type namedEvent struct {
	Onepassword struct {
		VaultID string `json:"vault_uuid"`
		Vault   struct {
			Name string `json:"name"`
		} `json:"vault"`
		Item struct {
			Title string `json:"title"`
		} `json:"item"`
	} `json:"onepassword"`
}

func written(t *testing.T, home *beattest.Home) (all []namedEvent) {
	t.Helper()
	for _, e := range home.Events() {
		var n namedEvent
		require.NoError(t, json.Unmarshal(e.Raw, &n))
		all = append(all, n)
	}
	return all
}

// named counts the events of a vault, each of which must have its name, and no other.
func named(t *testing.T, home *beattest.Home, vault, name string) (count int) {
	t.Helper()
	for _, e := range written(t, home) {
		if e.Onepassword.VaultID == vault {
			count++
			assert.Equal(t, name, e.Onepassword.Vault.Name)
		} else {
			assert.Empty(t, e.Onepassword.Vault.Name)
		}
	}
	return count
}

func titled(t *testing.T, home *beattest.Home, title string) bool {
	t.Helper()
	for _, e := range written(t, home) {
		if e.Onepassword.Item.Title == title {
			return true
		}
	}
	return false
}
