// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Reading a body: decompressed, within its limit, into one buffer of about its size.

package eventsapi

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

const (
	minBuffer = 4 << 10
	// maxHint bounds what is allocated on the word of a Content-Length alone. A page of 1000 events is about 1 MiB.
	maxHint = 4 << 20
	// gzipRatio is how many times larger a gzipped page gets, about. Pages repeat their keys a thousand times.
	gzipRatio = 8
)

// bodyFault is a fault of the body itself, as opposed to one of the connection that it came by.
type bodyFault struct {
	class Class
	text  string
}

func (f *bodyFault) Error() string { return f.text }

// readBody reads a 200's body into a buffer of its own, of at most limit bytes after decompression.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	r, gzipped, err := decompress(resp)
	if err != nil {
		return nil, faultOf(err, 0)
	}
	hint := resp.ContentLength
	if gzipped {
		hint *= gzipRatio
	} else if hint > limit {
		return nil, tooLarge(limit)
	}
	data, err := readAll(io.LimitReader(r, limit+1), min(max(hint, 0), maxHint, limit))
	if int64(len(data)) > limit {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, faultOf(err, len(data))
	}
	return data, nil
}

// readErrorBody reads the beginning of an error's body, as much of it as can be had.
func readErrorBody(resp *http.Response) []byte {
	r, _, err := decompress(resp)
	if err != nil {
		return nil
	}
	data, _ := readAll(io.LimitReader(r, errorBodyBytes), 0)
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
	return nil, false, &bodyFault{Malformed, fmt.Sprintf("Content-Encoding %q was not asked for", encoding)}
}

// readAll is io.ReadAll with a first guess at the size.
func readAll(r io.Reader, hint int64) ([]byte, error) {
	// One byte more than announced, so that the end is seen without growing.
	buf := make([]byte, 0, max(hint+1, minBuffer))
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, len(buf)) // doubling: most bodies without a length are small, some are very large
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
		return &bodyFault{Malformed, fmt.Sprintf("the answer was cut off, after %d bytes", read)}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return &bodyFault{Malformed, fmt.Sprintf("the answer's gzip is damaged, after %d bytes", read)}
	}
	return err
}
