// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What Linux knows of a process.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// memory of a process, in bytes.
type memory struct {
	peak, now int64 // resident
	anon      int64 // of now: not backed by a file, as the program's text is
}

func memoryOf(pid int) (memory, bool) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, false
	}
	var m memory
	for line := range strings.Lines(string(raw)) {
		key, value, _ := strings.Cut(line, ":")
		into := map[string]*int64{"VmHWM": &m.peak, "VmRSS": &m.now, "RssAnon": &m.anon}[key]
		if into == nil {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		if err != nil {
			return memory{}, false
		}
		*into = kib << 10
	}
	return m, m.peak > 0
}

// cpuOf is the CPU time of a running process. The clock ticks of /proc/PID/stat are
// too coarse for an idle one.
func cpuOf(pid int) (time.Duration, bool) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		return 0, false
	}
	var sum time.Duration
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that has ended
		}
		first, _, _ := strings.Cut(string(raw), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, false
		}
		sum += time.Duration(ns)
	}
	return sum, true
}
