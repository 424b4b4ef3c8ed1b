// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Addresses: the part of what the API calls ip that is an IP address.

package ecs

import (
	"net/netip"
	"strconv"
	"strings"
)

// address returns the IP address in a text: the text itself, or what stands before a port ("192.0.2.1:443",
// "[2001:db8::1]:443") or in brackets, where that is certain. It is "" for everything else: two addresses, an IPv6
// address with a zone, which Elasticsearch does not take, and the unspecified addresses 0.0.0.0 and ::, which are those
// of a client that has none.
func address(text string) string {
	part := text
	if inner, rest, ok := strings.Cut(strings.TrimPrefix(text, "["), "]"); ok && text[0] == '[' && strings.Contains(inner, ":") {
		if rest != "" && !isPort(strings.TrimPrefix(rest, ":")) || rest != "" && rest[0] != ':' {
			return ""
		}
		part = inner
	} else if host, port, ok := strings.Cut(text, ":"); ok && isPort(port) {
		part = host
	}
	ip, err := netip.ParseAddr(part)
	if err != nil || ip.Zone() != "" || ip.IsUnspecified() {
		return ""
	}
	return part
}

// isPort reports whether a text is one to five digits, at most 65535.
func isPort(s string) bool {
	if s == "" || len(s) > 5 || strings.Trim(s, "0123456789") != "" {
		return false
	}
	n, err := strconv.Atoi(s)
	return err == nil && n <= 65535
}
