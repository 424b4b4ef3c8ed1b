// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The words of a server, a proxy or an error, made fit for one line of a log: short, printable, without secrets.

package eventsapi

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"

	"onepasswordbeat/internal/safetext"
)

// maxMessageBytes is how much of a server's explanation an error holds. An error with its advice stays below 1 KiB.
const maxMessageBytes = 512

var (
	titlePattern  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	scriptPattern = regexp.MustCompile(`(?is)<(script|style)\b.*?(</(script|style)>|$)`)
	tagPattern    = regexp.MustCompile(`(?s)<[^>]*>`)
)

// sanitize makes one line of a text, without the secrets and without the user name and password of a URL.
func sanitize(text string, secrets ...string) string {
	return safetext.Clean(text, maxMessageBytes, secrets...)
}

// bodyMessage returns the explanation in the body of an error status, sanitized, and whether the body is an HTML page, which the API never sends.
// Known bodies: {"Error":{"Message":"Bad Request"}} (live), {"status":401,"message":"..."} (reference), plain text (404), nothing, and what proxies answer.
func bodyMessage(body []byte, secrets ...string) (message string, isHTML bool) {
	body = trimBody(body)
	if len(body) > 0 && body[0] == '<' {
		return sanitize(htmlMessage(string(body)), secrets...), true
	}
	text := jsonMessage(body)
	if text == "" {
		text = string(body)
	}
	return sanitize(text, secrets...), false
}

// jsonMessage finds the explanation in a JSON error body; empty if there is none. Case does not count, as always in encoding/json.
func jsonMessage(body []byte) string {
	var v struct {
		Error   json.RawMessage `json:"error"`
		Message json.RawMessage `json:"message"`
	}
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	for _, raw := range []json.RawMessage{v.Error, v.Message} {
		var text string
		if json.Unmarshal(raw, &text) == nil && text != "" {
			return text
		}
		var nested struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(raw, &nested) == nil && nested.Message != "" {
			return nested.Message
		}
	}
	return ""
}

// htmlMessage returns the title of an HTML page, or else its text.
func htmlMessage(page string) string {
	text := ""
	if m := titlePattern.FindStringSubmatch(page); m != nil {
		text = m[1]
	}
	if strings.TrimSpace(text) == "" {
		text = tagPattern.ReplaceAllString(scriptPattern.ReplaceAllString(page, " "), " ")
	}
	if text = strings.TrimSpace(html.UnescapeString(text)); text == "" {
		return "an HTML page, from a proxy?"
	}
	return "an HTML page, from a proxy? " + text
}

// isAPIError is whether the body of an error status has a form that the API uses: {"Error":{"Message":"..."}} (seen), or
// {"status":400,"message":"..."} with the status of the response (reference).
func isAPIError(body []byte, status int) bool {
	var v struct {
		Error *struct {
			Message string `json:"Message"`
		} `json:"Error"`
		Status  int    `json:"status"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &v) != nil {
		return false
	}
	return v.Error != nil && v.Error.Message != "" || v.Status == status && v.Message != ""
}
