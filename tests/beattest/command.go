// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Commands that come to an end.

package beattest

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"
)

// commandTimeout is how long a command may take.
const commandTimeout = time.Minute

// Result is what a command left behind.
type Result struct {
	Stdout, Stderr string
	Code           int // exit code
}

// All is everything that the command printed.
func (r Result) All() string { return r.Stdout + r.Stderr }

// Command runs a command with this home's configuration to its end.
func (h *Home) Command(args ...string) Result {
	h.tb.Helper()
	return h.CommandInput("", args...)
}

// CommandInput is Command with something on standard input.
func (h *Home) CommandInput(stdin string, args ...string) Result {
	h.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.binary, h.arguments(args)...)
	cmd.SysProcAttr = ownGroup()
	cmd.Dir, cmd.Env = h.Dir, h.environment()
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		h.tb.Fatalf("%v: %v (%v)\n%s%s", args, err, ctx.Err(), stdout.String(), stderr.String())
	}
	return Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
}
