// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The script of the package's system tests, which need Docker, is played to Filebeat here.

package cel

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/bulktest"
)

// player answers as elastic-package's service `stream` does: by the first rule that matches, whose responses take turns.
type player struct {
	Rules []struct {
		Path      string              `yaml:"path"`
		Methods   []string            `yaml:"methods"`
		Body      string              `yaml:"request_body"`
		Headers   map[string][]string `yaml:"request_headers"`
		Responses []struct {
			Status  int                 `yaml:"status_code"`
			Headers map[string][]string `yaml:"headers"`
			Body    string              `yaml:"body"`
		} `yaml:"responses"`
	} `yaml:"rules"`
	mu     sync.Mutex
	played map[int]int // responses by the rule's number
	missed []string    // requests without a rule
}

func (p *player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, rule := range p.Rules {
		matches := rule.Path == r.URL.Path && slices.Contains(rule.Methods, r.Method) && (rule.Body == "" || rule.Body == string(body))
		for name, values := range rule.Headers {
			matches = matches && slices.Equal(values, r.Header.Values(name))
		}
		if !matches {
			continue
		}
		answer := rule.Responses[p.played[i]%len(rule.Responses)]
		p.played[i]++
		for name, values := range answer.Headers {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Status)
		_, _ = io.WriteString(w, answer.Body)
		return
	}
	p.missed = append(p.missed, r.Method+" "+r.URL.Path+" "+string(body))
	w.WriteHeader(http.StatusNotFound)
}

// systemTest is what the package's system test sets and expects.
type systemTest struct {
	Vars       M `yaml:"vars"`
	DataStream struct {
		Vars M `yaml:"vars"`
	} `yaml:"data_stream"`
	Assert struct {
		HitCount int `yaml:"hit_count"`
	} `yaml:"assert"`
}

// TestSystemTestScript: every event of the script arrives once, by exactly the requests that the script knows.
func TestSystemTestScript(t *testing.T) {
	for _, stream := range streams() {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			p := &player{played: map[int]int{}}
			readYAML(t, p, "_dev", "deploy", "docker", "files", "config.yml")
			var test systemTest
			readYAML(t, &test, "data_stream", stream, "_dev", "test", "system", "test-default-config.yml")
			server := httptest.NewTLSServer(p)
			t.Cleanup(server.Close)

			set := M{"url_override": server.URL, "ssl": "verification_mode: none", "token": test.Vars["token"], "url": test.Vars["url"]}
			for name, value := range test.DataStream.Vars {
				set[name] = value
			}
			m, _ := module.ByName(stream)
			r := &rig{
				t: t, es: bulktest.Start(t), stream: stream, typ: eventsapitest.EventType(m.Path), home: t.TempDir(),
				config: agent(celInput, stream, render(t, celInput, stream, set)),
			}
			f := r.start()
			f.says("there were too many requests (429)")
			f.until("every event", func() bool { return r.es.Count("") >= test.Assert.HitCount })
			f.until("a request that brings nothing", func() bool {
				p.mu.Lock()
				defer p.mu.Unlock()
				idle := 0
				for i, rule := range p.Rules {
					if rule.Path == "/api/v2/"+m.Path && rule.Body == `{"cursor":"`+m.Path+`-cursor-2"}` {
						idle = p.played[i]
					}
				}
				return idle > 0
			})
			assert.Equal(t, test.Assert.HitCount, r.es.Count(""))
			assert.Empty(t, p.missed, "requests that the script does not know")
		})
	}
}

func readYAML(t *testing.T, into any, elem ...string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(append([]string{root}, elem...)...))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(raw, into))
}
