// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package receivertest holds what a beat sends to or through in a test, besides
// Elasticsearch: a Lumberjack server (Logstash's protocol), a Kafka broker, a
// Redis server and an HTTP proxy. Each listens on a free loopback port for the
// length of a test, keeps what it accepted, and can be down, stuck or reject.
//
//	kafka := receivertest.StartKafka(t, "onepassword", 3)
//	kafka.Down(true)
//	...
//	kafka.Down(false)
//	ids := kafka.IDs()
//
// That broker is franz-go's kfake and that Redis server is miniredis: both speak
// the real protocols to the unchanged clients of libbeat, keep everything in
// memory, and fail by choice. StartBroker and StartRedisServer run the real servers
// in processes of their own, with their data on disk: they are killed and started
// again. Where Java, Maven or redis-server is missing they skip the test.
//
//	inbox.go        what was taken
//	gate.go         a listener that can be down
//	lumberjack.go   a Lumberjack server
//	kafka.go        a Kafka broker in the test process
//	broker.go       a real Kafka broker, by Maven
//	redis.go        a Redis server in the test process
//	redisserver.go  a real Redis server
//	address_*.go    their addresses, kept through restarts
//	proxy.go        an HTTP proxy: CONNECT and plain requests
//	pki.go          a private CA and its certificates
package receivertest
