// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Bearer tokens: JSON Web Tokens signed with ES256, with the claims of real ones.

package eventsapitest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"
)

// DeprecatedAudience is the audience of old tokens, which name no server.
const DeprecatedAudience = "com.1password.streamingservice"

type claims struct {
	Audience []string    `json:"aud"`
	Features []EventType `json:"1password.com/fts"`
	Account  string      `json:"1password.com/auuid,omitempty"`
	Subject  string      `json:"sub"`
	Issuer   string      `json:"iss"`
	ID       string      `json:"jti"`
	IssuedAt int64       `json:"iat"`
	Expires  int64       `json:"exp,omitempty"`
}

// TokenOption changes a token that is being made.
type TokenOption func(*claims)

// WithFeatures grants exactly these event types. Default: all three.
func WithFeatures(features ...EventType) TokenOption {
	return func(c *claims) { c.Features = append([]EventType{}, features...) }
}

// WithExpiry makes the token expire. Default: never.
func WithExpiry(t time.Time) TokenOption {
	return func(c *claims) { c.Expires = t.Unix() }
}

// WithAccount makes it a token of another account, which has events of its own.
func WithAccount(account string) TokenOption {
	return func(c *claims) { c.Account = account }
}

// WithoutAccount leaves the claim that names the account out, as tokens of old do. The account is the simulator's own.
func WithoutAccount() TokenOption {
	return func(c *claims) { c.Account = "" }
}

// WithAudience replaces the audience, by default the simulator's host and port.
func WithAudience(hosts ...string) TokenOption {
	return func(c *claims) { c.Audience = append([]string{}, hosts...) }
}

// tokenBook remembers what happened to tokens after they were made, and which
// ones were verified already.
type tokenBook struct {
	mu       sync.Mutex
	made     int
	revoked  map[string]bool
	features map[string][]EventType
	verified map[string]*claims
}

const maxVerified = 1000

// Token makes a token. Simulators with the same seed accept each other's tokens,
// so one outlives a restart; the n-th token of equal simulators is the same.
func (s *Simulator) Token(opts ...TokenOption) string {
	s.tokens.mu.Lock()
	s.tokens.made++
	r := rng(mix(uint64(s.cfg.Seed)+uint64(s.tokens.made), saltToken))
	s.tokens.mu.Unlock()

	c := claims{
		Audience: []string{s.Host()},
		Features: Types(),
		Account:  s.id,
		Subject:  string(appendID(nil, &r, upper)),
		Issuer:   "com.1password.b5",
		ID:       string(appendID(nil, &r, lower)),
		IssuedAt: s.cfg.Epoch.Add(-s.cfg.BacklogSpan).Unix(),
	}
	for _, opt := range opts {
		opt(&c)
	}
	return s.sign(c, string(appendID(nil, &r, lower)))
}

func (s *Simulator) sign(c claims, kid string) string {
	header := `{"alg":"ES256","kid":"` + kid + `","typ":"JWT"}`
	payload, err := json.Marshal(c)
	if err != nil { // claims hold nothing that cannot be marshalled
		return ""
	}
	enc := base64.RawURLEncoding
	text := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString(payload)
	sum := sha256.Sum256([]byte(text))
	der, err := s.key.Sign(nil, sum[:], crypto.SHA256) // no randomness: RFC 6979
	if err != nil {
		return ""
	}
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return ""
	}
	raw := make([]byte, 64) // RFC 7518: both numbers, 32 bytes each
	sig.R.FillBytes(raw[:32])
	sig.S.FillBytes(raw[32:])
	return text + "." + enc.EncodeToString(raw)
}

// Revoke makes the API reject the token from now on.
func (s *Simulator) Revoke(token string) {
	if c, ok := s.verify(token); ok {
		s.tokens.mu.Lock()
		defer s.tokens.mu.Unlock()
		if s.tokens.revoked == nil {
			s.tokens.revoked = make(map[string]bool)
		}
		s.tokens.revoked[c.ID] = true
	}
}

// SetFeatures changes what a token grants while it is in use, whatever its
// claims say.
func (s *Simulator) SetFeatures(token string, features ...EventType) {
	if c, ok := s.verify(token); ok {
		s.tokens.mu.Lock()
		defer s.tokens.mu.Unlock()
		if s.tokens.features == nil {
			s.tokens.features = make(map[string][]EventType)
		}
		s.tokens.features[c.ID] = append([]EventType{}, features...)
	}
}

// authenticate returns the claims behind an Authorization header, with the
// features that count now; false for a token that is no longer or never was one.
func (s *Simulator) authenticate(header string, now time.Time) (claims, bool) {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return claims{}, false
	}
	verified, ok := s.verify(token)
	if !ok {
		return claims{}, false
	}
	c := *verified
	if c.Account == "" {
		c.Account = s.id
	}
	if c.Expires != 0 && now.Unix() >= c.Expires {
		return claims{}, false
	}
	if s.cfg.StrictAudience && !slices.Contains(c.Audience, s.Host()) {
		return claims{}, false
	}
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	if features, ok := s.tokens.features[c.ID]; ok {
		c.Features = features
	}
	return c, !s.tokens.revoked[c.ID]
}

// verify checks form and signature.
func (s *Simulator) verify(token string) (*claims, bool) {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	if c, ok := s.tokens.verified[token]; ok {
		return c, true
	}
	c, ok := checkSignature(&s.key.PublicKey, token)
	if !ok {
		return nil, false
	}
	if s.tokens.verified == nil || len(s.tokens.verified) >= maxVerified {
		s.tokens.verified = make(map[string]*claims)
	}
	s.tokens.verified[token] = c
	return c, true
}

func checkSignature(key *ecdsa.PublicKey, token string) (*claims, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	enc := base64.RawURLEncoding.Strict()
	signature, err := enc.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return nil, false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, t := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key, sum[:], r, t) {
		return nil, false
	}
	payload, err := enc.DecodeString(parts[1])
	if err != nil {
		return nil, false
	}
	c := new(claims)
	return c, json.Unmarshal(payload, c) == nil
}

// signingKey makes a P-256 key from the seed: these tokens open nothing real.
func signingKey(seed int64) (*ecdsa.PrivateKey, error) {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("token key "), uint64(seed)))
	sum[0] &= 0x7f // below the order of the curve
	return ecdsa.ParseRawPrivateKey(elliptic.P256(), sum[:])
}
