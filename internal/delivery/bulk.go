// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Elasticsearch's bulk responses: which documents it rejected, and why.

package delivery

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// errorCause is an error as Elasticsearch writes it.
type errorCause struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

// rejection is a document, or a request, that Elasticsearch will never accept.
type rejection struct {
	status int
	errorCause
}

// documentErrors are the error types whose cause is the document's own content: its values do not fit the
// mapping. Everything else (a privilege, a block, a closed index, a missing pipeline) may hit every document alike.
var documentErrors = []string{
	"document_parsing_exception",
	"mapper_parsing_exception",
	"strict_dynamic_mapping_exception",
	"request_entity_too_large",
}

// documentReasons are parts of the reason of an illegal_argument_exception whose cause is the document's content.
var documentReasons = []string{
	"can't merge a non object mapping",
	"cannot be changed from type",
	"immense term",
}

// isDocumentError is whether the document's own content is the cause.
func (r rejection) isDocumentError() bool {
	if r.Type == "illegal_argument_exception" {
		return slices.ContainsFunc(documentReasons, func(s string) bool { return strings.Contains(r.Reason, s) })
	}
	return slices.Contains(documentErrors, r.Type)
}

// isDenial is whether the cause is certainly not the document: a privilege, a block, an index or a pipeline that is not there
// or closed. An error of a pipeline may be either.
func (r rejection) isDenial() bool {
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return true
	}
	return r.Type == "index_closed_exception" || strings.HasPrefix(r.Reason, "pipeline with id [")
}

func (r rejection) String() string {
	return fmt.Sprintf("%d %s: %s", r.status, r.Type, withoutValues(r.Reason))
}

// bulkItem is an item of a bulk response, by its action.
type bulkItem = map[string]struct {
	Status int        `json:"status"`
	Error  errorCause `json:"error"`
}

// failedItems is the error of a response that accepts no document and rejects none for good: Elasticsearch fails, such as
// with a shard that is not available. libbeat would send the same request again at once.
type failedItems struct{ rejection }

func (e *failedItems) Error() string { return e.String() }

// rejectionsOf reads the response to a bulk request of count documents and returns those that were rejected for good: any
// 4xx except 409 (a duplicate) and 429 (tried again), and how many were accepted. The error says why the body is not such a response: libbeat
// would take an item without a status as accepted, and repeat the request at once for anything else. Names in another case and
// repeated names are such a reason, too, because libbeat's parser reads them in its own way.
func rejectionsOf(body []byte, count int) (list []rejection, accepted int, err error) {
	if allCreated(body, count) {
		return nil, count, nil
	}
	var response struct {
		Items []bulkItem `json:"items"`
	}
	if err := json.Unmarshal(body, &response, jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, 0, errors.New("not the JSON of a bulk response")
	}
	if len(response.Items) != count {
		return nil, 0, fmt.Errorf("%d items for %d documents", len(response.Items), count)
	}
	var failed *failedItems
	busy := false
	for i, item := range response.Items {
		r, err := statusOf(item)
		switch {
		case err != nil:
			return nil, 0, fmt.Errorf("item %d %w", i, err)
		case r.status < http.StatusMultipleChoices || r.status == http.StatusConflict:
			accepted++
		case r.status == http.StatusTooManyRequests:
			busy = true
		case r.status >= http.StatusInternalServerError:
			failed = &failedItems{r}
		default:
			list = append(list, r)
		}
	}
	if failed != nil && accepted == 0 && len(list) == 0 && !busy {
		return nil, 0, failed
	}
	return list, accepted, nil
}

// statusOf returns the status of an item.
func statusOf(item bulkItem) (rejection, error) {
	if len(item) != 1 {
		return rejection{}, fmt.Errorf("has %d actions", len(item))
	}
	for action, r := range item {
		if action != "create" && action != "index" { // what libbeat asks for
			return rejection{}, errors.New("is of another action")
		}
		if r.Status < http.StatusOK || r.Status > maxStatus {
			return rejection{}, fmt.Errorf("has the status %d", r.Status)
		}
		return rejection{r.Status, r.Error}, nil
	}
	return rejection{}, nil
}

// maxStatus is the highest status of HTTP.
const maxStatus = 599

// allCreated recognizes the usual response without decoding it: nothing but items of status 201.
func allCreated(body []byte, count int) bool {
	const head, item, separator, end = `{"errors":false,"items":[`, `{"create":{"status":201}}`, `,`, `]}`
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(body), []byte(head))
	if !ok || len(rest) != count*len(item)+max(0, count-1)*len(separator)+len(end) || !bytes.HasSuffix(rest, []byte(end)) {
		return false
	}
	return bytes.Count(rest, []byte(item)) == count
}

// requestRejection is why a whole request was rejected. head is the first part of the response's body.
func requestRejection(status int, head []byte) rejection {
	var response struct {
		Error errorCause `json:"error"`
	}
	if json.Unmarshal(head, &response) != nil || response.Error.Type == "" {
		response.Error = errorCause{"rejected", http.StatusText(status)}
	}
	return rejection{status, response.Error}
}

// position is where in the document Elasticsearch's parser stood. It differs between
// attempts, and the same reason would be news each time.
var position = regexp.MustCompile(`^\[\d+:\d+\] `)

// documentID names the document, which differs between events.
var documentID = regexp.MustCompile(` in document with id '[^']*'`)

// maxReasonRunes is the part of a reason that is shown.
const maxReasonRunes = 300

// withoutValues cuts the part of a reason that quotes the event: it is personal data.
func withoutValues(reason string) string {
	reason = position.ReplaceAllString(reason, "")
	reason = documentID.ReplaceAllString(reason, "")
	for _, quote := range []string{". Preview of field's value", " The prefix of the first immense term"} {
		reason, _, _ = strings.Cut(reason, quote)
	}
	if runes := []rune(reason); len(runes) > maxReasonRunes {
		reason = string(runes[:maxReasonRunes]) + "…"
	}
	return reason
}
