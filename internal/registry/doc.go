// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package registry keeps the position of every harvester across restarts: one
// [State] per input and event type, in libbeat's statestore on memlog, below
// path.data.
//
// # Durability
//
// memlog appends to its log without fsync and fsyncs only its checkpoints. The
// registry holds a handful of small states, so every [Registry.Commit] is a
// checkpoint: a new data file, written, fsynced, renamed into place, and the
// directory fsynced. A committed cursor survives a power cut; a commit that
// fails (a full or read-only disk) leaves the last one in place.
//
// # Damage is never silent
//
// memlog opens a cut-off or garbled store as an empty one, and the next start
// shows no trace of it: every harvester would begin anew. [Open] therefore reads
// the files itself first and returns a [*DamagedError] that names the file and
// says how to go on. Nothing is changed in that case.
//
// A state of a version that this beat does not know, and a state that belongs to
// another 1Password account, are refused by [Registry.Load] with the same
// intent: that harvester stops, the others go on.
//
// # File layout
//
//	registry.go  Registry: Open, Load, Commit, List, Close
//	state.go     State, its stored form and version, keys
//	inspect.go   the look at the files before memlog opens them
//	edit.go      what the commands need: open an existing registry, Reset
package registry
