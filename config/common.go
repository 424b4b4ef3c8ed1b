// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Checks of the common settings. Filebeat's framework reads them when the input is created: what it rejects would end the
// beat after its start, and what it misreads would show in Elasticsearch only.

package config

import (
	"reflect"
	"regexp"
	"strings"

	conf "github.com/elastic/elastic-agent-libs/config"
)

// common are the settings of CommonOptions except the processors, which are checked by creating them.
type common struct {
	Type              string         `config:"type"`
	Enabled           bool           `config:"enabled"`
	Tags              []string       `config:"tags"`
	Fields            map[string]any `config:"fields"`
	FieldsUnderRoot   bool           `config:"fields_under_root"`
	Index             string         `config:"index"`
	Pipeline          string         `config:"pipeline"`
	PublisherPipeline struct {
		DisableHost bool `config:"disable_host"`
	} `config:"publisher_pipeline"`
	KeepNull bool `config:"keep_null"`
}

// InputType is the only `type` of an input, and the default.
const InputType = "onepassword"

// checkCommon reads the common settings of an input's section and adds their problems to p.
func checkCommon(cfg *conf.C, p *problems) {
	c := common{Type: InputType}
	unpackFields(cfg, reflect.ValueOf(&c).Elem(), "", p)
	if c.Type != InputType {
		p.add("type", "unknown input type %.60q: write type: %s", c.Type, InputType)
	}
	checkIndex(c.Index, p)
}

// maxIndexBytes is Elasticsearch's rule for the name of an index or a data stream.
const maxIndexBytes = 255

// formatReference is a part of a format string that is filled in from the event: a field, or its time.
var formatReference = regexp.MustCompile(`%\{(\[[^{}]+\][^{}]*|\+[^{}]+)\}`)

// checkIndex rejects names that Elasticsearch rejects, as far as they are known before there is an event. libbeat
// converts them to lower case. Elasticsearch resolves date math, `<name-{now/d}>`, itself.
func checkIndex(index string, p *problems) {
	if index == "" || strings.HasPrefix(index, "<") && strings.HasSuffix(index, ">") {
		return
	}
	name := formatReference.ReplaceAllLiteralString(index, "x")
	const example = "write for example index: logs-1password.custom-default"
	switch {
	case strings.Contains(name, "%{"):
		p.add("index", "%.120q has a %%{ without a field name, such as %%{[event.dataset]}: %s", index, example)
	case len(name) > maxIndexBytes:
		p.add("index", "it has %d bytes: Elasticsearch accepts at most %d; shorten it", len(name), maxIndexBytes)
	case strings.ContainsAny(name, "\\/*?\"<>| ,#"):
		p.add("index", "%.120q contains a space or one of \\ / * ? \" < > | , #, which Elasticsearch rejects: %s", index, example)
	case strings.Trim(name, ".") == "" || strings.ContainsAny(name[:1], "-_+"):
		p.add("index", "%.120q begins with - _ or +, or consists of dots, which Elasticsearch rejects: %s", index, example)
	}
}
