// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Reading a body: decompressed, within its limit, into one buffer of about its size.

package eventsapi

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const (
	minBuffer = 4 << 10
	// gzipRatio is how many times larger a gzipped page gets, about. Pages repeat their keys a thousand times.
	gzipRatio = 8
)

// allowance is how much may be read of a response.
type allowance struct {
	limit   int64 // bytes after decompression
	reserve func(ctx context.Context, bytes int64) error
}

// bodyFault is a fault of the body itself, as opposed to one of the connection that it came by.
type bodyFault struct {
	class Class
	text  string
}

func (f *bodyFault) Error() string { return f.text }

// readBody reads a 200's body into a buffer of its own, within the limit after decompression. The memory is
// reserved before it is allocated.
func readBody(ctx context.Context, resp *http.Response, r allowance) ([]byte, error) {
	body, gzipped, err := decompress(resp)
	if err != nil {
		return nil, faultOf(err, 0)
	}
	hint := resp.ContentLength
	if gzipped {
		hint *= gzipRatio
	} else if hint > r.limit {
		return nil, tooLarge(r.limit)
	}
	first := min(firstReadBytes, r.limit)
	if err := r.reserved(ctx, first); err != nil {
		return nil, err
	}
	data, err := readAll(io.LimitReader(body, first+1), make([]byte, 0, min(max(hint, minBuffer), first)+1))
	if err == nil && int64(len(data)) > first && first < r.limit {
		if err := r.reserved(ctx, r.limit-first); err != nil {
			return nil, err
		}
		data, err = readAll(io.LimitReader(body, r.limit-first), append(largeBuffer(r.limit), data...))
	}
	switch {
	case int64(len(data)) > r.limit:
		recycle(data)
		return nil, tooLarge(r.limit)
	case err != nil:
		n := len(data)
		recycle(data)
		return nil, faultOf(err, n)
	}
	return data, nil
}

// largeBuffers holds buffers for the largest response, for the next large one. A buffer that grows by doubling, or a new
// one per response, would be garbage of several times the limit before the garbage collector runs.
var largeBuffers sync.Pool

// largeBuffer returns an empty buffer that holds a response of the limit without growing.
func largeBuffer(limit int64) []byte {
	if b, ok := largeBuffers.Get().(*[]byte); ok && int64(cap(*b)) >= limit+minBuffer {
		return (*b)[:0]
	}
	return make([]byte, 0, limit+minBuffer)
}

// recycle gives a body's buffer back. Nothing may refer to it any more.
func recycle(data []byte) {
	if cap(data) >= MaxResponseBytes {
		largeBuffers.Put(&data)
	}
}

// errNoMemory is in the tree of an error when Query.Reserve granted no memory for the body.
var errNoMemory = errors.New("no memory was free for the response")

func (r allowance) reserved(ctx context.Context, bytes int64) error {
	if r.reserve == nil {
		return nil
	}
	if err := r.reserve(ctx, bytes); err != nil {
		return fmt.Errorf("%w: %w", errNoMemory, err)
	}
	return nil
}

// readErrorBody reads the beginning of an error's body, as much of it as can be had.
func readErrorBody(resp *http.Response) []byte {
	rest := *resp
	rest.Body = io.NopCloser(io.LimitReader(resp.Body, MaxErrorBody))
	body, _, err := decompress(&rest)
	if err != nil {
		return nil
	}
	data, _ := readAll(io.LimitReader(body, MaxErrorBody), nil)
	return data
}

// decompress returns the body as it was before gzip. The client asks for gzip itself instead of leaving that to the transport, so that it works
// the same with every transport and the Content-Length stays known.
func decompress(resp *http.Response) (r io.Reader, gzipped bool, err error) {
	encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	switch {
	case encoding == "" || encoding == "identity" || resp.Uncompressed:
		return resp.Body, false, nil
	case encoding == "gzip" || encoding == "x-gzip":
		zr, err := gzip.NewReader(resp.Body)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // not even a header
		}
		return zr, true, err
	}
	return nil, false, &bodyFault{Malformed, fmt.Sprintf("Content-Encoding %q was not requested", encoding)}
}

// readAll is io.ReadAll into a given buffer.
func readAll(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, max(len(buf), minBuffer)) // doubling: most bodies without a length are small, some are very large
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

func tooLarge(limit int64) error {
	return &bodyFault{TooLarge, fmt.Sprintf("more than %s after decompression", byteCount(limit))}
}

func byteCount(n int64) string {
	const mib = 1 << 20
	if n%mib == 0 {
		return fmt.Sprintf("%d MiB", n/mib)
	}
	return fmt.Sprintf("%d bytes", n)
}

// faultOf makes a bodyFault of an error that is about the bytes received, and leaves the connection's errors alone.
func faultOf(err error, read int) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &bodyFault{Malformed, fmt.Sprintf("the response was cut off, after %d bytes", read)}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return &bodyFault{Malformed, fmt.Sprintf("the response's gzip is damaged, after %d bytes", read)}
	}
	return err
}

// trimBody takes a byte order mark and white space off.
func trimBody(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
}
