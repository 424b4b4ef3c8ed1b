// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The node's processes: a launcher and the server below it, in a group that ends as one.

package estest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a child with its descendants.
type process struct {
	pid  int           // the leader's, and so the group's
	done chan struct{} // closed when the leader has ended
	err  error         // how it ended; valid once done is closed
}

// startProcess starts cmd as the leader of a new process group. The kernel kills it when this process ends in whatever way; the server, which reads
// a pipe from its launcher, ends when that breaks.
func startProcess(cmd *exec.Cmd, as *owner) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if as != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
	}
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Pdeathsig is sent when the thread that started the child ends. This one waits for the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, <-started
}

// running tells whether the leader is still there.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends the whole group with SIGKILL and returns when no process of it is left.
func (p *process) kill() error {
	if err := syscall.Kill(-p.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("killing process group %d: %w", p.pid, err)
	}
	<-p.done
	return p.awaitGroup(10 * time.Second)
}

// terminate asks the leader to stop the server in an orderly way, and kills the group when that takes too long.
func (p *process) terminate(patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	_ = syscall.Kill(p.pid, syscall.SIGTERM) // gone already is as good
	select {
	case <-p.done:
	case <-timer.C:
	}
	return p.kill()
}

// awaitGroup waits until the group's last process has ended. What has ended and only waits for its parent to notice does not count.
func (p *process) awaitGroup(patience time.Duration) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for groupAlive(p.pid) {
		select {
		case <-tick.C:
		case <-deadline.C:
			return fmt.Errorf("processes of group %d are still there %s after they were killed", p.pid, patience)
		}
	}
	return nil
}

// groupAlive looks through /proc for a running process of the group.
func groupAlive(group int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		// pid (name) state parent group ...; the name may hold anything.
		_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
		fields := strings.Fields(rest)
		if len(fields) > 2 && fields[2] == strconv.Itoa(group) && fields[0] != "Z" && fields[0] != "X" {
			return true
		}
	}
	return false
}

// owner is the user that a node runs as when the test itself is root's.
type owner struct{ uid, gid uint32 }

// nodeOwner is nil where the node runs as the caller.
func nodeOwner() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil, &MissingError{What: "Elasticsearch does not run as root, and there is no user nobody to run it as"}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user nobody: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user nobody: %w", err)
	}
	return &owner{uid: uint32(uid), gid: uint32(gid)}, nil
}
