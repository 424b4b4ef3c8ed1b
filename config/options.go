// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The declarations: each setting of an input once, in the order in which the documentation shows them.

package config

import (
	"slices"
	"strings"
	"sync"
)

// Options returns the input's own settings, one for each key of Config.
func Options() []Option {
	var options []Option
	for _, section := range Sections() {
		options = append(options, section.Options...)
	}
	return options
}

// Section is a group of options under one heading.
type Section struct {
	Title   string
	Options []Option
}

// Sections returns Options in groups.
func Sections() []Section { return slices.Clone(completeSections()) }

// completeSections takes the defaults over from Default, so that they are written down once.
var completeSections = sync.OnceValue(func() []Section {
	defaults := defaultValues()
	sections := slices.Clone(inputSections)
	for i := range sections {
		sections[i].Options = slices.Clone(sections[i].Options)
		for j := range sections[i].Options {
			if option := &sections[i].Options[j]; option.Default == "" {
				option.Default = defaults[option.Key]
			}
		}
	}
	return sections
})

var inputSections = []Section{{Title: "Account", Options: []Option{
	{
		Key: "id", Type: Text, Example: "acme", Common: true,
		Summary: "Names the input. Required with several inputs.",
		Detail:  "1 to 128 of the characters `A-Z a-z 0-9 . _ -`. Cursors are stored under the id: an input with a new id starts over.",
	},
	{
		Key: "token", Type: Text, Example: `"${` + TokenVariable + `}"`, Common: true,
		Summary: "The bearer token of an Events Reporting integration. Exactly one of token and token_file is set.",
		Detail: "`${NAME}` is taken from the beat's keystore, or from the environment. Keep the token itself out of this file: " +
			"`./onepasswordbeat keystore create`, then `./onepasswordbeat keystore add " + TokenVariable + "`.",
	},
	{
		Key: "token_file", Type: Text, Example: "/run/secrets/onepassword_events_token",
		Summary: "A file that holds the token and nothing else.",
		Detail:  "It is read again when it changes, so that a rotated token needs no restart. Make it readable for the beat's user only.",
	},
	{
		Key: "url", Type: Text, Example: "https://events.1password.com", Common: true,
		Summary: "The server of the Events API. Default: the server that the token names.",
		Detail: "https://events.1password.com, https://events.ent.1password.com, https://events.1password.ca, https://events.1password.eu, https://events.ent.1password.eu: a token works on its own server only. " +
			"No path. http:// is accepted for this machine only (localhost, 127.0.0.1, [::1]).",
	},
}}, {Title: "What is fetched, and when", Options: []Option{
	{
		Key: "event_types", Type: List, Common: true,
		Summary: "The event types to fetch.",
		Detail:  "A type that the token does not grant is reported; the others are not affected.",
	},
	{
		Key: "interval", Type: Duration, Common: true,
		Summary: "Time between two polls, 1s to 24h.",
		Detail: "If a page announces more events, the next page is requested at once. Three event types at 5s need 36 requests per minute and 2160 per hour, " +
			"6 % and 7.2 % of the API's limits; at 1s 30 % and 36 %.",
	},
	{
		Key: "initial_interval", Type: Duration, Common: true,
		Summary: "How far back the first run collects events, at most 2880h (120 days), which is what the API keeps.",
		Detail:  "No effect once a cursor is stored; `./onepasswordbeat state reset` removes it.",
	},
	{
		Key: "limit", Type: Integer,
		Summary: "Maximum number of events per page, 1 to 1000.",
		Detail:  "The API keeps it in the cursor: a change takes effect after `./onepasswordbeat state reset`.",
	},
	{
		Key: "api_version", Type: Text,
		Summary: "The version of the API, v2 or v1.",
		Detail:  "v2 returns the same events with more fields.",
	},
	{
		Key: "rate_limit.requests_per_minute", Type: Integer,
		Summary: "Maximum number of requests per minute, for all event types and inputs with the same token. 0 disables this limit.",
		Detail:  "The default is the API's own limit. Lower it when another program uses the same token.",
	},
	{
		Key: "rate_limit.requests_per_hour", Type: Integer,
		Summary: "Maximum number of requests per hour, counted in the same way. 0 disables this limit.",
	},
}}, {Title: "Events and stopping", Options: []Option{
	{
		Key: "preserve_original_event", Type: Bool,
		Summary: "Keep the bytes that the API sent in event.original.",
		Detail:  "Roughly doubles the size of an event.",
	},
	{
		Key: "names.vaults", Type: Text, Example: "/etc/onepasswordbeat/vaults.json",
		Summary: "A file with the names of vaults, for onepassword.vault.name: what `op vault list --format json` writes, or CSV with id and name.",
		Detail: "It is read again when it changes. A file that others may write is rejected, and one that cannot be read makes the input Degraded: " +
			"collection goes on with the last names, or without. At most 200,000 entries.",
	},
	{
		Key: "names.groups", Type: Text, Example: "/etc/onepasswordbeat/groups.json",
		Summary: "The same for groups, for group.name: what `op group list --format json` writes.",
	},
	{
		Key: "names.items", Type: Text, Example: "/etc/onepasswordbeat/items.json",
		Summary: "The same for items, for onepassword.item.title: what `op item list --format json` writes.",
		Detail:  "Titles of items can be sensitive: every reader of the index can see them.",
	},
	{
		Key: "namespace", Type: Text,
		Summary: "The last part of the data stream's name, and data_stream.namespace.",
		Detail:  "Events go to `logs-1password.<event type>-<namespace>`. At most 100 bytes, lower case, no space and none of `\\ / * ? \" < > | , # : -`.",
	},
	{
		Key: "accept_failure_store", Type: Bool,
		Summary: "Accept that Elasticsearch stores events in the failure store of their data stream.",
		Detail:  "Otherwise the event type is Degraded while it does: such an event is not in the data stream, and no rule or dashboard sees it. It counts as delivered either way.",
	},
	{
		Key: "shutdown_timeout", Type: Duration,
		Summary: "How long a stop waits for the output to acknowledge events in flight.",
		Detail:  "Events without an acknowledgement are fetched again at the next start. 0 does not wait.",
	},
}}, {Title: "Connection", Options: []Option{
	{
		Key: "timeout", Type: Duration,
		Summary: "Timeout for a request, including reading the response.",
	},
	{
		Key: "idle_connection_timeout", Type: Duration,
		Summary: "How long an idle connection is kept open. 0 keeps it open without limit.",
		Detail:  "If it is shorter than interval, each poll needs a new connection.",
	},
	{
		Key: "proxy_url", Type: Text, Example: "http://proxy.example.com:3128",
		Summary: "URL of the proxy. Default: HTTPS_PROXY and NO_PROXY of the environment.",
		Detail:  "It may contain a user name and a password, as a variable of the keystore.",
	},
	{
		Key: "proxy_headers", Type: Map, Example: "{X-Site: north}",
		Summary: "Headers of the CONNECT request to the proxy.",
	},
	{
		Key: "proxy_disable", Type: Bool,
		Summary: "Use no proxy, and ignore those of the environment.",
	},
}}, {Title: "TLS", Options: []Option{
	{
		Key: "ssl.enabled", Type: Bool, Default: "true",
		Summary: "false ignores all other ssl settings. The URL decides whether the connection is encrypted.",
	},
	{
		Key: "ssl.verification_mode", Type: Text, Default: "full",
		Summary: "How the server's certificate is verified: full, strict, certificate (without the host name), or none.",
		Detail:  "With none, anybody between the beat and the server can read the token.",
	},
	{
		Key: "ssl.certificate_authorities", Type: List, Example: `["/etc/pki/root/ca.pem"]`,
		Summary: "Files or PEM texts of the certificate authorities (CAs) to trust, instead of the system's.",
		Detail:  "Needed for a proxy that decrypts the traffic.",
	},
	{
		Key: "ssl.ca_trusted_fingerprint", Type: Text, Example: "4c85b7ff5f2d4c1d9d3f3b6f0d7f3b0b8e8a6c1f5a2f5c9c6f1e0d2b3a4c5d6e",
		Summary: "SHA-256 of a certificate authority, hexadecimal, that is trusted if the server presents it.",
	},
	{
		Key: "ssl.ca_sha256", Type: List, Example: `["aDmfvQhWT8eKtFwZ2mHVGTO4Ll4kF3tV2wVnV1qXc0g="]`,
		Summary: "Base64 SHA-256 pins: the chain must hold a certificate authority with one of these public keys.",
	},
	{
		Key: "ssl.certificate", Type: Text, Example: `"/etc/pki/client/cert.pem"`,
		Summary: "File or PEM text of a client certificate, for a proxy that asks for one.",
	},
	{
		Key: "ssl.key", Type: Text, Example: `"/etc/pki/client/cert.key"`,
		Summary: "File or PEM text of the client certificate's key.",
	},
	{
		Key: "ssl.key_passphrase", Type: Text, Example: `"${CLIENT_KEY_PASSPHRASE}"`,
		Summary: "The passphrase of the key.",
	},
	{
		Key: "ssl.key_passphrase_path", Type: Text, Example: "/run/secrets/client_key_passphrase",
		Summary: "A file with the passphrase of the key.",
	},
	{
		Key: "ssl.supported_protocols", Type: List, Default: "[TLSv1.2, TLSv1.3]",
		Summary: "The TLS versions to offer, TLSv1.2 or newer.",
	},
	{
		Key: "ssl.cipher_suites", Type: List, Example: "[ECDHE-ECDSA-AES-256-GCM-SHA384, ECDHE-RSA-AES-256-GCM-SHA384]",
		Summary: "The cipher suites for TLSv1.2. Default: Go's choice.",
	},
	{
		Key: "ssl.curve_types", Type: List, Example: "[P-256, P-384]",
		Summary: "The elliptic curves for the key exchange. Default: Go's choice.",
	},
	{
		Key: "ssl.renegotiation", Type: Text, Default: "never",
		Summary: "Whether the server may renegotiate: never, once or freely.",
	},
}}}

// CommonOptions returns the settings that every Filebeat input has and that libbeat provides.
func CommonOptions() []Option { return slices.Clone(commonOptions) }

var commonOptions = []Option{
	{
		Key: "type", Type: Text, Default: "onepassword",
		Summary: "The type of the input, always onepassword.",
	},
	{
		Key: "enabled", Type: Bool, Default: "true",
		Summary: "false disables the input and keeps its cursors.",
	},
	{
		Key: "tags", Type: List, Example: "[production, eu]",
		Summary: "Tags for each event, in addition to forwarded.",
	},
	{
		Key: "fields", Type: Map, Example: "{team: identity}",
		Summary: "Fields to add to each event, below fields.",
	},
	{
		Key: "fields_under_root", Type: Bool, Default: "false",
		Summary: "Add them at the top of the event instead. They win over fields of the same name.",
	},
	{
		Key: "processors", Type: List, Example: "[{drop_fields: {fields: [source.geo]}}]",
		Summary: "Processors for this input's events. An event that they drop counts as delivered.",
	},
	{
		Key: "index", Type: Text, Example: "logs-1password.custom-default",
		Summary: "The data stream or index for this input's events, instead of `logs-1password.<event type>-<namespace>`.",
		Detail:  "Format strings such as `%{[event.dataset]}` are possible. The beat's index template applies to `logs-1password.*-*` only.",
	},
	{
		Key: "pipeline", Type: Text, Example: "my-pipeline",
		Summary: "An ingest pipeline of Elasticsearch for this input's events. It must exist, otherwise Elasticsearch rejects the events.",
	},
	{
		Key: "publisher_pipeline.disable_host", Type: Bool, Default: "true",
		Summary: "false adds the host on which the beat runs as host.name, which is not where the event happened.",
	},
	{
		Key: "keep_null", Type: Bool, Default: "false",
		Summary: "Keep fields whose value is null. Only processors create such fields.",
	},
}

// allOptions are those of the input, and then the common ones.
func allOptions() []Option { return slices.Concat(Options(), CommonOptions()) }

// optionByKey finds an option of the input or a common one.
func optionByKey(key string) (Option, bool) {
	for _, option := range allOptions() {
		if option.Key == key {
			return option, true
		}
	}
	return Option{}, false
}

// exampleOf is the line of the first option whose key begins with prefix.
func exampleOf(prefix string) string {
	for _, option := range allOptions() {
		if strings.HasPrefix(option.Key, prefix) {
			return option.line()
		}
	}
	return prefix
}
