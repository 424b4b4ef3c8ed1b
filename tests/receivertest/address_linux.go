// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// An address that stays a server's through its restarts.

package receivertest

import (
	"fmt"
	"syscall"
	"testing"
)

// reserve returns a free loopback address, host:port. It stays taken for the length of a test, also while nothing listens there: by a socket that is bound
// and does not listen. A server that sets SO_REUSEADDR, as Java and Redis do, may listen beside it.
func reserve(tb testing.TB) string {
	tb.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		tb.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		tb.Fatal(err)
	}
	addr, ok := bound.(*syscall.SockaddrInet4)
	if !ok {
		tb.Fatalf("an address of another kind: %T", bound)
	}
	return fmt.Sprintf("127.0.0.1:%d", addr.Port)
}
