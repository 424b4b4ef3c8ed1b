// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// check:vulnerabilities: govulncheck on what the beat calls, and the exceptions from it.

package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"onepasswordbeat/dev-tools/mage"
)

// vulnerabilityData is the Go module whose folder data/osv is the Go vulnerability database. The version is pinned,
// so that a commit gives the same result every day; VULNDB=latest asks for the newest.
const (
	vulnerabilityData    = "golang.org/x/vulndb"
	vulnerabilityVersion = "v0.0.0-20261105234957-e22db6528018"
)

// exceptionsFile lists the findings that remain, and securityPage has their table for operators.
const (
	exceptionsFile = "dev-tools/mage/check/vulnerabilities.json"
	securityPage   = "docs/security.md"
)

// exception is a finding of govulncheck that does not fail the check before it expires.
type exception struct {
	ID      string // of the Go vulnerability database
	Module  string
	Reason  string // why the beat is not exposed, or why the module cannot be raised
	Expires string // a date, 2006-01-02: then somebody looks at it again
}

// Vulnerabilities fails when the beat calls code with a known vulnerability that is not listed, or whose exception expired (reads VULNDB: a version of golang.org/x/vulndb, or latest).
func Vulnerabilities(ctx context.Context) error {
	exceptions, err := readExceptions()
	if err != nil {
		return err
	}
	page, err := os.ReadFile(securityPage)
	if err != nil {
		return err
	}
	found, err := scanVulnerabilities(ctx)
	if err != nil {
		return err
	}
	return judge(found, exceptions, string(page), time.Now())
}

func readExceptions() ([]exception, error) {
	content, err := os.ReadFile(exceptionsFile)
	if err != nil {
		return nil, err
	}
	var exceptions []exception
	if err := json.Unmarshal(content, &exceptions); err != nil {
		return nil, fmt.Errorf("%s: %w", exceptionsFile, err)
	}
	return exceptions, nil
}

// scanVulnerabilities returns the ids of the vulnerabilities in code that the beat calls, with the module and the
// version that repairs it. It runs with the Go version of releases, because the standard library has findings, too.
func scanVulnerabilities(ctx context.Context) (map[string]string, error) {
	database, err := vulnerabilityDatabase(ctx)
	if err != nil {
		return nil, err
	}
	scanner, err := mage.Tool(ctx, "golang.org/x/vuln/cmd/govulncheck")
	if err != nil {
		return nil, err
	}
	toolchain, err := mage.ReleaseToolchain(ctx)
	if err != nil {
		return nil, err
	}
	out, err := mage.Command{
		Args:  []string{scanner, "-db", database, "-format", "json", "."},
		Label: "govulncheck",
		Env:   append(mage.WithoutCgo(), toolchain...),
	}.Output(ctx)
	if err != nil {
		return nil, err
	}
	return parseFindings(strings.NewReader(string(out)))
}

// vulnerabilityDatabase returns the database's address as a file URL. Go's module cache holds it, checked by the
// checksum database like every module.
func vulnerabilityDatabase(ctx context.Context) (string, error) {
	version := os.Getenv("VULNDB")
	if version == "" {
		version = vulnerabilityVersion
	}
	out, err := mage.Go("fetching "+vulnerabilityData, "mod", "download", "-json", vulnerabilityData+"@"+version).Output(ctx)
	if err != nil {
		return "", err
	}
	var module struct{ Dir, Version string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", err
	}
	mage.Say("vulnerabilities as of %s", module.Version)
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(module.Dir, "data", "osv"))}).String(), nil
}

// parseFindings reads govulncheck's stream of JSON messages. A finding whose trace begins with a function is code that
// is called; the others are packages and modules that are merely there.
func parseFindings(stream io.Reader) (map[string]string, error) {
	found := map[string]string{}
	decoder := json.NewDecoder(stream)
	for {
		var message struct {
			Finding *struct {
				OSV          string
				FixedVersion string `json:"fixed_version"`
				Trace        []struct{ Module, Version, Function string }
			}
		}
		err := decoder.Decode(&message)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("govulncheck's output: %w", err)
		}
		f := message.Finding
		if f == nil || len(f.Trace) == 0 || f.Trace[0].Function == "" {
			continue
		}
		repaired := "no version repairs it"
		if f.FixedVersion != "" {
			repaired = "repaired in " + f.FixedVersion
		}
		found[f.OSV] = fmt.Sprintf("%s %s, %s", f.Trace[0].Module, f.Trace[0].Version, repaired)
	}
}

// judge compares what was found with the exceptions, and these with the table for operators.
func judge(found map[string]string, exceptions []exception, page string, now time.Time) error {
	var errs []error
	listed := map[string]bool{}
	for _, e := range exceptions {
		listed[e.ID] = true
		expires, err := time.Parse(time.DateOnly, e.Expires)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s in %s: expires: %w", e.ID, exceptionsFile, err))
		case e.Reason == "":
			errs = append(errs, fmt.Errorf("%s in %s has no reason", e.ID, exceptionsFile))
		case found[e.ID] == "":
			errs = append(errs, fmt.Errorf("%s is not found any more: remove it from %s and %s", e.ID, exceptionsFile, securityPage))
		case now.After(expires):
			errs = append(errs, fmt.Errorf("the exception for %s (%s) expired on %s: look again whether the beat is exposed", e.ID, found[e.ID], e.Expires))
		case !strings.Contains(page, e.ID):
			errs = append(errs, fmt.Errorf("%s lacks %s in its table of vulnerabilities", securityPage, e.ID))
		}
	}
	for id, where := range found {
		if !listed[id] {
			errs = append(errs, fmt.Errorf("%s: %s; https://pkg.go.dev/vuln/%s", id, where, id))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}
