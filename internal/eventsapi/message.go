// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The words of a server, a proxy or an error, made fit for one line of a log: short, printable, without secrets.

package eventsapi

import (
	"bytes"
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"unicode"
)

const (
	maxMessageRunes = 200
	redacted        = "[redacted]"
	// minSecretPart is the length from which a part of a token is kept out of messages by itself.
	minSecretPart = 8
)

var (
	// Each JWT begins with the base64 of `{"`; a part of one, cut off anywhere, is caught by that.
	jwtPattern      = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)*`)
	userinfoPattern = regexp.MustCompile(`//[^/\s"'<>]*@`)
	titlePattern    = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	scriptPattern   = regexp.MustCompile(`(?is)<(script|style)\b.*?(</(script|style)>|$)`)
	tagPattern      = regexp.MustCompile(`(?s)<[^>]*>`)
)

// sanitize makes one line of a text, at most maxMessageRunes long, without the token and without the user name and password of a URL.
func sanitize(text, token string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.Join(strings.Fields(text), " ")
	text = redact(text, token)
	if runes := []rune(text); len(runes) > maxMessageRunes {
		text = string(runes[:maxMessageRunes-1]) + "…"
	}
	return text
}

func redact(text, token string) string {
	if token != "" {
		text = strings.ReplaceAll(text, token, redacted)
	}
	text = jwtPattern.ReplaceAllString(text, redacted)
	for part := range strings.SplitSeq(token, ".") {
		if len(part) >= minSecretPart {
			text = strings.ReplaceAll(text, part, redacted)
		}
	}
	return userinfoPattern.ReplaceAllString(text, "//"+redacted+"@")
}

// bodyMessage returns the explanation in the body of an error status, sanitized, and whether the body is an HTML page, which the API never sends.
// Known bodies: {"Error":{"Message":"Bad Request"}} (live), {"status":401,"message":"..."} (reference), plain text (404), nothing, and what proxies answer.
func bodyMessage(body []byte, token string) (message string, isHTML bool) {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '<' {
		return sanitize(htmlMessage(string(body)), token), true
	}
	text := jsonMessage(body)
	if text == "" {
		text = string(body)
	}
	return sanitize(text, token), false
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
