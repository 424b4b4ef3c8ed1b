// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Reading and checking: one file for each mistake, and files that are right.

package config

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	conf "github.com/elastic/elastic-agent-libs/config"
)

// testToken is a token for a server that does not exist, with an invalid signature.
var testToken = token(`{"aud":["events.example.com"],"1password.com/fts":["auditevents"]}`)

func token(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"ES256"}`)) + "." + encode([]byte(claims)) + "." + encode([]byte("no signature"))
}

// setTokens sets the variables that the test data refers to.
func setTokens(t testing.TB) {
	t.Setenv(TokenVariable, testToken)
	t.Setenv("TEST_TOKEN_WITHOUT_SERVER", token(`{"aud":["com.1password.streamingservice"]}`))
	t.Setenv("TEST_TOKEN_CUT", testToken[:40])
	t.Setenv("TEST_BLANK", "  ")
	t.Setenv("TEST_TOKEN_BROKEN", testToken[:30]+"\n"+testToken[30:])
}

func load(t *testing.T, name string) *conf.C {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	cfg, err := conf.NewConfigWithYAML(data, name)
	require.NoError(t, err)
	return cfg
}

func TestDefaultNeedsOnlyAToken(t *testing.T) {
	c := Default()
	c.Token = Secret(testToken)
	require.NoError(t, c.Validate())
	c.Token = ""
	require.EqualError(t, c.Validate(), "token: "+missingToken)
}

// TestDefaultPollsBelowATenth: idle polling of all event types stays below 10 % of each of the API's limits.
func TestDefaultPollsBelowATenth(t *testing.T) {
	c := Default()
	perMinute := float64(len(c.EventTypes)) * float64(time.Minute) / float64(c.Interval)
	assert.Less(t, perMinute, 0.1*600)
	assert.Less(t, 60*perMinute, 0.1*30000)
}

// TestMistakes reads the bad files of testdata. Each begins with the messages that it must lead to, line by line in a
// comment, and so tells a reader what the mistake is.
func TestMistakes(t *testing.T) {
	setTokens(t)
	files, err := filepath.Glob("testdata/bad-*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			_, err := Unpack(load(t, name))
			require.Error(t, err)
			assert.Equal(t, expected(t, path), err.Error())
		})
	}
}

// expected returns the comment lines at the top of a file.
func expected(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(string(data)) {
		text, ok := strings.CutPrefix(line, "# ")
		if !ok {
			break
		}
		lines = append(lines, strings.TrimRight(text, "\n"))
	}
	return strings.Join(lines, "\n")
}

func TestGoodFiles(t *testing.T) {
	setTokens(t)
	want := map[string]func(*Config){
		"good-minimal.yml":      func(*Config) {},
		"good-empty-values.yml": func(*Config) {},
		"good-padded-token.yml": func(c *Config) { c.URL = "https://events.1password.com"; c.Token = "padded-token" },
		"good-loopback.yml":     func(c *Config) { c.URL = "http://127.0.0.1:8080"; c.Token = "unreadable-but-url-is-set" },
		"good-token-file.yml":   func(c *Config) { c.Token, c.TokenFile = "", "/run/secrets/token" },
		"good-one-type.yml":     func(c *Config) { c.EventTypes = []string{"item_usages"} },
		"good-common.yml":       func(c *Config) { c.ID = "acme" },
		"good-everything.yml": func(c *Config) {
			c.ID, c.URL, c.EventTypes = "acme.eu_1-a", "https://events.1password.eu", []string{"signin_attempts", "audit_events"}
			c.Interval, c.InitialInterval, c.Limit, c.APIVersion = time.Second, 2880*time.Hour, 1, "v1"
			c.RateLimit = RateLimit{RequestsPerMinute: 0, RequestsPerHour: 100}
			c.PreserveOriginalEvent, c.AcceptFailureStore, c.Namespace, c.ShutdownTimeout = true, true, "prod.eu_1", 0
			c.Transport.Timeout, c.Transport.IdleConnTimeout, c.Transport.Proxy.Disable = 1500*time.Millisecond, 0, true
		},
	}
	files, err := filepath.Glob("testdata/good-*.yml")
	require.NoError(t, err)
	assert.Len(t, files, len(want))
	for name, change := range want {
		t.Run(name, func(t *testing.T) {
			expected := Default()
			expected.Token = Secret(testToken)
			change(&expected)
			cfg := load(t, name)
			got, err := Unpack(cfg)
			require.NoError(t, err)
			if len(got.Transport.Proxy.Headers) == 0 {
				got.Transport.Proxy.Headers = expected.Transport.Proxy.Headers
			}
			assert.Equal(t, expected, got)
			assert.Equal(t, expected.Token.Reveal(), got.Token.Reveal())
			assert.Empty(t, UnknownKeys(cfg))
		})
	}
}

func TestUnpackNothing(t *testing.T) {
	_, err := Unpack(nil)
	require.Error(t, err)
	assert.Empty(t, UnknownKeys(nil))
}

func TestVariableThatIsNotSet(t *testing.T) {
	cfg, err := conf.NewConfigFrom("token: ${" + TokenVariable + "_MISSING}\nurl: ${NO_SUCH_URL}\ninterval: ${NO_SUCH_INTERVAL}\nlimit: 0")
	require.NoError(t, err)
	_, err = Unpack(cfg)
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 4, "%v", err)
	missing := TokenVariable + "_MISSING"
	assert.Equal(t, "token: "+missing+" is not set: run `./onepasswordbeat keystore add "+missing+"` or export it, or name a token_file", lines[0])
	assert.Equal(t, "url: NO_SUCH_URL is not set: run `./onepasswordbeat keystore add NO_SUCH_URL`, export it, or write the value", lines[1])
	assert.Contains(t, lines[2], "interval: NO_SUCH_INTERVAL is not set")
	assert.Contains(t, lines[3], "limit: 0 is out of range")
}

// TestWhichVariableIsNotSet: the one that is at fault, among those of a value.
func TestWhichVariableIsNotSet(t *testing.T) {
	t.Setenv("TEST_SET", "x")
	tests := map[string]string{ // token → the error
		"${TEST_SET}.${NOT_SET}":        "NOT_SET is not set: ",
		"${ALSO_NOT_SET:x}.${NOT_SET}":  "NOT_SET is not set: ",
		"${NOT_SET}.${ALSO_NOT_SET:x}":  "NOT_SET is not set: ",
		"${NOT_SET.BELOW}":              "NOT_SET.BELOW is not set: run `./onepasswordbeat keystore add NOT_SET.BELOW`",
		"${ALSO_NOT_SET:}":              "ALSO_NOT_SET is empty: ",
		"${TEST_SET}.${ALSO_NOT_SET:x}": "a token has 3 parts between dots, this one has 2",
	}
	for value, want := range tests {
		t.Run(value, func(t *testing.T) {
			_, err := Unpack(conf.MustNewConfigFrom(map[string]any{"token": value}))
			require.ErrorContains(t, err, "token: ")
			require.ErrorContains(t, err, want)
		})
	}
	_, err := Unpack(conf.MustNewConfigFrom(map[string]any{"token": testToken, "tags": []string{"${NOT_SET}"}, "ssl.certificate": "${NOT_SET_EITHER}"}))
	require.ErrorContains(t, err, "tags: NOT_SET is not set: ")
	require.ErrorContains(t, err, "ssl.certificate: NOT_SET_EITHER is not set: ")
}

// TestSuggestedNamespace is one that would be accepted.
func TestSuggestedNamespace(t *testing.T) {
	for _, ns := range []string{"Foo-Bar", "a b", "A/B\\C", strings.Repeat("Ⱥ", 50), "x\x00y"} {
		c := Default()
		c.Token, c.Namespace = Secret(testToken), ns
		require.Error(t, c.Validate(), "%q", ns)
		c.Namespace = validNamespace(ns)
		require.NoError(t, c.Validate(), "%q", c.Namespace)
	}
}

func TestIndex(t *testing.T) {
	tests := map[string]bool{ // name → is it accepted?
		"logs-1password.custom-default":           true,
		"%{[event.dataset]}-%{+yyyy.MM.dd}":       true,
		"logs-%{[data_stream.namespace]:default}": true,
		"Upper-Case":                         true, // libbeat makes it lower case
		"<logs-{now/d}>":                     true,
		".hidden":                            true,
		"..":                                 false,
		"a,b":                                false,
		"a*":                                 false,
		"-a":                                 false,
		"logs-%{[event.dataset":              false,
		"logs-%{}":                           false,
		strings.Repeat("a", maxIndexBytes):   true,
		strings.Repeat("a", maxIndexBytes+1): false,
		"%{[" + strings.Repeat("a", maxIndexBytes) + "]}": true,
	}
	for index, want := range tests {
		var p problems
		checkIndex(index, &p)
		assert.Equal(t, want, len(p) == 0, "%q: %v", index, p)
	}
}

func TestUnknownKeys(t *testing.T) {
	cfg, err := conf.NewConfigFrom(map[string]any{
		"type": "onepassword", "tokn": "x", "token": "${NOT_SET_ANYWHERE}", "ssl.verfication_mode": "full", "ssl.enabled": true,
		"rate_limit":  map[string]any{"requests_per_second": 1, "requests_per_hour": 1},
		"event_types": []string{"a", "b"}, "evnts": []string{"a", "b"},
		"processors": []any{map[string]any{"drop_event": map[string]any{"when": 1}}}, "fields": map[string]any{"a": map[string]any{"b": 1}},
		"data_stream": map[string]any{"dataset": "x"}, "meta.package.name": "1password", "publisher_pipeline.disable_host": true,
		"proxy_headers": map[string]any{"X-A": "b"}, "keep_null": true, "streams": []any{map[string]any{"id": "x"}},
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"evnts", "rate_limit.requests_per_second", "ssl.verfication_mode", "tokn"}, UnknownKeys(cfg))
}

// TestSectionOfAFile: an input that is a part of a larger file says the same as one that stands alone, and variables
// may refer to that file.
func TestSectionOfAFile(t *testing.T) {
	cfg, err := conf.NewConfigFrom(map[string]any{"path.config": "/no/such", "onepasswordbeat.inputs": []any{map[string]any{
		"tokn": "x", "interval": "fast", "ssl.verification_mode": "lax", "ssl.key": "${path.config}/key.pem", "timeout": "${NO_SUCH_TIMEOUT}",
		"token_file": "${path.config}/token",
	}}})
	require.NoError(t, err)
	var file struct {
		Inputs []*conf.C `config:"onepasswordbeat.inputs"`
	}
	require.NoError(t, cfg.Unpack(&file))
	assert.Equal(t, []string{"tokn"}, UnknownKeys(file.Inputs[0]))
	_, err = Unpack(file.Inputs[0])
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 3, "%v", err)
	assert.Contains(t, lines[0], "interval: it must be a duration")
	assert.Contains(t, lines[1], "timeout: NO_SUCH_TIMEOUT is not set")
	assert.Contains(t, lines[2], "ssl.verification_mode: it is not accepted")
}

// TestAllKindsOfProblemsAtOnce: a file that is missing does not hide a value that is wrong, nor the other way round.
func TestAllKindsOfProblemsAtOnce(t *testing.T) {
	cfg, err := conf.NewConfigFrom(map[string]any{"token": testToken, "timeout": "soon", "limit": 0, "ssl.certificate_authorities": []string{"/no/such/ca.pem"}})
	require.NoError(t, err)
	_, err = Unpack(cfg)
	require.ErrorContains(t, err, "timeout: ")
	require.ErrorContains(t, err, "limit: ")
	require.ErrorContains(t, err, "/no/such/ca.pem")
}

func TestCheckIDs(t *testing.T) {
	tests := map[string]struct {
		ids  []any
		want string
	}{
		"none":        {nil, ""},
		"one without": {[]any{""}, ""},
		"one with":    {[]any{"a"}, ""},
		"different":   {[]any{"a", "b", 3}, ""},
		"disabled":    {[]any{"a", false, "b"}, ""},
		"one of two":  {[]any{"a", ""}, "id: input 2 has no id: with several inputs each needs one, for example the account's name"},
		"none of two": {[]any{"", ""}, "id: inputs 1 and 2 have no id: with several inputs each needs one, for example the account's name"},
		"the same":    {[]any{"a", "b", "a", "a"}, `id: inputs 1, 3 and 4 have the same id "a": give each its own, otherwise they share their cursors`},
		"everything at once": {[]any{"a", "a", ""}, "id: input 3 has no id: with several inputs each needs one, for example the account's name\n" +
			`id: inputs 1 and 2 have the same id "a": give each its own, otherwise they share their cursors`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var inputs []*conf.C
			for _, id := range test.ids {
				values := map[string]any{"type": "onepassword"}
				if id == false {
					values["enabled"] = false
				} else if id != "" {
					values["id"] = id
				}
				inputs = append(inputs, conf.MustNewConfigFrom(values))
			}
			err := CheckIDs(inputs)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.want)
		})
	}
}

var longIndex = regexp.MustCompile(`\d{4}|\\`)

// FuzzUnpack: whatever stands in a section, reading it neither panics nor shows the token.
func FuzzUnpack(f *testing.F) {
	for _, seed := range []string{`{}`, `{"token":5}`, `{"token":null,"interval":[1,{"a":null}]}`, `{"ssl":{"certificate":"x","enabled":3}}`,
		`{"rate_limit":{"requests_per_minute":"x"},"proxy_url":"%zz","timeout":{}}`, `{"rate_limit":[1],"event_types":[[],{}]}`, `{"ssl.curve_types":[null]}`} {
		f.Add(seed, "url")
	}
	for _, option := range Options() {
		f.Add(`{"token":"x"}`, option.Key)
	}
	f.Fuzz(func(t *testing.T, section, key string) {
		var values map[string]any
		if strings.Contains(section+key, "$") || longIndex.MatchString(section+key) || json.Unmarshal([]byte(section), &values) != nil || values == nil {
			t.Skip("a variable, a list that go-ucfg would make as long as its index, or no map")
		}
		if len(key) < 100 && strings.Trim(key, "0123456789.") != "" {
			values[key] = testToken // wherever it was pasted
		}
		cfg, err := conf.NewConfigFrom(values)
		if err != nil {
			t.Skip("no configuration")
		}
		if _, err = Unpack(cfg); err != nil {
			assert.NotContains(t, err.Error(), testToken)
			assert.NotContains(t, err.Error(), testToken[:30])
		}
		_ = UnknownKeys(cfg)
	})
}
