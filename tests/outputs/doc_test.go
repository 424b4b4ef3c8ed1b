// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package outputs_test runs the real binary against every output but
// Elasticsearch that users run, and through proxies. Each test ends with every
// event of the simulated API delivered, told by its _id; most outputs keep no
// _id, so what is delivered again after a fault is there twice, and the tests
// say how many those are.
//
//	logstash_test.go    Lumberjack with mutual TLS
//	kafka_test.go       Kafka in the test process, failing by choice
//	realkafka_test.go   a real Kafka broker, killed and stopped
//	redis_test.go       Redis in the test process, failing by choice
//	realredis_test.go   a real Redis server, killed
//	real_test.go        what those with real servers share
//	disk_linux_test.go  a full disk under the file output
//	queue_test.go       the disk queue
//	proxy_test.go       the API and Elasticsearch behind an HTTP proxy
//	helpers_test.go     what they share
package outputs_test
