// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// `setup --pipelines`: the integration's ingest pipelines, and the template that
// names them.

package indexsetup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"
	"github.com/elastic/elastic-agent-libs/mapstr"
)

// PipelineName is the ingest pipeline that the index template names. It hands
// each document to the pipeline of its event type, PipelineName-<event type>.
const PipelineName = "onepasswordbeat"

const (
	pipelinePath   = "/_ingest/pipeline/"
	templatesPath  = "/_index_template/"
	defaultSetting = "default_pipeline"
)

// Requester is what loading needs of a client of Elasticsearch: a request with a
// body that is encoded as JSON, and its answer. A status that is an error comes
// with an error and the answer's body.
type Requester interface {
	Request(method, path, pipeline string, params map[string]string, body any) (int, []byte, error)
}

// LoadPipelines loads the pipelines, by event type, and the one that leads to
// them. What is there under their names is replaced: a user's own processors
// belong in @custom pipelines.
func LoadPipelines(es Requester, byType map[string]map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(byType)) {
		if err := put(es, pipelinePath+PipelineName+"-"+name, byType[name]); err != nil {
			return fmt.Errorf("the ingest pipeline of %s can't be loaded: %w", name, err)
		}
	}
	if err := put(es, pipelinePath+PipelineName, router(slices.Sorted(maps.Keys(byType)))); err != nil {
		return fmt.Errorf("the ingest pipeline %q can't be loaded: %w", PipelineName, err)
	}
	return nil
}

// router is the pipeline in front of those of the event types. Like a pipeline
// that Fleet installs it ends with those that users may have made.
func router(types []string) mapstr.M {
	var processors []mapstr.M
	call := func(name, tag, condition string, optional bool) {
		p := mapstr.M{"name": name, "tag": tag}
		if condition != "" {
			p["if"] = condition
		}
		if optional {
			p["ignore_missing_pipeline"] = true
		}
		processors = append(processors, mapstr.M{"pipeline": p})
	}
	is := func(name string) string { // a raw event, from Logstash say, may have no fields of its data stream
		return fmt.Sprintf("ctx._index.startsWith('logs-1password.%[1]s-') || ctx.data_stream?.dataset == '1password.%[1]s'", name)
	}
	for _, name := range types {
		call(PipelineName+"-"+name, "pipeline_"+name, is(name), false)
	}
	for _, name := range []string{"global", "logs", "logs-1password.integration"} {
		call(name+"@custom", "pipeline_custom_"+name, "", true)
	}
	for _, name := range types {
		call("logs-1password."+name+"@custom", "pipeline_custom_"+name, is(name), true)
	}
	// Fleet's final pipeline does the same after the @custom pipelines of the package, which ends here.
	processors = append(processors, mapstr.M{"remove": mapstr.M{
		"tag": "remove_event_original", "field": "event.original", "ignore_missing": true,
		"if": "ctx.event instanceof Map && ctx.event.module == '1password' && ctx.event.original != null && " +
			"!(ctx.tags instanceof List ? ctx.tags.contains('preserve_original_event') : ctx.tags == 'preserve_original_event')",
	}})
	return mapstr.M{
		"description": "Events of 1Password, to the pipeline of their type. Loaded by `onepasswordbeat setup --pipelines`.",
		"processors":  processors,
		"on_failure": []mapstr.M{
			{"set": mapstr.M{"tag": "set_pipeline_error", "field": "event.kind", "value": "pipeline_error"}},
			{"append": mapstr.M{"tag": "append_error_message", "field": "error.message", "value": "Processor {{{_ingest.on_failure_processor_type}}} " +
				"with tag {{{_ingest.on_failure_processor_tag}}} in pipeline {{{_ingest.pipeline}}} failed: {{{_ingest.on_failure_message}}}"}},
		},
		"_meta": mapstr.M{"managed_by": TemplateName},
	}
}

// NamePipeline has the index template name the pipeline, and returns the name of
// the pipeline that the template names already, if that is another: a user's
// choice is not replaced. Everything else in the template stays as it is.
func NamePipeline(es Requester, template string) (other string, err error) {
	body, err := getTemplate(es, template)
	if err != nil {
		return "", fmt.Errorf("the index template %q can't be read: %w", template, err)
	}
	index, err := indexSettings(body)
	if err != nil {
		return "", fmt.Errorf("the index template %q can't be understood: %w", template, err)
	}
	switch name, _ := index[defaultSetting].(string); name {
	case PipelineName:
		return "", nil
	case "", "_none":
	default:
		return name, nil
	}
	index[defaultSetting] = PipelineName
	if err := put(es, templatesPath+template, body); err != nil {
		return "", fmt.Errorf("the index template %q can't be changed to name the ingest pipeline: %w", template, err)
	}
	return "", nil
}

// getTemplate returns a template's body as it can be PUT again.
func getTemplate(es Requester, name string) (map[string]any, error) {
	status, answer, err := es.Request(http.MethodGet, templatesPath+name, "", nil, nil)
	if err != nil {
		return nil, rejected(status, answer, err)
	}
	var found struct {
		Templates []struct {
			Body map[string]any `json:"index_template"`
		} `json:"index_templates"`
	}
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber() // to send numbers back as they came
	if err := decoder.Decode(&found); err != nil {
		return nil, err
	}
	if len(found.Templates) != 1 {
		return nil, fmt.Errorf("there are %d templates of this name", len(found.Templates))
	}
	body := found.Templates[0].Body
	for key := range body { // Elasticsearch 9.2 and later return these, and reject them in a request
		if strings.HasPrefix(key, "created_date") || strings.HasPrefix(key, "modified_date") {
			delete(body, key)
		}
	}
	return body, nil
}

// indexSettings returns template.settings.index, which Elasticsearch writes as
// objects whatever form they were sent in.
func indexSettings(body map[string]any) (map[string]any, error) {
	at := body
	for _, key := range []string{"template", "settings", "index"} {
		switch next := at[key].(type) {
		case nil:
			made := map[string]any{}
			at[key] = made
			at = made
		case map[string]any:
			at = next
		default:
			return nil, fmt.Errorf("%s is not an object", key)
		}
	}
	return at, nil
}

func put(es Requester, path string, body any) error {
	raw, err := json.Marshal(body) // libbeat's own encoder makes a string of a json.Number
	if err != nil {
		return err
	}
	status, answer, err := es.Request(http.MethodPut, path, "", nil, eslegclient.RawEncoding{Encoding: raw})
	return rejected(status, answer, err)
}

// rejected is the error in Elasticsearch's own words, where there are any.
func rejected(status int, answer []byte, err error) error {
	if err == nil {
		return nil
	}
	var body struct {
		Error struct {
			Reason string `json:"reason"`
		} `json:"error"`
	}
	if json.Unmarshal(answer, &body) != nil || body.Error.Reason == "" {
		return err
	}
	return fmt.Errorf("%d from Elasticsearch: %s", status, body.Error.Reason)
}
