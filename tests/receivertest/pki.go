// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A private CA and its certificates.

package receivertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA is a private certificate authority.
type CA struct {
	PEM  string // its certificate
	File string // a file with PEM

	tb   testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// validFor is how long certificates are valid.
const validFor = time.Hour

// NewCA makes a CA for the length of a test.
func NewCA(tb testing.TB) *CA {
	tb.Helper()
	ca := &CA{tb: tb, dir: tb.TempDir()}
	der, key := ca.sign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "Test CA"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	})
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	ca.cert, ca.key = cert, key
	ca.PEM = encode("CERTIFICATE", der)
	ca.File = ca.write("ca.pem", ca.PEM)
	return ca
}

// sign makes a certificate and its key; the first one signs itself.
func (ca *CA) sign(cert *x509.Certificate) (der []byte, key *ecdsa.PrivateKey) {
	ca.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		ca.tb.Fatal(err)
	}
	parent, parentKey := ca.cert, ca.key
	if parent == nil {
		parent, parentKey = cert, key
	}
	cert.SerialNumber = big.NewInt(time.Now().UnixNano())
	cert.NotBefore, cert.NotAfter = time.Now().Add(-validFor), time.Now().Add(validFor)
	der, err = x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, parentKey)
	if err != nil {
		ca.tb.Fatal(err)
	}
	return der, key
}

// Server is the TLS configuration of a server with these names, which are host
// names or IP addresses.
func (ca *CA) Server(names ...string) *tls.Config {
	ca.tb.Helper()
	cert := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "Test server"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else {
			cert.DNSNames = append(cert.DNSNames, name)
		}
	}
	der, key := ca.sign(cert)
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}
}

// Mutual is Server for one that asks its clients for a certificate of this CA.
func (ca *CA) Mutual(names ...string) *tls.Config {
	ca.tb.Helper()
	cfg := ca.Server(names...)
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	cfg.ClientCAs = x509.NewCertPool()
	cfg.ClientCAs.AddCert(ca.cert)
	return cfg
}

// Client makes a client's certificate and key, and returns their files.
func (ca *CA) Client(name string) (certFile, keyFile string) {
	ca.tb.Helper()
	der, key := ca.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		ca.tb.Fatal(err)
	}
	return ca.write(name+".pem", encode("CERTIFICATE", der)), ca.write(name+".key", encode("PRIVATE KEY", keyDER))
}

func (ca *CA) write(name, content string) string {
	ca.tb.Helper()
	path := filepath.Join(ca.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		ca.tb.Fatal(err)
	}
	return path
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
