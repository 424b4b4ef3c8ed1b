// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// An engine's processes: a launcher, perhaps, and the server below it, in a group that ends as one.

package engine

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

// Process is a child with its descendants.
type Process struct {
	PID  int           // the leader's, and so the group's
	Done chan struct{} // closed when the leader has ended
	Err  error         // how it ended, never nil; valid once Done is closed
}

// errEnded is how a process ended that found nothing wrong.
var errEnded = errors.New("exit status 0")

// StartProcess starts cmd as the leader of a new process group, as another user unless that is nil. The kernel kills it when this process ends in whatever way; a server
// below it must watch a pipe from it, and end when that breaks.
func StartProcess(cmd *exec.Cmd, as *Owner) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if as != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: as.UID, Gid: as.GID}
	}
	p := &Process{Done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Pdeathsig is sent when the thread that started the child ends. This one waits for the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.PID = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		if p.Err = cmd.Wait(); p.Err == nil {
			p.Err = errEnded
		}
		close(p.Done)
	}()
	return p, <-started
}

// Running tells whether the leader is still there.
func (p *Process) Running() bool {
	select {
	case <-p.Done:
		return false
	default:
		return true
	}
}

// Kill ends the whole group with SIGKILL and returns when no process of it is left.
func (p *Process) Kill() error {
	if err := syscall.Kill(-p.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("killing process group %d: %w", p.PID, err)
	}
	<-p.Done
	return p.AwaitGroup(10 * time.Second)
}

// Terminate asks the leader to stop the server in an orderly way, and kills the group when that takes too long.
func (p *Process) Terminate(patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	_ = syscall.Kill(p.PID, syscall.SIGTERM) // gone already is as good
	select {
	case <-p.Done:
	case <-timer.C:
	}
	return p.Kill()
}

// AwaitGroup waits until the group's last process has ended. What has ended and only waits for its parent to notice does not count.
func (p *Process) AwaitGroup(patience time.Duration) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for GroupAlive(p.PID) {
		select {
		case <-tick.C:
		case <-deadline.C:
			return fmt.Errorf("processes of group %d are still there %s after they were killed", p.PID, patience)
		}
	}
	return nil
}

// GroupAlive looks through /proc for a running process of the group.
func GroupAlive(group int) bool {
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

// Owner is the user that an engine runs as when the test itself is root's.
type Owner struct{ UID, GID uint32 }

// Unprivileged is nil where this process is not root's, and the user nobody where it is. name is the engine's.
func Unprivileged(name string) (*Owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil, &MissingError{Engine: name, What: "it does not run as root, and there is no user nobody to run it as"}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user nobody: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user nobody: %w", err)
	}
	return &Owner{UID: uint32(uid), GID: uint32(gid)}, nil
}

// Give hands a file to the owner; there is nothing to do where that is nil.
func (o *Owner) Give(path string) error {
	if o == nil {
		return nil
	}
	return os.Chown(path, int(o.UID), int(o.GID))
}

// supported is nil where engines can be run.
func supported(string) error { return nil }
