// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package registry keeps the position of every harvester across restarts: one
// [State] per input and event type, in libbeat's statestore on memlog below
// path.data, or in an index of Elasticsearch.
//
// # Durability
//
// memlog appends each state to its log, and does not sync it. [Registry.Commit]
// syncs the log before it returns, and harvesters that commit at the same time share
// one sync. So a commit costs the same with 3 and with 3,000 states, and a committed
// cursor survives a power cut. A commit that fails (a full or read-only disk) leaves
// the last one in place.
//
// A checkpoint holds all states. It is written when the log has grown in proportion
// to their number, when an eighth of them are new, after a failure, and at the end.
//
// # Damage is never silent
//
// memlog opens a cut-off or garbled store as an empty one, and the next start
// shows no trace of it: every harvester would start over. [Open] therefore reads
// the files itself first. A damaged log or meta.json with an intact checkpoint is
// repaired with a warning: collection continues from the last state that can be read.
// A damaged checkpoint is a [*DamagedError] that names the file and says how to
// continue. Nothing is changed in that case.
//
// A state of a version that this beat does not know, and a state that belongs to
// another 1Password account, are rejected by [Registry.Load] with the same
// intent: that harvester stops, the others continue.
//
// # Elasticsearch
//
// A commit returns when Elasticsearch has acknowledged it. Commits at the same time share a bulk request. Writes carry
// the sequence number of what they replace, and an [*AdoptedError] has the state of another writer. Only Elasticsearch's
// own word for a document is its absence; everything else is an [*UnavailableError]. A backend without a state looks into
// the other one before it says so.
//
// # File layout
//
//	registry.go  Registry: Load, Commit, List, Close on a backend
//	state.go     State, its stored form and version, keys
//	file.go      the backend in files: Open, shared syncs, checkpoints, repair
//	inspect.go   the look at the files before memlog opens them
//	edit.go      what the commands need: open an existing registry, Reset
//
//	elastic.go        the backend in Elasticsearch: reading, absence, conflicts
//	elasticbulk.go    its writer: shared bulk requests
//	elasticindex.go   its index: documents and their mapping
//	elasticclient.go  its requests, and what an answer is worth
//	elsewhere.go      a registry by its settings, and the look into the other backend
//	move.go           from one backend to the other
package registry
