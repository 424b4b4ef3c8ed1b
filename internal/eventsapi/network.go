// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a failed connection means to an operator, and where to look.

package eventsapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
)

// networkFaults are asked in order; the first that knows the error explains it.
var networkFaults = []struct {
	is   func(error) bool
	text string
}{
	{dnsFault(func(e *net.DNSError) bool { return e.IsNotFound }), "the host name is not known to DNS (is `url` right?)"},
	{dnsFault(func(*net.DNSError) bool { return true }), "DNS did not resolve the host name"},

	{as[x509.UnknownAuthorityError], "the certificate is signed by an unknown authority: where a proxy inspects TLS, add its CA to ssl.certificate_authorities"},
	{as[x509.HostnameError], "the certificate is for another host name"},
	{certificateExpired, "the certificate has expired or is not valid yet (is this machine's clock right?)"},
	{as[x509.CertificateInvalidError], "the certificate is not valid"},
	{as[*tls.CertificateVerificationError], "the certificate could not be verified"},
	{as[tls.RecordHeaderError], "the server does not speak TLS on this port"},
	{is(http.ErrSchemeMismatch), "the server does not speak TLS on this port"},
	{as[tls.AlertError], "the server refused the TLS handshake (a client certificate, or a version or cipher it does not take?)"},

	{is(syscall.ECONNREFUSED), "connection refused (does nothing listen there, or does a firewall refuse it?)"},
	{is(syscall.ECONNRESET), "connection reset, by the server or by something in between"},
	{is(syscall.EPIPE), "connection closed while the request was sent"},
	{is(syscall.EHOSTUNREACH), "no route to the host"},
	{is(syscall.ENETUNREACH), "the network is unreachable"},
	{timedOut, "the connection timed out"},
	{is(io.EOF), "connection closed without an answer"},
	{is(io.ErrUnexpectedEOF), "connection closed in the middle of the answer"},
}

// explainNetwork says what failed, followed by the original words where they add something.
func explainNetwork(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" {
		return "the proxy cannot be reached: " + explainNetwork(op.Err)
	}
	if status := proxyStatus(err); status == http.StatusProxyAuthRequired {
		return "the proxy wants a user name and password: set them in proxy_url"
	} else if status != 0 {
		return "the proxy refused to connect: " + strconv.Itoa(status) + " " + err.Error()
	}
	for _, fault := range networkFaults {
		if fault.is(err) {
			return fault.text + ": " + err.Error()
		}
	}
	return err.Error()
}

// proxyStatus recognizes a proxy's refusal to CONNECT, of which net/http keeps nothing but the status text.
func proxyStatus(err error) int {
	for status := 400; status < 600; status++ {
		if text := http.StatusText(status); text != "" && text == err.Error() {
			return status
		}
	}
	return 0
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func dnsFault(which func(*net.DNSError) bool) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*net.DNSError](err)
		return ok && which(e)
	}
}

func certificateExpired(err error) bool {
	e, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && e.Reason == x509.Expired
}

func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
