// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package bulktest is the part of Elasticsearch that a beat's output talks to, in
// a test: the bulk endpoint, which keeps every document by index and _id, and
// what libbeat asks for when it connects. It can be slow, stuck, down, cut
// connections and reject what it likes, with the bodies that a real
// Elasticsearch 8.18 answers.
//
//	es := bulktest.Start(t)
//	es.Reject(bulktest.Every(bulktest.NoPrivilege))
//	...
//	es.Reject(nil)
//	docs := es.Docs()
//
// github.com/elastic/mock-es was not enough: it keeps no documents, its rejections
// have a status but no reason, it rejects by chance and not by document, and
// it knows no templates.
//
//	server.go    the listener, requests' way
//	bulk.go      the bulk endpoint: create semantics
//	rejection.go   why a document is rejected
//	fault.go     what goes wrong with a whole bulk request
//	setup.go     version, licence, index templates, ILM policies, privileges
package bulktest
