// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The claims of a token. Events Reporting tokens are JWTs whose signature only 1Password can check; what they claim is good enough to
// find the server and to say early what will not work.

package eventsapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"onepasswordbeat/internal/safetext"
)

const (
	claimFeatures = "1password.com/fts"
	claimAccount  = "1password.com/auuid"
	// deprecatedAudience stands in old tokens in the place of a server.
	deprecatedAudience = "com.1password.streamingservice"
)

// ErrTokenNoURL is the error for a token of the deprecated kind, which names no server.
var ErrTokenNoURL = errors.New("the token is of an old kind that does not name its server: set `url`, or create a new token at 1Password (Integrations > Events Reporting)")

// Claims are what a token says about itself. They are not verified.
type Claims struct {
	// Server is the base URL that the token is for.
	Server string
	// Features are the event types granted, by their API paths; nil if the token does not say.
	Features []string
	// AccountUUID and Subject, the integration's UUID, are empty if the token does not say.
	AccountUUID, Subject string
	// IssuedAt and ExpiresAt are zero if the token does not say; a token without ExpiresAt does not expire.
	IssuedAt, ExpiresAt time.Time
}

// ParseToken reads the claims of a token, without verifying its signature. When only the server is missing or unusable (ErrTokenNoURL
// is one such error), the other claims are returned with the error. No error contains any part of the token.
func ParseToken(token string) (Claims, error) {
	token, err := NormalizeToken(token)
	if err != nil {
		return Claims{}, err
	}
	raw, err := payload(token)
	if err != nil {
		return Claims{}, err
	}
	c := Claims{
		AccountUUID: safetext.Short(claim[string](raw, claimAccount), maxNameBytes),
		Subject:     safetext.Short(claim[string](raw, "sub"), maxNameBytes),
		Features:    cleanNames(claim[[]string](raw, claimFeatures)),
		IssuedAt:    claimTime(raw, "iat"),
		ExpiresAt:   claimTime(raw, "exp"),
	}
	host, err := audience(raw["aud"])
	if err != nil {
		return c, err
	}
	c.Server = "https://" + host
	return c, nil
}

// payload returns the middle part of a JWT, decoded.
func payload(token string) (map[string]json.RawMessage, error) {
	if token == "" {
		return nil, errors.New("the token is empty")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("the token is not an Events Reporting token: a token has 3 parts between dots, this one has %d (was it copied whole?)", len(parts))
	}
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return nil, errors.New("the token cannot be read: its claims are not base64 (was it copied whole?)")
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(data, &raw) != nil || raw == nil {
		return nil, errors.New("the token cannot be read: its claims are not a JSON object (was it copied whole?)")
	}
	return raw, nil
}

// claim returns an optional claim, and nothing if it is absent or of another type: what a token may grant, the server decides.
func claim[T any](raw map[string]json.RawMessage, name string) T {
	var v, none T
	if data, ok := raw[name]; !ok || json.Unmarshal(data, &v) != nil {
		return none
	}
	return v
}

// claimTime reads a NumericDate of RFC 7519: seconds since 1970, possibly with a fraction.
func claimTime(raw map[string]json.RawMessage, name string) time.Time {
	const lastSecond = 253402300799 // of the year 9999
	seconds := claim[float64](raw, name)
	if seconds <= 0 || seconds > lastSecond {
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC()
}

// audience returns the host in the aud claim: an array of exactly one bare host, or that host alone, as RFC 7519 allows.
func audience(raw json.RawMessage) (string, error) {
	var list []string
	var single string
	if json.Unmarshal(raw, &single) == nil && single != "" {
		list = []string{single}
	} else if json.Unmarshal(raw, &list) != nil {
		return "", errors.New("the token names no server: set `url`")
	}
	switch {
	case slices.Contains(list, deprecatedAudience):
		return "", ErrTokenNoURL
	case len(list) != 1:
		return "", fmt.Errorf("the token names %d servers instead of one: set `url`", len(list))
	case !plausibleHost(list[0]):
		return "", errors.New("the token names a server that is not a host name: set `url`")
	}
	return strings.ToLower(list[0]), nil
}
