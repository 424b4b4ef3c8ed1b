// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Why a document is refused.

package bulktest

import (
	"net/http"
	"strings"
)

// Refusal is an item's error. In Reason, {index} and {id} stand for the
// document's.
type Refusal struct {
	Status       int
	Type, Reason string
	Cause        string // reason of caused_by, an illegal_argument_exception
}

// RefusalBody is the error of an item.
type RefusalBody struct {
	Type   string       `json:"type"`
	Reason string       `json:"reason"`
	Cause  *RefusalBody `json:"caused_by,omitempty"`
}

func (r *Refusal) body(d Doc) RefusalBody {
	body := RefusalBody{Type: r.Type, Reason: strings.NewReplacer("{index}", d.Index, "{id}", d.ID).Replace(r.Reason)}
	if r.Cause != "" {
		body.Cause = &RefusalBody{Type: "illegal_argument_exception", Reason: r.Cause}
	}
	return body
}

// The refusals of Elasticsearch 8.18 that a beat meets.
var (
	NoPrivilege = &Refusal{
		Status: http.StatusForbidden, Type: "security_exception",
		Reason: "action [indices:data/write/bulk[s]] is unauthorized for user [writer] with effective roles [reader] on indices [{index}], " +
			"this action is granted by the index privileges [create_doc,create,delete,index,write,all]",
	}
	NoMappingPrivilege = &Refusal{
		Status: http.StatusForbidden, Type: "security_exception",
		Reason: "action [indices:admin/mapping/auto_put] is unauthorized for user [writer] with effective roles [writer], " +
			"this action is granted by the index privileges [auto_configure,manage,write,all]",
	}
	WriteBlock = &Refusal{
		Status: http.StatusForbidden, Type: "cluster_block_exception",
		Reason: "index [.ds-{index}-000001] blocked by: [FORBIDDEN/8/index write (api)];",
	}
	FloodStage = &Refusal{
		Status: http.StatusTooManyRequests, Type: "cluster_block_exception",
		Reason: "index [.ds-{index}-000001] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];",
	}
	QueueFull = &Refusal{
		Status: http.StatusTooManyRequests, Type: "es_rejected_execution_exception",
		Reason: "rejected execution of coordinating operation",
	}
	ClosedIndex     = &Refusal{Status: http.StatusBadRequest, Type: "index_closed_exception", Reason: "closed"}
	MissingPipeline = &Refusal{
		Status: http.StatusBadRequest, Type: "illegal_argument_exception",
		Reason: "pipeline with id [logs-1password@custom] does not exist",
	}
	BadIP = &Refusal{
		Status: http.StatusBadRequest, Type: "document_parsing_exception",
		Reason: "[1:53] failed to parse field [source.ip] of type [ip] in document with id '{id}'. Preview of field's value: 'not-an-ip'",
		Cause:  "'not-an-ip' is not an IP string literal.",
	}
	VersionConflict = &Refusal{
		Status: http.StatusConflict, Type: "version_conflict_engine_exception",
		Reason: "[{id}]: version conflict, document already exists (current version [1])",
	}
)

// Rule says why a document is refused, or nil.
type Rule func(Doc) *Refusal

// Refuse makes documents be refused by a rule from now on; nil ends it.
func (s *Server) Refuse(rule Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rule = rule
}

// Every refuses every document.
func Every(r *Refusal) Rule { return func(Doc) *Refusal { return r } }

// Stream refuses the documents for one data stream.
func Stream(index string, r *Refusal) Rule {
	return func(d Doc) *Refusal {
		if d.Index == index {
			return r
		}
		return nil
	}
}

// Only refuses documents by their _id.
func Only(r *Refusal, ids ...string) Rule {
	bad := map[string]bool{}
	for _, id := range ids {
		bad[id] = true
	}
	return func(d Doc) *Refusal {
		if bad[d.ID] {
			return r
		}
		return nil
	}
}
