// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A subject's process: its start and stop, and what it used.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

const (
	// watchEvery is how often a process's memory is looked at.
	watchEvery = 20 * time.Millisecond
	stopGrace  = 30 * time.Second
)

// process is a subject at work.
type process struct {
	subject  subject
	dir      string
	cmd      *exec.Cmd
	log      bytes.Buffer
	began    time.Time
	ended    chan struct{}
	err      error         // valid after ended
	watched  chan struct{} // closed when the watcher has ended
	peakSize atomic.Int64  // bytes
}

// start starts the subject with an empty home.
func (s subject) start(w where) (*process, error) {
	binary, err := filepath.Abs(s.binary)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	p := &process{subject: s, dir: dir, ended: make(chan struct{}), watched: make(chan struct{})}
	raw, err := s.file(w, p.socket())
	config := filepath.Join(dir, "beat.yml")
	if err == nil {
		err = os.WriteFile(config, raw, 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	p.cmd = exec.Command(binary, "-e", "-c", config, "--path.home", dir) //nolint:noctx // the binary to measure; stop ends it in an orderly way
	p.cmd.Stderr = &p.log
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	go p.watch()
	return p, nil
}

func (p *process) socket() string { return filepath.Join(p.dir, "http.sock") }

// watch follows the peak of the memory. The kernel's count of it (ru_maxrss) won't
// do: a child begins with its parent's.
func (p *process) watch() {
	defer close(p.watched)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if m, ok := memoryOf(p.cmd.Process.Pid); ok && m.peak > p.peakSize.Load() {
				p.peakSize.Store(m.peak)
			}
		case <-p.ended:
			return
		}
	}
}

// until waits for a condition.
func (p *process) until(ctx context.Context, limit time.Duration, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-p.ended:
			return fmt.Errorf("%s ended unexpectedly: %w\n%s", p.subject.name, p.err, p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s was not done in %s: %w\n%s", p.subject.name, limit, ctx.Err(), p.lastWords())
		}
	}
	return nil
}

// lastWords is the end of the log. It races with the process unless that has ended.
func (p *process) lastWords() []byte {
	_ = p.stop() // the first error counts
	b := p.log.Bytes()
	return b[max(0, len(b)-3000):]
}

// stop ends the process as a service manager would, and removes its home.
func (p *process) stop() error {
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	select {
	case <-p.ended:
	case <-time.After(stopGrace):
		err = errors.Join(err, fmt.Errorf("%s did not stop in %s", p.subject.name, stopGrace), p.cmd.Process.Kill())
		<-p.ended
	}
	<-p.watched
	return errors.Join(err, os.RemoveAll(p.dir))
}

// cpu is the user and system time of a process that has ended.
func (p *process) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// allocated asks libbeat how many bytes the process has allocated so far.
func (p *process) allocated(ctx context.Context) (int64, error) {
	raw, err := p.get(ctx, "/stats")
	if err != nil {
		return 0, err
	}
	var stats struct {
		Beat struct {
			Memstats struct {
				Total int64 `json:"memory_total"`
			} `json:"memstats"`
		} `json:"beat"`
	}
	err = json.Unmarshal(raw, &stats)
	return stats.Beat.Memstats.Total, err
}

// get reads a page of libbeat's HTTP endpoint.
func (p *process) get(ctx context.Context, path string) ([]byte, error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", p.socket())
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://beat"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return raw, err
}

// profile writes profiles of the running process to a folder: of the CPU over some
// seconds, and of the heap when they are over.
func (p *process) profile(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, page := range []struct{ file, path string }{
		{"cpu.out", "/debug/pprof/profile?seconds=4"},
		{"heap.out", "/debug/pprof/heap"},
		{"allocs.out", "/debug/pprof/allocs"},
	} {
		raw, err := p.get(ctx, page.path)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, page.file), raw, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bench is a simulator and an endpoint, for one subject.
type bench struct {
	sim *eventsapitest.Server
	es  *endpoint
	at  where
}

// newBench starts both.
func newBench(ctx context.Context, cfg eventsapitest.Config, keepTimes bool) (*bench, error) {
	begin := time.Now().UTC()
	srv, err := startSimulator(ctx, cfg, 1)
	if err != nil {
		return nil, err
	}
	es, err := startEndpoint(ctx, keepTimes)
	if err != nil {
		return nil, errors.Join(err, srv.Close())
	}
	since := begin.Add(-25 * time.Hour) // the simulator's backlog reaches back a day
	return &bench{sim: srv, es: es, at: where{srv.URL, srv.Token(), es.url, since}}, nil
}

// startSimulator starts a simulator on a free port. Events of different seeds differ.
func startSimulator(ctx context.Context, cfg eventsapitest.Config, seed int64) (*eventsapitest.Server, error) {
	cfg.Seed, cfg.Epoch = seed, time.Now().UTC()
	cfg.LateShare = map[eventsapitest.EventType]float64{}
	sim, err := eventsapitest.New(cfg)
	if err != nil {
		return nil, err
	}
	return sim.Start(ctx, "")
}

func (b *bench) close() error { return errors.Join(b.sim.Close(), b.es.close()) }
