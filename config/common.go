// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What makes the common settings wrong. Filebeat's framework reads them, when the input is made: what it refuses would
// end the beat after its start, and what it misreads would come to light in Elasticsearch.

package config

import (
	"reflect"
	"regexp"
	"strings"

	conf "github.com/elastic/elastic-agent-libs/config"
)

// common are the settings of CommonOptions, but for the processors, which are checked by making them.
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

// InputType is the `type` of an input, the only one that there is. A section that names none is taken for one.
const InputType = "onepassword"

// checkCommon reads the common settings of an input's section, and notes what is wrong with them.
func checkCommon(cfg *conf.C, p *problems) {
	c := common{Type: InputType}
	unpackFields(cfg, reflect.ValueOf(&c).Elem(), "", p)
	if c.Type != InputType {
		p.add("type", "%.60q is no type of input: write type: %s", c.Type, InputType)
	}
	checkIndex(c.Index, p)
}

// maxIndexBytes is Elasticsearch's rule for the name of an index or a data stream.
const maxIndexBytes = 255

// formatReference is a part of a format string that is filled in from the event: a field, or its time.
var formatReference = regexp.MustCompile(`%\{(\[[^{}]+\][^{}]*|\+[^{}]+)\}`)

// checkIndex refuses names that Elasticsearch refuses, as far as they are known before there is an event. libbeat
// makes them lower case. Of date math, `<name-{now/d}>`, Elasticsearch makes a name itself.
func checkIndex(index string, p *problems) {
	if index == "" || strings.HasPrefix(index, "<") && strings.HasSuffix(index, ">") {
		return
	}
	name := formatReference.ReplaceAllLiteralString(index, "x")
	const example = "write for example index: logs-1password.custom-default"
	switch {
	case strings.Contains(name, "%{"):
		p.add("index", "%.120q has a %%{ that no field follows, as in %%{[event.dataset]}: %s", index, example)
	case len(name) > maxIndexBytes:
		p.add("index", "it has %d bytes: Elasticsearch takes %d; shorten it", len(name), maxIndexBytes)
	case strings.ContainsAny(name, "\\/*?\"<>| ,#"):
		p.add("index", "%.120q has a space or one of \\ / * ? \" < > | , # in it, which Elasticsearch refuses: %s", index, example)
	case strings.Trim(name, ".") == "" || strings.ContainsAny(name[:1], "-_+"):
		p.add("index", "%.120q begins with - _ or +, or is nothing but dots, which Elasticsearch refuses: %s", index, example)
	}
}
