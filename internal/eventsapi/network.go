// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a failed connection means to an operator, and where to look.

package eventsapi

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// networkFaults are asked in order; the first that knows the error explains it. An empty advice is that of the class.
var networkFaults = []struct {
	is           func(error) bool
	text, advice string
}{
	{dnsFault(func(e *net.DNSError) bool { return e.IsNotFound }), "the host name is unknown to DNS", "check `url` and the DNS servers of this machine"},
	{dnsFault(func(*net.DNSError) bool { return true }), "DNS did not resolve the host name", "check the DNS servers of this machine"},

	{as[x509.UnknownAuthorityError], "the certificate is signed by an unknown certificate authority (CA)", "check `url`; if a proxy inspects TLS, add its CA to `ssl.certificate_authorities`"},
	{as[x509.HostnameError], "the certificate is for another host name", "check `url`, which needs the server's name, not its address; or a proxy answers in its place"},
	{certificateExpired, "the certificate has expired or is not valid yet", "check the clock of this machine and whether a proxy answers in place of the server"},
	{as[x509.CertificateInvalidError], "the certificate is not valid", ""},
	{as[*tls.CertificateVerificationError], "the certificate could not be verified", ""},
	{as[tls.RecordHeaderError], "the server does not speak TLS on this port", wrongPort},
	{is(http.ErrSchemeMismatch), "the server does not speak TLS on this port", wrongPort},
	{as[tls.AlertError], "the server rejected the TLS handshake", "check whether it needs a client certificate (`ssl.certificate`), or another TLS version or cipher"},

	{is(syscall.ECONNREFUSED), "connection refused", "check the host and port in `url`, the firewall and `proxy_url`"},
	{is(syscall.ECONNRESET), "connection reset, by the server or by something in between", ""},
	{is(syscall.EPIPE), "connection closed while the request was sent", ""},
	{is(syscall.EHOSTUNREACH), "no route to the host", ""},
	{is(syscall.ENETUNREACH), "the network is unreachable", ""},
	{timedOut, "the connection timed out", ""},
	{is(io.EOF), "connection closed without a response", ""},
	{is(io.ErrUnexpectedEOF), "connection closed in the middle of the response", ""},
}

const wrongPort = "check the scheme and the port of `url`, or remove it: the token names its server"

// explainNetwork says what failed, followed by the original words where they add something, and what to do.
func explainNetwork(err error) (text, advice string) {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" {
		text, advice = explainNetwork(op.Err)
		return "the proxy cannot be reached: " + text, cmp.Or(advice, "check `proxy_url`")
	}
	if rejected, ok := errors.AsType[*connectRejection](err); ok {
		if rejected.status == http.StatusProxyAuthRequired {
			return "the proxy requires a user name and password", "set the user name and password in `proxy_url`"
		}
		return rejected.Error(), "check `proxy_url` and whether the proxy allows the host in `url`"
	}
	for _, fault := range networkFaults {
		if fault.is(err) {
			return fault.text + ": " + err.Error(), fault.advice
		}
	}
	return err.Error(), ""
}

// connectRejection is the response of a proxy that does not connect.
type connectRejection struct {
	status int
	reason string
}

func (e *connectRejection) Error() string {
	return fmt.Sprintf("the proxy rejected the connection: %d %s", e.status, e.reason)
}

// checkConnect keeps the status of a proxy's response to CONNECT. net/http itself makes an error of its reason phrase alone,
// which may be anything.
func checkConnect(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	_, reason, _ := strings.Cut(resp.Status, " ")
	return &connectRejection{resp.StatusCode, cmp.Or(reason, http.StatusText(resp.StatusCode))}
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
