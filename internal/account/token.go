// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Where the token comes from.

package account

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"slices"
	"sync"

	"onepasswordbeat/internal/eventsapi"
)

// credentials are a token and what it says.
type credentials struct {
	token      string
	generation uint64 // of the token, see TokenGeneration
	server     string
	claims     eventsapi.Claims
}

// grants rejects a request for an event type that the token says it lacks.
func (c credentials) grants(path string) error {
	if c.claims.Features == nil || slices.Contains(c.claims.Features, path) {
		return nil
	}
	return &eventsapi.Error{
		Class:   eventsapi.Forbidden,
		Message: fmt.Sprintf("the token does not grant this event type (%s), it grants %v", path, c.claims.Features),
		Host:    hostOf(c.server),
		Path:    path,
	}
}

func tokenError(err error) error {
	var e *eventsapi.Error
	if errors.As(err, &e) {
		return err
	}
	return &eventsapi.Error{Class: eventsapi.Token, Message: err.Error(), Err: err}
}

// source reads the token from the configuration or from its file. The file is read
// for each request: it is small, and neither its time nor its size tells one token
// from the next for certain. It is safe for concurrent use.
type source struct {
	url   string
	token string
	file  string

	mu   sync.Mutex
	last credentials // of the token that was parsed last

	readableByOthers bool // the file is
}

func newSource(opts Options) *source {
	return &source{url: opts.URL, token: opts.Token.Reveal(), file: opts.TokenFile}
}

// read returns the current token, with its claims where they can be read.
func (s *source) read() (credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, err := s.text()
	if err != nil {
		return credentials{}, err
	}
	if token != "" && token == s.last.token {
		return s.last, nil
	}
	cred, err := s.parse(token)
	if err != nil && s.file != "" {
		err = fmt.Errorf("token_file %s: %w", s.file, err)
	}
	if err == nil {
		cred.generation = s.last.generation + 1
		s.last = cred
	}
	return cred, err
}

// text returns the token that stands in the configuration or the file.
func (s *source) text() (string, error) {
	if s.file == "" {
		return eventsapi.NormalizeToken(s.token)
	}
	info, err := os.Stat(s.file)
	if err != nil {
		return "", fmt.Errorf("token_file can't be read: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("token_file %s is not a regular file", s.file) // a pipe would block, and is empty the next time
	}
	if info.Size() > eventsapi.MaxTokenBytes {
		return "", fmt.Errorf("token_file %s holds no token: it has %d bytes", s.file, info.Size())
	}
	raw, err := os.ReadFile(s.file)
	if err != nil {
		return "", fmt.Errorf("token_file can't be read: %w", err)
	}
	s.readableByOthers = runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0
	token, err := eventsapi.NormalizeToken(string(raw))
	if err != nil {
		return "", fmt.Errorf("token_file %s: %w", s.file, err)
	}
	return token, nil
}

// parse reads a token's claims. A token whose claims can't be read still works
// where the configuration names the server.
func (s *source) parse(token string) (credentials, error) {
	if token == "" {
		return credentials{}, errors.New("there is no token: add it to the keystore (`onepasswordbeat keystore add`) or to token_file")
	}
	claims, err := eventsapi.ParseToken(token)
	if err != nil && s.url == "" {
		return credentials{}, fmt.Errorf("%w: set `url` to your region's server if the token is right", err)
	}
	server := s.url
	if server == "" {
		server = claims.Server
	}
	return credentials{token: token, server: server, claims: claims}, nil
}

// warning returns what is wrong with the token file and does not keep it from being used; "" if nothing is. A file that its
// group can read is fine: so Kubernetes mounts a Secret with defaultMode 0440 and an fsGroup.
func (s *source) warning() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readableByOthers {
		return ""
	}
	return fmt.Sprintf("token_file %s can be read by every user of this machine: remove that permission (chmod o-rwx)", s.file)
}

func hostOf(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return ""
	}
	return u.Host
}
