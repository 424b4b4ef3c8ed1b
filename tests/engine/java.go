// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Java: the oldest one that runs an engine.

package engine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// FindJava returns the home of the oldest Java from lowest to highest that has all of these programs (java itself is a matter of course): in JAVA_HOME, in PATH, or where
// Linux distributions install them. It looks on behalf of an engine, which the *MissingError names where there is none.
func FindJava(ctx context.Context, engine string, lowest, highest int, programs ...string) (string, error) {
	var candidates []string
	if home := os.Getenv("JAVA_HOME"); home != "" {
		candidates = append(candidates, filepath.Join(home, "bin", "java"))
	}
	if java, err := exec.LookPath("java"); err == nil {
		candidates = append(candidates, java)
	}
	installed, _ := filepath.Glob("/usr/lib/jvm/*/bin/java")
	candidates = append(candidates, installed...)

	best, home := highest+1, ""
	seen := map[string]bool{}
	for _, java := range candidates {
		real, err := filepath.EvalSymlinks(java)
		if err != nil || seen[real] {
			continue
		}
		seen[real] = true
		if version, dir, err := askJava(ctx, java); err == nil && version >= lowest && version < best && hasAll(dir, programs) {
			best, home = version, dir
		}
	}
	if home == "" {
		with := ""
		if len(programs) > 0 {
			with = " with " + strings.Join(programs, ", ")
		}
		return "", &MissingError{Engine: engine, What: fmt.Sprintf("no Java from %d to %d%s in JAVA_HOME, PATH or /usr/lib/jvm", lowest, highest, with)}
	}
	return home, nil
}

// hasAll tells whether a Java has programs.
func hasAll(home string, programs []string) bool {
	for _, program := range programs {
		if _, err := os.Stat(filepath.Join(home, "bin", program)); err != nil {
			return false
		}
	}
	return true
}

var javaProperty = regexp.MustCompile(`(?m)^\s*(java\.home|java\.specification\.version) = (.+?)\s*$`)

// askJava runs a java to learn its version and its home, which a wrapper in PATH does not show.
func askJava(ctx context.Context, java string) (version int, home string, err error) {
	out, err := exec.CommandContext(ctx, java, "-XshowSettings:properties", "-version").CombinedOutput()
	if err != nil {
		return 0, "", err
	}
	for _, m := range javaProperty.FindAllStringSubmatch(string(out), -1) {
		if m[1] == "java.home" {
			home = m[2]
			continue
		}
		if version, err = strconv.Atoi(m[2]); err != nil {
			return 0, "", fmt.Errorf("%s is not a Java that can be used: version %q", java, m[2])
		}
	}
	return version, home, nil
}
