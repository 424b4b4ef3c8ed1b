// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Random numbers that are a function of a key, and ids made of them.

package eventsapitest

import "hash/fnv"

// Salts keep the random numbers of different purposes apart.
const (
	saltAccount uint64 = iota + 1
	saltFaults
	saltToken
	saltWorld
	saltLate
	saltSession
	saltTail
)

const golden = 0x9e3779b97f4a7c15

// rng is a splitmix64 generator: eight bytes of state, so that every event can
// have one of its own, keyed by seed, type and index.
type rng uint64

func (r *rng) next() uint64 {
	*r += golden
	return finish(uint64(*r))
}

// n returns a number in [0, n).
func (r *rng) n(n int) int { return int((r.next() >> 33) * uint64(n) >> 31) }

// permille is true p times in a thousand.
func (r *rng) permille(p int) bool { return r.n(1000) < p }

// unit returns a number in [0, 1).
func (r *rng) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

func pick[T any](r *rng, from []T) T { return from[r.n(len(from))] }

func finish(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func mix(a, b uint64) uint64 { return finish(a + golden*(b+1)) }

func hashOf(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return h.Sum64()
}

// Ids are 26 characters of base32. Upper case: events, users, sessions,
// accounts, service accounts. Lower case: vaults, items, devices, groups.
const (
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	lower = "abcdefghijklmnopqrstuvwxyz234567"

	idLen = 26
)

// appendEventID appends 26 random characters, as the ids of events are.
func appendEventID(dst []byte, r *rng) []byte {
	for left := idLen; left > 0; {
		bits := r.next()
		for k := 0; k < 12 && left > 0; k, left = k+1, left-1 {
			dst = append(dst, upper[bits&31])
			bits >>= 5
		}
	}
	return dst
}

// appendID appends an id made from 16 bytes: its last character carries only
// three bits.
func appendID(dst []byte, r *rng, alphabet string) []byte {
	hi, lo, rest := r.next(), r.next(), r.next()
	for range 12 {
		dst = append(dst, alphabet[hi&31])
		hi >>= 5
	}
	for range 12 {
		dst = append(dst, alphabet[lo&31])
		lo >>= 5
	}
	return append(dst, alphabet[rest&31], alphabet[(rest>>5&7)<<2])
}
