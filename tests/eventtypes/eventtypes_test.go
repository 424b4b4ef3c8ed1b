// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A new event type is one folder and one line: a copy of this module gets a fourth type in that way and nothing else,
// and its beat collects it.

package eventtypes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
)

const (
	soon = 20 * time.Second
	path = "inventedevents"  // of the API, and the folder
	name = "invented_events" // in the configuration
)

func TestMain(m *testing.M) { os.Exit(beattest.Main(m)) } //nolint:forbidigo // the end of every TestMain

// TestNewEventTypeIsOneFolderAndOneLine: conformance tests, fields, configuration, commands, requests, documents,
// metrics and stored state follow from the descriptor. No other file of the beat is changed by hand.
func TestNewEventTypeIsOneFolderAndOneLine(t *testing.T) {
	root := copyModule(t)
	addType(t, root)
	run(t, root, "test", "./module")
	run(t, root, "test", "./config", "-run", "TestEventTypesAreTheModules|TestEachKeyHasAnOption|TestDefaultsAreWhatDefaultSays")
	run(t, root, "run", "./dev-tools/generate/fields")
	binary := filepath.Join(root, "beat")
	run(t, root, "build", "-o", binary, ".")
	t.Setenv(beattest.BinaryVariable, binary)

	srv := eventsapitest.StartTB(t, eventsapitest.Config{Seed: 7, Backlog: eventsapitest.Each(3)})
	token := srv.Token(eventsapitest.WithFeatures(append(eventsapitest.Types(), path)...))
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []beattest.M{beattest.Input(serve(t, srv.URL), token)}, Output: beattest.FileOutput(home)})

	assert.Contains(t, home.Command("export", "template").Stdout, `"used_invention"`, "the template has the fields")
	assert.Contains(t, home.Command("test", "api").Stdout, "✔ "+name, "test api covers every default event type")
	assert.Contains(t, home.Command("state", "list", "--help").Stdout, name)
	assert.Contains(t, home.Command("migrate", "eventsapibeat", "--help").Stdout, name+" 168h", "the overlap")

	beat := home.Start()
	beat.Until(soon, "every event is acknowledged", func() bool { return beat.InputSum("events_acked_total") == 3*3+1 })
	metrics := beat.InputMetrics()
	require.Contains(t, metrics, "acme::"+name)
	assert.InDelta(t, 1, metrics["acme::"+name]["events_acked_total"], 0)
	beat.Terminate(soon)
	assert.Contains(t, home.StateList(), name)
	assert.Equal(t, "invented-cursor", home.Cursors()[name])
	found := false
	for _, ev := range home.Events() {
		if ev.Event.ID == "INVENTED" {
			found = true
			assert.Equal(t, "1password."+name, ev.Event.Dataset)
			var document map[string]any
			require.NoError(t, json.Unmarshal(ev.Raw, &document))
			assert.Equal(t, map[string]any{"type": "logs", "dataset": "1password." + name, "namespace": "default"}, document["data_stream"])
		}
	}
	assert.True(t, found, "the event is in the output")
	reset := home.Command("state", "reset", "--input", "acme", "--event-type", name, "--since", "1h")
	assert.Zero(t, reset.Code, reset.All())
}

// serve is a simulated API with one event of the new type.
func serve(t *testing.T, simulator string) string {
	t.Helper()
	target, err := url.Parse(simulator)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/"+path, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		items := fmt.Sprintf(`{"uuid":"INVENTED","timestamp":%q}`, time.Now().Add(-time.Minute).UTC().Format(time.RFC3339))
		if bytes.Contains(body, []byte("invented-cursor")) {
			items = ""
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"cursor":"invented-cursor","has_more":false,"items":[%s]}`, items)
	})
	mux.Handle("/", httputil.NewSingleHostReverseProxy(target))
	front := httptest.NewServer(mux)
	t.Cleanup(front.Close)
	return front.URL
}

// copyModule copies what the beat and the generator of its fields are built from.
func copyModule(t *testing.T) string {
	t.Helper()
	source, target := filepath.Join("..", ".."), t.TempDir()
	for _, dir := range []string{
		"_meta", "beater", "cmd", "config", "include", "internal", "module", "packages", "version", filepath.Join("dev-tools", "generate"),
	} {
		require.NoError(t, os.CopyFS(filepath.Join(target, dir), os.DirFS(filepath.Join(source, dir))))
	}
	require.NoError(t, os.Mkdir(filepath.Join(target, "docs"), 0o700))
	for _, file := range []string{"go.mod", "go.sum", "main.go"} {
		content, err := os.ReadFile(filepath.Join(source, file))
		require.NoError(t, err)
		write(t, filepath.Join(target, file), content)
	}
	return target
}

// addType adds the folder, made of that of item usages, and the line in package module with its import.
func addType(t *testing.T, root string) {
	t.Helper()
	folder := filepath.Join(root, "module", path)
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(root, "module", "itemusages"))))
	require.NoError(t, os.Rename(filepath.Join(folder, "itemusages.go"), filepath.Join(folder, path+".go")))
	other := strings.NewReplacer("itemusages", path, "item_usages", name, "Item usages", "Invented events",
		"What people did with the items of shared vaults.", "The fourth kind of events.",
		"used_version", "used_invention") // a field that no other type has
	require.NoError(t, filepath.WalkDir(folder, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		write(t, file, []byte(other.Replace(string(content))))
		return nil
	}))
	list := filepath.Join(root, "module", "module.go")
	content, err := os.ReadFile(list)
	require.NoError(t, err)
	const last, line = "signinattempts.Module}", `"onepasswordbeat/module/signinattempts"`
	text := string(content)
	require.Equal(t, 1, strings.Count(text, last), "the list of event types")
	require.Equal(t, 1, strings.Count(text, line))
	text = strings.Replace(text, last, "signinattempts.Module, "+path+".Module}", 1)
	text = strings.Replace(text, line, line+"\n\t\"onepasswordbeat/module/"+path+`"`, 1)
	write(t, list, []byte(text))
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, content, 0o600))
}

// run runs the go command in the copy.
func run(t *testing.T, root string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false -ldflags=-w")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %s\n%s", strings.Join(args, " "), out)
}
