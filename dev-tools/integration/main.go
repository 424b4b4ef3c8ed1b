// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command integration looks after the integration package for Fleet: it has Elastic's own validator say whether the
// package is one, and builds the zip that Kibana takes by upload. It is a module of its own, which keeps the
// validator's dependencies out of the beat.
//
//	integration check packages/1password
//	integration build packages/1password build
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/elastic/package-spec/v3/code/go/pkg/validator"
)

const usage = `usage:
	integration check FOLDER         validate the sources of a package
	integration build FOLDER TARGET  validate them, and build TARGET/NAME-VERSION.zip`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == "check":
		return checkSources(args[1])
	case len(args) == 3 && args[0] == "build":
		if err := checkSources(args[1]); err != nil {
			return err
		}
		path, err := build(args[1], args[2])
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, path)
		return err
	default:
		return errors.New(usage)
	}
}

// checkSources fails unless the validator takes the folder as it is in the repository. A validation.yml could exclude
// rules and let pass what a package must not do, so it must not exist.
func checkSources(folder string) error {
	if _, err := os.Stat(filepath.Join(folder, "validation.yml")); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s has a validation.yml, which excludes rules of the validator: remove it and fix what they report", folder)
	}
	return check(folder, validator.SourceMode, (*validator.Validator).ValidateFromPath)
}

// checkZip fails unless the validator takes the zip as a package that is ready for Kibana.
func checkZip(path string) error {
	return check(path, validator.BuildMode, (*validator.Validator).ValidateFromZip)
}

// check validates twice: with all rules that there always were, warnings counting as errors, and then with those that
// only sources or only zips have to follow. The second set warns of itself, being new, so warnings are not looked at.
func check(path string, mode validator.Mode, validate func(*validator.Validator, string) error) error {
	all, err := validator.New(validator.LegacyMode, validator.WithWarningsAsErrors(true))
	if err != nil {
		return err
	}
	own, err := validator.New(mode)
	if err != nil {
		return err
	}
	log.SetOutput(io.Discard)
	err = validate(all, path)
	if err == nil {
		err = validate(own, path)
	}
	if err != nil {
		return fmt.Errorf("%s is not valid by the package specification: %w", path, err)
	}
	return nil
}
