// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Running a command: its output, its signs of life, and how it is stopped.

package mage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// stopGrace is how long a command may take to end after Ctrl-C.
const stopGrace = 10 * time.Second

// Command is a command to run. Only Args must be set.
type Command struct {
	Args  []string  // program and arguments
	Env   []string  // "KEY=value", in addition to the environment
	Dir   string    // where to run it; empty: the current directory
	Stdin io.Reader // nil: no input
	// Label names the job in the line that is printed while the command is silent.
	Label string
	// CountPackages takes the package names that `go build -v` prints for progress
	// and counts them instead of printing them.
	CountPackages bool
}

// Go is `go` with these arguments, under a label.
func Go(label string, args ...string) Command {
	return Command{Args: append([]string{"go"}, args...), Label: label}
}

// Run runs the command to its end. Its output is passed on as it comes; without
// output, a line every few seconds says that it is still at work.
func (c Command) Run(ctx context.Context) error {
	life := startProgress(c.Label, os.Stderr)
	defer life.stop()
	cmd := c.prepare(ctx)
	cmd.Stdout = life.passTo(os.Stdout)
	cmd.Stderr = life.passTo(os.Stderr)
	if c.CountPackages {
		lines := life.countLines(os.Stderr)
		defer lines.flush()
		cmd.Stderr = lines
	}
	return c.explain(ctx, cmd.Run())
}

// Output runs the command to its end and returns what it printed to standard output.
func (c Command) Output(ctx context.Context) ([]byte, error) {
	var out bytes.Buffer
	cmd := c.prepare(ctx)
	cmd.Stdout = &out
	cmd.Stderr = os.Stderr
	err := c.explain(ctx, cmd.Run())
	return out.Bytes(), err
}

// Lines is Output, cut into lines (or what zero bytes end) that are not empty.
func (c Command) Lines(ctx context.Context) ([]string, error) {
	out, err := c.Output(ctx)
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' || r == '\r' || r == 0 }), err
}

func (c Command) prepare(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Dir, cmd.Stdin = c.Dir, c.Stdin
	// Ctrl-C reaches the whole foreground process group, this command included: it is
	// given time to end before it is killed.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopGrace
	return cmd
}

// explain makes an error that tells which command it was. What went wrong was
// already printed by the command.
func (c Command) explain(ctx context.Context, err error) error {
	var missing *exec.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &missing):
		return fmt.Errorf("%s is needed and was not found: %w", c.Args[0], err)
	}
	shown := strings.Join(c.Args, " ")
	if len(shown) > 120 {
		shown = shown[:120] + "…"
	}
	return fmt.Errorf("%s: %w", shown, err)
}

// words splits the value of an environment variable that holds arguments.
func words(variable string) []string { return strings.Fields(os.Getenv(variable)) }

// Args is base with the arguments in an environment variable between it and last.
func Args(base []string, variable string, last ...string) []string {
	all := append([]string{}, base...)
	all = append(all, words(variable)...)
	return append(all, last...)
}
