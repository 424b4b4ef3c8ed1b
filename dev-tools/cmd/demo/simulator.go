// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The simulator: what it says at its start, and what it has to tell later.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// answerTime is how long the simulated API thinks before it answers, about as long as a
// real one.
const answerTime = "300ms"

// simulator is a running simulator.
type simulator struct {
	*process
	URL   string `json:"url"`
	Token string `json:"token"`
}

// startSimulator starts it on a free port and waits for its first line.
func startSimulator(ctx context.Context, path string, f folder) (*simulator, error) {
	r, w := io.Pipe()
	defer func() { _ = r.Close() }() // what it writes later goes nowhere
	a := f.account
	p, err := startProcess(command{
		path: path,
		args: []string{
			"-seed", strconv.FormatInt(a.Seed, 10), "-epoch", a.Epoch.Format(time.RFC3339Nano),
			"-backlog", strconv.Itoa(a.Backlog), "-live", strconv.FormatFloat(a.Live, 'g', -1, 64),
			"-fault", "slow:" + answerTime + "=1",
		},
		log: f.file("simulator.log"),
		out: w,
	})
	if err != nil {
		return nil, err
	}
	s := &simulator{process: p}
	ready := make(chan error, 1)
	go func() { ready <- json.NewDecoder(r).Decode(s) }()
	select {
	case err = <-ready:
	case <-p.done:
		return nil, p.failure()
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("no first line of the simulator: %w", joinStop(err, p))
	}
	return s, nil
}

func joinStop(err error, p *process) error {
	if stopErr := p.stop(simulatorPatience); stopErr != nil {
		return fmt.Errorf("%w; %w", err, stopErr)
	}
	return err
}

// counts asks how many events of each dataset the API has shown so far.
func (s *simulator) counts(ctx context.Context) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/health", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var health struct {
		Events map[string]int `json:"events"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&health); err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, k := range kinds {
		counts[k.dataset] = health.Events[k.path]
	}
	return counts, nil
}
