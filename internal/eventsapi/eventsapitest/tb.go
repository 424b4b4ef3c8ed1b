// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The simulator in a test.

package eventsapitest

import (
	"os"
	"path/filepath"
	"testing"
)

// StartTB starts a simulator for the length of a test. With TLS, CAFile names a
// file with the CA.
func StartTB(tb testing.TB, cfg Config) *Server {
	tb.Helper()
	s, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	srv, err := s.Start(tb.Context(), "")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := srv.Close(); err != nil {
			tb.Errorf("close the events API simulator: %v", err)
		}
	})
	if srv.CA != nil {
		srv.CAFile = filepath.Join(tb.TempDir(), "simulator-ca.pem")
		if err := os.WriteFile(srv.CAFile, srv.CA, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return srv
}
