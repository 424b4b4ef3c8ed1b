// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package oldest runs the program of the package's cel input on an old release of the
// library behind that input: v1.15.0, of Filebeat 8.16. The oldest Agent that the
// package supports, 8.18, has v1.17.0. What works here needs nothing newer.
package oldest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/elastic/mito/lib"
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker/decls"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/structpb"
)

// source is the program, before it is put into the templates.
const source = "../../../dev-tools/generate/integration/streams/templates/program.cel"

const token = "not-a-token-but-long-enough"

// object is a JSON object.
type object = map[string]any

// program compiles the source in the environment that the input gives it.
func program(t *testing.T, client *http.Client) cel.Program {
	t.Helper()
	text, err := os.ReadFile(source)
	require.NoError(t, err)
	env, err := cel.NewEnv(
		cel.Declarations(decls.NewVar("state", decls.Dyn)),
		cel.OptionalTypes(cel.OptionalTypesVersion(lib.OptionalTypesVersion)),
		lib.Collections(), lib.Crypto(), lib.JSON(nil), lib.Strings(), lib.Time(), lib.Try(),
		lib.HTTPWithContext(t.Context(), client, nil, nil),
		lib.Globals(object{"useragent": "Filebeat"}),
	)
	require.NoError(t, err)
	ast, issues := env.Compile(string(text))
	require.NoError(t, issues.Err())
	p, err := env.Program(ast)
	require.NoError(t, err)
	return p
}

// evaluate runs the program once, and turns its result into plain values as the input does.
func evaluate(t *testing.T, p cel.Program, state object) object {
	t.Helper()
	return evaluateAt(t, p, state, time.Now())
}

// evaluateAt evaluates as if it were another time.
func evaluateAt(t *testing.T, p cel.Program, state object, now time.Time) object {
	t.Helper()
	out, _, err := p.ContextEval(t.Context(), object{"state": state, "now": now.UTC()})
	require.NoError(t, err)
	plain, err := out.ConvertToNative(reflect.TypeFor[*structpb.Struct]())
	require.NoError(t, err)
	return plain.(*structpb.Struct).AsMap() //nolint:errcheck // the type was asked for
}

// start is the state as the template configures it.
func start(url string) object {
	return object{
		"server": url, "path": "/path", "token": token, "user_agent": "test", "initial_interval": "24h", "limit": 1000,
		"waits": []any{5, 30, 60, 120, 300}, "rejected_own": "10m", "rejected_other": "1h", "overlap": "24h",
	}
}

// answer is what a server says to every request.
func answer(t *testing.T, status int, header http.Header, body string) (url string, requests *[]object) {
	t.Helper()
	requests = &[]object{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		var request object
		assert.NoError(t, json.Unmarshal(raw, &request))
		assert.Equal(t, "Bearer "+token, r.Header.Get("Authorization"))
		*requests = append(*requests, request)
		for key, values := range header {
			w.Header()[key] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, requests
}

func TestPage(t *testing.T) {
	url, requests := answer(t, http.StatusOK, nil, `{"cursor":"c1","has_more":true,"items":[
		{"uuid":"A","timestamp":"2024-05-06T07:08:09.123456789Z","aux_id":9277034,"x":{"y":[null,0.5]}},
		{"uuid":7,"timestamp":12}, 42, "text", null, [1], {}]}`)
	p := program(t, http.DefaultClient)

	state := evaluate(t, p, start(url))
	assert.Equal(t, []any{object{"cursor": "start"}}, state["events"])
	assert.Empty(t, *requests, "the start is stored before anything is asked for")

	delete(state, "events")
	state = evaluate(t, p, state)
	cursor := state["cursor"].(object) //nolint:errcheck // a test
	assert.Equal(t, object{"limit": 1000.0, "start_time": cursor["start"]}, (*requests)[0])
	assert.Equal(t, "c1", cursor["next"])
	assert.Equal(t, "2024-05-06T07:08:09.123456789Z", cursor["last"])
	assert.Equal(t, true, state["want_more"])
	events := state["events"].([]any) //nolint:errcheck // a test
	require.Len(t, events, 7)
	assert.Equal(t, object{
		"message":        `{"aux_id":9277034,"timestamp":"2024-05-06T07:08:09.123456789Z","uuid":"A","x":{"y":[null,0.5]}}`,
		"onepassword_id": "A",
	}, events[0])
	for i, want := range []string{`{"timestamp":12,"uuid":7}`, `42`, `"text"`, `null`, `[1]`, `{}`} {
		assert.Equal(t, object{"message": want}, events[i+1])
	}

	delete(state, "events")
	state = evaluate(t, p, state)
	assert.Equal(t, object{"cursor": "c1"}, (*requests)[1])
	assert.Equal(t, false, state["want_more"], "the cursor stays where it is")
}

func TestProblems(t *testing.T) {
	soon := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
	cases := map[string]struct {
		status int
		header http.Header
		body   string
		says   string
		wait   float64 // seconds
	}{
		"unauthorized":         {401, nil, `{"Error":{"Message":"no ` + token + `"}}`, "rejected (401): no *", 300},
		"forbidden":            {403, nil, `{"status":403,"message":"no"}`, "denied (403): no.", 300},
		"not found":            {404, nil, `404 page not found`, "rejected (404)", 300},
		"bad request":          {400, nil, ``, "rejected (400)", 300},
		"rate limit, seconds":  {429, http.Header{"Retry-After": {"7"}}, ``, "(429)", 7},
		"rate limit, date":     {429, http.Header{"Retry-After": {soon}}, ``, "(429)", 90},
		"rate limit":           {429, nil, ``, "(429)", 60},
		"rate limit, nonsense": {429, http.Header{"Retry-After": {"soon"}}, ``, "(429)", 60},
		"rate limit, past":     {429, http.Header{"Retry-After": {"-9"}}, ``, "(429)", 1},
		"rate limit, far":      {429, http.Header{"Retry-After": {"99999999999"}}, ``, "(429)", 3600},
		"server":               {503, nil, `{"Error":null}`, "failed (503)", 5},
		"no JSON":              {200, nil, "\x00\xff{{", "not a page", 5},
		"no items":             {200, nil, `{"cursor":"c","has_more":false}`, "not a page", 5},
		"no cursor":            {200, nil, `{"items":[],"has_more":false}`, "not a page", 5},
		"empty cursor":         {200, nil, `{"cursor":"","items":[],"has_more":false}`, "not a page", 5},
		"items an object":      {200, nil, `{"cursor":"c","items":{},"has_more":false}`, "not a page", 5},
		"has_more a string":    {200, nil, `{"cursor":"c","items":[],"has_more":"false"}`, "not a page", 5},
		"a list":               {200, nil, `[]`, "not a page", 5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			url, requests := answer(t, c.status, c.header, c.body)
			p := program(t, http.DefaultClient)
			state := start(url)
			state["cursor"] = object{"server": url, "next": "", "start": "2024-01-01T00:00:00Z", "last": ""}
			state = evaluate(t, p, state)

			problem := state["events"].(object)["error"].(object) //nolint:errcheck // a test
			assert.Contains(t, problem["message"], c.says)
			assert.NotContains(t, fmt.Sprint(problem), token)
			assert.Equal(t, false, state["want_more"])
			until, err := time.Parse(time.RFC3339, state["wait_until"].(string)) //nolint:errcheck // a test
			require.NoError(t, err)
			assert.InDelta(t, c.wait, time.Until(until).Seconds(), 3)

			delete(state, "events")
			state = evaluate(t, p, state)
			assert.Empty(t, state["events"])
			assert.Len(t, *requests, 1, "no request while it waits")
		})
	}
}

// script answers requests in turn, and remembers them.
type script struct {
	answers  []scripted
	requests []object
}

type scripted struct {
	status int
	body   string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	var request object
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		return nil, err
	}
	a := s.answers[len(s.requests)]
	s.requests = append(s.requests, request)
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

// TestRejectedCursor: a cursor is given up only after the API's own 400 has come back for ten minutes, or another for an
// hour, and only for the page of a request without it.
func TestRejectedCursor(t *testing.T) {
	const minute = time.Minute
	own := scripted{400, `{"Error":{"Message":"Bad Request"}}`}
	documented := scripted{400, `{"status":400,"message":"bad cursor"}`}
	empty, text, foreign := scripted{400, ``}, scripted{400, `<html>Bad Request</html>`}, scripted{400, `{"message":"blocked by the gateway"}`}
	down, page := scripted{503, ``}, scripted{200, `{"cursor":"new","has_more":false,"items":[]}`}
	with, without := "with the cursor", "without"
	type step struct {
		after  time.Duration // the first
		answer scripted
		asks   string
	}
	cases := map[string]struct {
		steps []step
		next  string // the cursor after them
	}{
		"half a second":             {[]step{{0, empty, with}, {500 * time.Millisecond, text, with}, {time.Second, foreign, with}, {2 * time.Second, page, with}}, "new"},
		"own, for ten minutes":      {[]step{{0, own, with}, {9 * minute, own, with}, {10 * minute, own, with}, {10*minute + 1, page, without}}, "new"},
		"documented, too":           {[]step{{0, documented, with}, {10 * minute, own, with}, {10*minute + 1, page, without}}, "new"},
		"own, not for ten minutes":  {[]step{{0, own, with}, {9*minute + 59*time.Second, own, with}, {9*minute + 59*time.Second, own, with}}, "old"},
		"foreign, for ten minutes":  {[]step{{0, foreign, with}, {10 * minute, text, with}, {59 * minute, empty, with}, {59 * minute, foreign, with}}, "old"},
		"foreign, for an hour":      {[]step{{0, foreign, with}, {30 * minute, text, with}, {60 * minute, empty, with}, {60*minute + 1, page, without}}, "new"},
		"own after foreign":         {[]step{{0, foreign, with}, {30 * minute, own, with}, {39 * minute, own, with}, {40 * minute, own, with}, {40*minute + 1, page, without}}, "new"},
		"foreign between":           {[]step{{0, own, with}, {8 * minute, foreign, with}, {11 * minute, own, with}, {12 * minute, own, with}}, "old"},
		"down between":              {[]step{{0, own, with}, {8 * minute, down, with}, {11 * minute, own, with}, {12 * minute, own, with}}, "old"},
		"good between":              {[]step{{0, own, with}, {8 * minute, page, with}, {11 * minute, own, with}, {12 * minute, own, with}}, "new"},
		"everything rejected":       {[]step{{0, own, with}, {10 * minute, own, with}, {11 * minute, own, without}, {12 * minute, own, with}, {13 * minute, down, without}, {14 * minute, page, with}}, "new"},
		"probe answered by no page": {[]step{{0, own, with}, {10 * minute, own, with}, {11 * minute, scripted{200, `{}`}, without}, {12 * minute, own, with}}, "old"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := &script{}
			p := program(t, &http.Client{Transport: s})
			state := start("https://events.example.com")
			state["waits"] = []any{0, 0, 0, 0, 0}
			began := time.Now()
			last := began.Add(-time.Hour).UTC().Truncate(time.Second)
			state["cursor"] = object{
				"server": "https://events.example.com", "next": "old", "start": "2024-01-01T00:00:00Z", "last": last.Format(time.RFC3339),
			}
			for i, step := range c.steps {
				s.answers = append(s.answers, step.answer)
				// A little later for each: a wait of 0 s ends at the real time.
				state = evaluateAt(t, p, state, began.Add(step.after+time.Duration(i)*10*time.Millisecond))
				delete(state, "events")
				require.Len(t, s.requests, i+1)
				request := s.requests[i]
				if step.asks == with {
					assert.NotContains(t, request, "start_time", "step %d", i)
					assert.NotEmpty(t, request["cursor"], "step %d", i)
				} else {
					assert.Equal(t, object{"limit": 1000.0, "start_time": last.Add(-24 * time.Hour).Format(time.RFC3339)}, request, "step %d", i)
				}
			}
			assert.Equal(t, c.next, state["cursor"].(object)["next"]) //nolint:errcheck // a test
		})
	}
}

// TestStartIsWithinTheRetention: a request for what the API no longer keeps would always be rejected.
func TestStartIsWithinTheRetention(t *testing.T) {
	for name, cursor := range map[string]object{
		"first request, late":      {"next": "", "start": "2024-01-01T00:00:00Z", "last": ""},
		"last event, long ago":     {"next": "", "start": "2024-01-01T00:00:00Z", "last": "2024-01-02T00:00:00Z"},
		"after a rejected cursor":  {"next": "old", "start": "2024-01-01T00:00:00Z", "last": "2024-01-02T00:00:00Z"},
		"a week of rejected token": {"next": "", "start": time.Now().Add(-2887 * time.Hour).UTC().Format(time.RFC3339), "last": ""},
	} {
		t.Run(name, func(t *testing.T) {
			url, requests := answer(t, http.StatusUnauthorized, nil, ``)
			p := program(t, http.DefaultClient)
			state := start(url)
			cursor["server"] = url
			state["cursor"], state["restart"] = cursor, cursor["next"] != ""
			evaluate(t, p, state)
			require.Len(t, *requests, 1)
			from, err := time.Parse(time.RFC3339, (*requests)[0]["start_time"].(string)) //nolint:errcheck // a test
			require.NoError(t, err)
			assert.WithinDuration(t, time.Now().Add(-2880*time.Hour+15*time.Minute), from, time.Minute)
		})
	}
}

// asked is a client that remembers the server that a request goes to, and sends none.
type asked struct{ servers []string }

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	a.servers = append(a.servers, r.URL.Scheme+"://"+r.URL.Host)
	return nil, http.ErrHandlerTimeout
}

// first evaluates until there is a request or a problem, and returns the server and what is said.
func first(t *testing.T, settings object) (servers []string, says string) {
	t.Helper()
	client := &asked{}
	p := program(t, &http.Client{Transport: client})
	state := start("https://events.example.com")
	maps.Copy(state, settings)
	for range 3 { // the third must be the pause after the second, or after the first
		delete(state, "events")
		state = evaluate(t, p, state)
		if events, ok := state["events"].(object); ok {
			assert.Empty(t, says, "a pause follows")
			says = events["error"].(object)["message"].(string) //nolint:errcheck // a test
			assert.Equal(t, false, state["want_more"])
		}
	}
	return client.servers, says
}

// jwt is a token with these claims.
func jwt(encoding *base64.Encoding, claims string) string {
	return "e30." + encoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// TestServerOfTheToken: the server is in the claims, or there is no request.
func TestServerOfTheToken(t *testing.T) {
	const unreadable, unnamed, unusable = "cannot be read", "does not name its server", "URL is not usable"
	cases := map[string]struct {
		token, server, says string // one of the last two
	}{
		"a list":              {jwt(base64.RawURLEncoding, `{"aud":["events.1password.eu"]}`), "https://events.1password.eu", ""},
		"a text":              {jwt(base64.RawURLEncoding, `{"aud":"Events.1password.com"}`), "https://events.1password.com", ""},
		"a port":              {jwt(base64.RawURLEncoding, `{"aud":["[2001:db8::1]:8443"]}`), "https://[2001:db8::1]:8443", ""},
		"URL alphabet":        {jwt(base64.RawURLEncoding, `{"x":"\u00ff>>>???~~~ÿÿ","aud":["a.example"]}`), "https://a.example", ""},
		"padded":              {jwt(base64.URLEncoding, `{"aud":["ab.example"]}`), "https://ab.example", ""},
		"space around":        {" " + jwt(base64.RawURLEncoding, `{"aud":["a.example"]}`) + "\n", "https://a.example", ""},
		"old":                 {jwt(base64.RawURLEncoding, `{"aud":["com.1password.streamingservice"]}`), "", "of an old kind"},
		"old, as text":        {jwt(base64.RawURLEncoding, `{"aud":"com.1password.streamingservice"}`), "", "of an old kind"},
		"old among others":    {jwt(base64.RawURLEncoding, `{"aud":["a.example","com.1password.streamingservice"]}`), "", "of an old kind"},
		"no audience":         {jwt(base64.RawURLEncoding, `{}`), "", unnamed},
		"an empty list":       {jwt(base64.RawURLEncoding, `{"aud":[]}`), "", unnamed},
		"two":                 {jwt(base64.RawURLEncoding, `{"aud":["a.example","b.example"]}`), "", unnamed},
		"null":                {jwt(base64.RawURLEncoding, `{"aud":null}`), "", unnamed},
		"a number":            {jwt(base64.RawURLEncoding, `{"aud":[7]}`), "", unnamed},
		"empty audience":      {jwt(base64.RawURLEncoding, `{"aud":[""]}`), "", unusable},
		"a URL":               {jwt(base64.RawURLEncoding, `{"aud":["https://a.example"]}`), "", unusable},
		"a path":              {jwt(base64.RawURLEncoding, `{"aud":["a.example/"]}`), "", unusable},
		"a user":              {jwt(base64.RawURLEncoding, `{"aud":["a@b.example"]}`), "", unusable},
		"a line break":        {jwt(base64.RawURLEncoding, `{"aud":["a.example\n"]}`), "", unusable},
		"claims are a list":   {jwt(base64.RawURLEncoding, `["a.example"]`), "", unreadable},
		"claims not JSON":     {jwt(base64.RawURLEncoding, `{"aud":`), "", unreadable},
		"no base64":           {"e30.!.c2ln", "", unreadable},
		"two parts":           {"e30.e30", "", unreadable},
		"one part":            {"nonsense", "", unreadable},
		"four parts":          {jwt(base64.RawURLEncoding, `{"aud":["a.example"]}`) + ".x", "", unreadable},
		"empty":               {"", "", "the token is empty"},
		"nothing but a space": {" ", "", "the token is empty"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, choice := range []string{"token", ""} {
				servers, says := first(t, object{"token": c.token, "server": choice})
				if c.says == "" {
					assert.Equal(t, []string{c.server}, servers)
					assert.Contains(t, says, "1Password Events API at "+c.server+"/path: there was no answer")
					continue
				}
				assert.Empty(t, servers)
				assert.Contains(t, says, c.says)
				if part := strings.TrimSpace(c.token); part != "" {
					assert.NotContains(t, says, part)
				}
			}
		})
	}
}

// TestChosenServer: a chosen server goes over the token's; another host gets no request.
func TestChosenServer(t *testing.T) {
	own := jwt(base64.RawURLEncoding, `{"aud":["events.1password.com"]}`)
	for _, chosen := range []string{
		"https://events.1password.eu", "https://gateway.example:8443", "https://192.0.2.1", "https://[2001:db8::1]:443",
		"http://127.0.0.1:8080", "http://127.9.0.255", "http://localhost:1", "http://[::1]:8080",
	} {
		for _, token := range []string{own, "unreadable-but-a-server-is-chosen"} {
			for _, written := range []string{chosen, " " + strings.ToUpper(chosen) + "/ "} {
				servers, _ := first(t, object{"token": token, "server": written})
				assert.Equal(t, []string{chosen}, servers, written)
			}
		}
	}
	for _, chosen := range []string{
		"http://events.1password.com", "http://127.0.0.1.example.com", "http://127.0.0.256", "http://127.0.0.01", "http://localhost.example.com",
		"http://localhost@example.com", "http://192.0.2.1", "http://[2001:db8::1]", "http://[::1", "http://",
		"https://a.example/path", "https://a.example//", "https://a.example?x=y", "https://a.example#x", "https://u:secret@a.example",
		"https://a.example:x", "https://a.example:", "https://-a.example", "https://a..example", "https://.example", "https://a example",
		"https://", "https:a.example", "events.1password.com", "ftp://a.example", "file:///etc/passwd", "http+unix:///run/x", "tokens",
		"https://a.example\nhttps://b.example", "https://a.example\\@b.example",
	} {
		servers, says := first(t, object{"token": own, "server": chosen})
		assert.Empty(t, servers, chosen)
		assert.Contains(t, says, "the server's URL is not usable", chosen)
		assert.NotContains(t, says, "secret")
	}
}

// TestSettings: a setting that is not usable is said, once, and nothing is requested.
func TestSettings(t *testing.T) {
	for _, good := range []any{"24h", "30d", "1d", "120d", "2880h", "90m", " 36h ", "1h30m"} {
		servers, says := first(t, object{"initial_interval": good})
		assert.Len(t, servers, 1, good)
		assert.Contains(t, says, "there was no answer")
	}
	for _, bad := range []any{"", "24", 24, "1w", "121d", "2881h", "0s", "0d", "-1h", "-1d", "d", "1.5d", "1d12h", "99999d", "9e9h", "h", "tomorrow", nil, true} {
		servers, says := first(t, object{"initial_interval": bad})
		assert.Empty(t, servers, bad)
		assert.Contains(t, says, "the initial interval is not usable", bad)
	}
	for _, bad := range []any{0, -1, 1001, "x", "", nil} {
		servers, says := first(t, object{"limit": bad})
		assert.Empty(t, servers, bad)
		assert.Contains(t, says, "the page limit is not usable", bad)
	}
	_, says := first(t, object{"limit": 2000})
	assert.Equal(t, "1Password: the page limit is not usable. Write a number from 1 to 1000. Nothing is requested before that is changed.", says)
}

// TestStart: days are 24 hours.
func TestStart(t *testing.T) {
	p := program(t, http.DefaultClient)
	state := start("https://events.example.com")
	state["initial_interval"] = "30d"
	cursor := evaluate(t, p, state)["cursor"].(object)             //nolint:errcheck // a test
	got, err := time.Parse(time.RFC3339, cursor["start"].(string)) //nolint:errcheck // a test
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now().Add(-30*24*time.Hour), got, time.Minute)
}

// TestAnotherServer: a cursor is good on its own server only.
func TestAnotherServer(t *testing.T) {
	p := program(t, http.DefaultClient)
	state := start("https://events.example.com")
	state["cursor"] = object{"server": "https://events.example.org", "next": "c", "start": "2024-01-01T00:00:00Z", "last": "2024-05-06T07:08:09Z"}
	cursor := evaluate(t, p, state)["cursor"].(object) //nolint:errcheck // a test
	assert.Equal(t, "https://events.example.com", cursor["server"])
	assert.Empty(t, cursor["next"])
	assert.Empty(t, cursor["last"])
	assert.NotEqual(t, "2024-01-01T00:00:00Z", cursor["start"])
}
