// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Why a document is rejected.

package bulktest

import (
	"net/http"
	"strings"
)

// Rejection is an item's error. In Reason, {index} and {id} stand for the
// document's.
type Rejection struct {
	Status       int
	Type, Reason string
	Cause        string // reason of caused_by, an illegal_argument_exception
}

// RejectionBody is the error of an item.
type RejectionBody struct {
	Type   string         `json:"type"`
	Reason string         `json:"reason"`
	Cause  *RejectionBody `json:"caused_by,omitempty"`
}

func (r *Rejection) body(d Doc) RejectionBody {
	body := RejectionBody{Type: r.Type, Reason: strings.NewReplacer("{index}", d.Index, "{id}", d.ID).Replace(r.Reason)}
	if r.Cause != "" {
		body.Cause = &RejectionBody{Type: "illegal_argument_exception", Reason: r.Cause}
	}
	return body
}

// The rejections of Elasticsearch 8.18 that a beat meets.
var (
	NoPrivilege = &Rejection{
		Status: http.StatusForbidden, Type: "security_exception",
		Reason: "action [indices:data/write/bulk[s]] is unauthorized for user [writer] with effective roles [reader] on indices [{index}], " +
			"this action is granted by the index privileges [create_doc,create,delete,index,write,all]",
	}
	NoMappingPrivilege = &Rejection{
		Status: http.StatusForbidden, Type: "security_exception",
		Reason: "action [indices:admin/mapping/auto_put] is unauthorized for user [writer] with effective roles [writer], " +
			"this action is granted by the index privileges [auto_configure,manage,write,all]",
	}
	WriteBlock = &Rejection{
		Status: http.StatusForbidden, Type: "cluster_block_exception",
		Reason: "index [.ds-{index}-000001] blocked by: [FORBIDDEN/8/index write (api)];",
	}
	FloodStage = &Rejection{
		Status: http.StatusTooManyRequests, Type: "cluster_block_exception",
		Reason: "index [.ds-{index}-000001] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];",
	}
	QueueFull = &Rejection{
		Status: http.StatusTooManyRequests, Type: "es_rejected_execution_exception",
		Reason: "rejected execution of coordinating operation",
	}
	ClosedIndex     = &Rejection{Status: http.StatusBadRequest, Type: "index_closed_exception", Reason: "closed"}
	MissingPipeline = &Rejection{
		Status: http.StatusBadRequest, Type: "illegal_argument_exception",
		Reason: "pipeline with id [logs-1password@custom] does not exist",
	}
	BadIP = &Rejection{
		Status: http.StatusBadRequest, Type: "document_parsing_exception",
		Reason: "[1:53] failed to parse field [source.ip] of type [ip] in document with id '{id}'. Preview of field's value: 'not-an-ip'",
		Cause:  "'not-an-ip' is not an IP string literal.",
	}
	VersionConflict = &Rejection{
		Status: http.StatusConflict, Type: "version_conflict_engine_exception",
		Reason: "[{id}]: version conflict, document already exists (current version [1])",
	}
)

// Rule says why a document is rejected, or nil.
type Rule func(Doc) *Rejection

// Reject makes documents be rejected by a rule from now on; nil ends it.
func (s *Server) Reject(rule Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rule = rule
}

// Every rejects every document.
func Every(r *Rejection) Rule { return func(Doc) *Rejection { return r } }

// Stream rejects the documents for one data stream.
func Stream(index string, r *Rejection) Rule {
	return func(d Doc) *Rejection {
		if d.Index == index {
			return r
		}
		return nil
	}
}

// Only rejects documents by their _id.
func Only(r *Rejection, ids ...string) Rule {
	bad := map[string]bool{}
	for _, id := range ids {
		bad[id] = true
	}
	return func(d Doc) *Rejection {
		if bad[d.ID] {
			return r
		}
		return nil
	}
}
