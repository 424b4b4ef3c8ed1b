// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package prometheus serves the metrics of the event types in Prometheus' text format. Which metrics there are is
// declared in package harvester; this package names them by Prometheus' rules: a prefix, base units (seconds, bytes),
// and the labels input_id and event_type. It has no labels of its own, so that nothing secret and nothing without a
// bound gets into them.
package prometheus

import (
	"net/http"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/proto"

	"onepasswordbeat/internal/harvester"
)

// prefix begins the name of every metric.
const prefix = "onepasswordbeat_"

// Source is the metrics of one event type.
type Source struct {
	InputID, EventType string
	Metrics            *harvester.Metrics
}

// Name is a declared metric's name here: with the prefix, and with the base unit at its end.
func Name(def harvester.MetricDef) string {
	name := prefix + def.Name
	switch def.Unit {
	case harvester.UnitMilliseconds, harvester.UnitTimestamp:
		return name + "_seconds"
	default:
		return name
	}
}

// Handler serves the metrics of all sources, and the version as onepasswordbeat_build_info.
func Handler(version string, sources func() []Source) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		format := expfmt.NewFormat(expfmt.TypeTextPlain)
		w.Header().Set("Content-Type", string(format))
		encoder := expfmt.NewEncoder(w, format)
		for _, family := range families(version, sources()) {
			if err := encoder.Encode(family); err != nil {
				return // the client is gone
			}
		}
	})
}

// families are the metrics, in the order of their declaration; those without a value are left out.
func families(version string, sources []Source) []*dto.MetricFamily {
	list := []*dto.MetricFamily{{
		Name: proto.String(prefix + "build_info"), Type: dto.MetricType_GAUGE.Enum(),
		Help: proto.String("Always 1; the label says which version runs."),
		Metric: []*dto.Metric{{
			Label: []*dto.LabelPair{{Name: proto.String("version"), Value: proto.String(version)}},
			Gauge: &dto.Gauge{Value: proto.Float64(1)},
		}},
	}}
	labels := make([][]*dto.LabelPair, len(sources))
	for i, s := range sources {
		labels[i] = []*dto.LabelPair{
			{Name: proto.String("event_type"), Value: proto.String(s.EventType)},
			{Name: proto.String("input_id"), Value: proto.String(s.InputID)},
		}
	}
	for _, def := range harvester.MetricDefs() {
		if f := family(def, sources, labels); len(f.GetMetric()) > 0 {
			list = append(list, f)
		}
	}
	return list
}

func family(def harvester.MetricDef, sources []Source, labels [][]*dto.LabelPair) *dto.MetricFamily {
	help := strings.ReplaceAll(def.Help, "`", "")
	f := &dto.MetricFamily{Name: proto.String(Name(def)), Help: &help, Type: kinds[def.Kind].Enum()}
	for i, s := range sources {
		m := &dto.Metric{Label: labels[i]}
		switch def.Kind {
		case harvester.Counter:
			m.Counter = &dto.Counter{Value: proto.Float64(float64(s.Metrics.Counter(def.Name)))}
		case harvester.Gauge:
			value := s.Metrics.Gauge(def.Name)
			if value == 0 && def.Unit == harvester.UnitTimestamp {
				continue // not known yet; zero would be 1970
			}
			m.Gauge = &dto.Gauge{Value: proto.Float64(float64(value))}
		case harvester.Histogram:
			m.Histogram = histogram(s.Metrics.Distribution(def.Name))
		}
		f.Metric = append(f.Metric, m)
	}
	return f
}

var kinds = map[harvester.MetricKind]dto.MetricType{
	harvester.Counter:   dto.MetricType_COUNTER,
	harvester.Gauge:     dto.MetricType_GAUGE,
	harvester.Histogram: dto.MetricType_HISTOGRAM,
}

// histogram turns milliseconds into seconds.
func histogram(d harvester.Distribution) *dto.Histogram {
	buckets := make([]*dto.Bucket, len(d.Bounds))
	for i, bound := range d.Bounds {
		buckets[i] = &dto.Bucket{
			UpperBound:      proto.Float64(float64(bound) / 1000),
			CumulativeCount: proto.Uint64(d.Cumulative[i]),
		}
	}
	return &dto.Histogram{
		SampleCount: proto.Uint64(d.Count),
		SampleSum:   proto.Float64(float64(d.Sum) / 1000),
		Bucket:      buckets,
	}
}
