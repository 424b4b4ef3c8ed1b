// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The demo's parts, and the demo itself with the real beat.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFeedTakesWholeLinesOnce(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		_, err = f.WriteString(text)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	line := func(id string) string {
		return fmt.Sprintf(`{"@metadata":{"_id":%q},"event":{"dataset":"1password.audit_events"}}`, id)
	}
	f := &feed{dir: dir, offset: map[string]int64{}}
	var got []string
	read := func() {
		require.NoError(t, f.read(func(d document) { got = append(got, d.Metadata.ID) }))
	}
	read()
	write("a.ndjson", line("A")+"\n"+line("B")[:20])
	read()
	write("a.ndjson", line("B")[20:]+"\n")
	write("b.ndjson", line("C")+"\n")
	read()
	read()
	assert.Equal(t, []string{"A", "B", "C"}, got)

	write("b.ndjson", "no JSON\n")
	assert.ErrorContains(t, f.read(func(document) {}), "b.ndjson")
}

func TestTallyCountsAnEventOnce(t *testing.T) {
	tl := newTally()
	doc := func(id string) document {
		d := document{Time: time.Now()}
		d.Metadata.ID, d.Event.Dataset = id, "1password.audit_events"
		return d
	}
	assert.True(t, tl.add(doc("A")))
	tl.beginRun()
	assert.False(t, tl.add(doc("A")))
	assert.True(t, tl.add(doc("B")))
	assert.False(t, tl.caughtUp(0), "nothing is known of the API yet")
	tl.api = map[string]int{"1password.audit_events": 1234}
	assert.False(t, tl.caughtUp(0))
	assert.Equal(t, 1, tl.ofRun())
	assert.Equal(t, 1232, tl.behind())
	assert.Regexp(t, `audit_events +1 +2 +1,234 +1,232 +1\n`, tl.table(time.Second))
	assert.Contains(t, tl.status(), "audit_events 2 (1,232 behind)")
}

func TestDocumentIsLaidOut(t *testing.T) {
	raw := []byte(`{"@timestamp":"2026-01-31T09:00:00Z","@metadata":{"_id":"A"},"message":"Item <b> used",` +
		`"event":{"action":"fill","dataset":"1password.item_usages","outcome":"success"},"user":{"email":"ada@example.com"},` +
		`"source":{"geo":{"country_iso_code":"NZ"}}}`)
	d := document{raw: raw}
	require.NoError(t, json.Unmarshal(raw, &d))
	assert.Regexp(t, `item usage +fill +success +ada@example\.com +NZ +Item <b> used$`, d.String())
	assert.Contains(t, d.indented(), `"message": "Item <b> used"`)
	assert.NotContains(t, d.indented(), "@metadata")
}

func TestAccountOfALongPauseLivesOnForAWhileOnly(t *testing.T) {
	dir := t.TempDir()
	first := account{Seed: 3, Backlog: 10, Live: 1}
	a, known, err := openAccount(dir, first)
	require.NoError(t, err)
	assert.False(t, known)

	file := filepath.Join(dir, "account.json")
	a.Epoch = time.Now().Add(-30 * 24 * time.Hour)
	require.NoError(t, a.save(file))
	a, known, err = openAccount(dir, account{Seed: 4})
	require.NoError(t, err)
	assert.True(t, known)
	assert.Equal(t, first.Seed, a.Seed, "that of the first run")
	assert.WithinDuration(t, time.Now().Add(-away), a.Epoch, time.Minute)

	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
	_, _, err = openAccount(dir, first)
	assert.ErrorContains(t, err, "to start over")
}

// TestDemo runs the demo twice, as a person would: first until a time is up, then until
// Ctrl-C. ONEPASSWORDBEAT_BINARY saves building the beat.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the beat")
	}
	bin := build(t)
	data := filepath.Join(t.TempDir(), "demo")
	args := []string{"-data", data, "-backlog", "1000", "-live", "1"}

	out := runDemo(t, bin.demo, append(args, "-beat", bin.beat, "-for", "7s")...)
	assert.Contains(t, out, "First run: 1,000 past events")
	assert.Contains(t, out, "Backlog done")
	assert.Contains(t, out, "the whole document:")
	for _, k := range kinds {
		row := regexp.MustCompile(k.name + ` +1,0\d\d +1,0\d\d +1,0\d\d +\d +0\n`)
		assert.Regexp(t, row, out)
		assert.Contains(t, out, "  "+k.short)
	}
	all := regexp.MustCompile(`(?m)^ +all +(\S+) +(\S+) +\S+ +\S+ +0$`)
	totals := all.FindStringSubmatch(out)
	require.Len(t, totals, 3, out)

	out = interruptDemo(t, bin.demo, append(args, "-beat", bin.beat)...)
	assert.Contains(t, out, "Continuing where the last run stopped: "+totals[2]+" events are here already")
	assert.Regexp(t, all, out, "nothing comes twice")

	out, err := demoCommand(t.Context(), bin.demo, append(args, "-beat", bin.demo)...)
	require.Error(t, err, "a beat that ends is an error")
	assert.Contains(t, out, "flag provided but not defined", "the end of its log is shown")
}

type binaries struct{ demo, beat string }

func build(t *testing.T) binaries {
	t.Helper()
	dir := t.TempDir()
	goBuild := func(pkg string) string {
		out := filepath.Join(dir, filepath.Base(pkg))
		if runtime.GOOS == "windows" {
			out += ".exe"
		}
		build := exec.CommandContext(t.Context(), "go", "build", "-o", out, pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // as `mage build` does
		text, err := build.CombinedOutput()
		require.NoError(t, err, string(text))
		return out
	}
	b := binaries{
		demo: goBuild("onepasswordbeat/dev-tools/cmd/demo"),
		beat: os.Getenv("ONEPASSWORDBEAT_BINARY"),
	}
	if b.beat == "" {
		b.beat = goBuild("onepasswordbeat")
	}
	return b
}

func demoCommand(ctx context.Context, demo string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, demo, args...).CombinedOutput()
	return string(out), err
}

func runDemo(t *testing.T, demo string, args ...string) string {
	t.Helper()
	out, err := demoCommand(t.Context(), demo, args...)
	require.NoError(t, err, out)
	return out
}

// interruptDemo sends Ctrl-C's signal once live events have come.
func interruptDemo(t *testing.T, demo string, args ...string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows knows no such signal")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, demo, args...)
	var all bytes.Buffer
	interrupted := false
	cmd.Stdout = writer(func(b []byte) (int, error) {
		all.Write(b)
		if !interrupted && strings.Contains(all.String(), "whole document:") {
			interrupted = true
			return len(b), cmd.Process.Signal(syscall.SIGINT)
		}
		return len(b), nil
	})
	cmd.Stderr = cmd.Stdout
	require.NoError(t, cmd.Run(), all.String())
	assert.Contains(t, all.String(), "Stopping (interrupted)")
	return all.String()
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }
