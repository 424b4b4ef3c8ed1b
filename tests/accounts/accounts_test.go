// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The measurements.

package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/beattest"
)

func TestMain(m *testing.M) { os.Exit(beattest.Main(m)) } //nolint:forbidigo // the end of every TestMain

const (
	observed = 30 * time.Second // how long the beat is observed after the first round
	firstMax = 3 * time.Minute
	stopMax  = time.Minute
	ticks    = 100 // clock ticks per second in /proc (USER_HZ)
)

// BenchmarkAccounts runs the beat with N quiet accounts, three event types each, at the
// shipped settings. ACCOUNTS chooses N ("100,1000"); GOGC and GOMEMLIMIT are the beat's.
func BenchmarkAccounts(b *testing.B) {
	counts := []string{"1", "10", "100", "1000"}
	if chosen := os.Getenv("ACCOUNTS"); chosen != "" {
		counts = strings.Split(chosen, ",")
	}
	for _, count := range counts {
		n, err := strconv.Atoi(count)
		require.NoError(b, err)
		b.Run("accounts="+count, func(b *testing.B) {
			for range b.N {
				measure(b, n)
			}
		})
	}
}

func measure(b *testing.B, n int) {
	srv := startQuiet(b)
	home := homeOf(b, srv, n)
	started := time.Now()
	beat := home.StartQuiet()
	beat.Until(firstMax, "every event type is polled", func() bool { return srv.polled() == 3*n })
	b.ReportMetric(time.Since(started).Seconds(), "first-round-s")

	srv.observe()
	before := cpu(b, beat.PID())
	watch(b.Context(), observed)
	b.ReportMetric((cpu(b, beat.PID())-before).Seconds()/observed.Seconds()*100, "cpu-%")
	late, most, busiest := srv.observed()
	b.ReportMetric(float64(late), "late-polls")
	b.ReportMetric(most.Seconds(), "longest-interval-s")
	b.ReportMetric(float64(busiest), "busiest-second-requests")
	b.ReportMetric(memory(b, beat.PID(), "VmRSS:"), "MiB")
	b.ReportMetric(memory(b, beat.PID(), "RssAnon:"), "MiB-anonymous")

	if path := os.Getenv("HEAP"); path != "" {
		saveHeap(b, beat, path)
	}
	asked := time.Now()
	var inputMetrics []json.RawMessage
	require.NoError(b, beat.Get("/inputs/", &inputMetrics))
	b.ReportMetric(time.Since(asked).Seconds(), "inputs-endpoint-s")
	require.GreaterOrEqual(b, len(inputMetrics), 3*n)
	_, took := beat.Terminate(stopMax)
	b.ReportMetric(took.Seconds(), "stop-s")

	for _, after := range earlyStops() {
		for name, h := range map[string]*beattest.Home{"first": homeOf(b, srv, n), "again": home} {
			beat := h.StartQuiet()
			watch(b.Context(), after)
			_, took := beat.Terminate(stopMax)
			b.ReportMetric(took.Seconds(), fmt.Sprintf("stop-%s-start-%gs-s", name, after.Seconds()))
		}
	}
	b.ReportMetric(0, "ns/op")
}

// earlyStops are the times after a start at which the beat is stopped: with and without states of an earlier run.
func earlyStops() []time.Duration {
	return []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
}

// homeOf configures n accounts.
func homeOf(tb testing.TB, srv *quiet, n int) *beattest.Home {
	home := beattest.NewHome(tb)
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if value := os.Getenv(name); value != "" {
			home.Env = append(home.Env, name+"="+value)
		}
	}
	inputs := make([]beattest.M, n)
	for i := range inputs {
		account := fmt.Sprintf("ACCOUNT%019d", i)
		inputs[i] = beattest.M{"type": "onepassword", "id": fmt.Sprint("account-", i), "url": srv.URL, "token": token(account)}
	}
	home.Configure(beattest.Config{Inputs: inputs, Output: beattest.M{"discard": beattest.M{}}, More: beattest.M{
		"http.pprof.enabled": os.Getenv("HEAP") != "",
	}})
	return home
}

func watch(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// cpu is the time that a process has used.
func cpu(tb testing.TB, pid int) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		tb.Skipf("skipped: it needs Linux's /proc: %v", err)
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	used := 0
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		require.NoError(tb, err)
		used += n
	}
	return time.Duration(used) * time.Second / ticks
}

// memory is a line of a process's status, in MiB.
func memory(tb testing.TB, pid int, name string) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(tb, err)
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			require.NoError(tb, err)
			return float64(kib) / 1024
		}
	}
	tb.Fatal("no " + name)
	return 0
}

func saveHeap(b *testing.B, beat *beattest.Beat, path string) {
	out, err := os.Create(path)
	require.NoError(b, err)
	defer func() { _ = out.Close() }()
	require.NoError(b, beat.Copy("/debug/pprof/heap?gc=1", out))
	numbers, err := os.Create(path + ".memstats")
	require.NoError(b, err)
	defer func() { _ = numbers.Close() }()
	require.NoError(b, beat.Copy("/debug/pprof/heap?debug=1", numbers))
	stacks, err := os.Create(path + ".goroutines")
	require.NoError(b, err)
	defer func() { _ = stacks.Close() }()
	require.NoError(b, beat.Copy("/debug/pprof/goroutine?debug=1", stacks))
}
