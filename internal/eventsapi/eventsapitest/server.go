// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The simulator behind a listener.

package eventsapitest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a simulator that listens.
type Server struct {
	*Simulator
	URL    string // http://127.0.0.1:port, or https
	CA     []byte // PEM of the CA to trust; nil without TLS
	CAFile string // a file with CA; only StartTB writes one

	http     *http.Server
	serving  sync.WaitGroup // the accept loop
	handlers sync.WaitGroup
	served   error
}

const localAddress = "127.0.0.1:0"

// Start listens on address, by default on a free port of 127.0.0.1. The context
// bounds nothing but the opening of the listener. A simulator may be started
// several times, also at the address of a server that was closed.
func (s *Simulator) Start(ctx context.Context, address string) (*Server, error) {
	if address == "" {
		address = localAddress
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("events API simulator: %w", err)
	}
	s.serveAt(ln.Addr().String())
	srv := &Server{Simulator: s, URL: "http://" + ln.Addr().String()}
	srv.http = &http.Server{
		Handler:           srv.counted(s),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // resets and cut bodies are wanted
	}
	if s.cfg.TLS {
		if err := srv.secure(); err != nil {
			return nil, errors.Join(fmt.Errorf("events API simulator: certificate: %w", err), ln.Close())
		}
		srv.URL = "https://" + ln.Addr().String()
	}
	srv.serving.Go(func() {
		if s.cfg.TLS {
			srv.served = srv.http.ServeTLS(ln, "", "")
		} else {
			srv.served = srv.http.Serve(ln)
		}
	})
	return srv, nil
}

// counted lets Close wait for handlers.
func (srv *Server) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		srv.handlers.Add(1)
		defer srv.handlers.Done()
		h.ServeHTTP(w, r)
	})
}

// Close cuts all connections and returns when no goroutine is left.
func (srv *Server) Close() error {
	err := srv.http.Close()
	srv.serving.Wait()
	srv.handlers.Wait()
	if !errors.Is(srv.served, http.ErrServerClosed) {
		err = errors.Join(err, srv.served)
	}
	return err
}

// Client returns a client that trusts the server's CA and keeps to itself: call
// its CloseIdleConnections when done.
func (srv *Server) Client() *http.Client {
	t := &http.Transport{ForceAttemptHTTP2: true}
	if srv.CA != nil {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(srv.CA)
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: t}
}

// secure makes a CA and a certificate for loopback addresses.
func (srv *Server) secure() error {
	ca := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Events API simulator CA"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	caDER, caKey, err := certify(ca, ca, nil)
	if err != nil {
		return err
	}
	leaf := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "Events API simulator"},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, leafKey, err := certify(leaf, ca, caKey)
	if err != nil {
		return err
	}
	srv.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	srv.http.TLSConfig = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}},
	}
	return nil
}

// certify signs a certificate; with a nil key it signs itself.
func certify(cert, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if parentKey == nil {
		parentKey = key
	}
	cert.SerialNumber = big.NewInt(time.Now().UnixNano())
	cert.NotBefore = time.Now().Add(-time.Hour)
	cert.NotAfter = time.Now().AddDate(1, 0, 0)
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, parentKey)
	return der, key, err
}
