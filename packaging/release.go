// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a release is, and the order in which its artefacts are made.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// beatName is the name of the beat, its command, its packages and its folders.
const beatName = "onepasswordbeat"

// release is what all artefacts have in common.
type release struct {
	binaries, out string // folders
	version       string
	elastic       string // file with the Elastic License 2.0
	time          time.Time
	packagesOnly  bool // deb and rpm
}

// target is a binary and what it is for.
type target struct {
	release
	goos, goarch string
	oss          bool   // without code under Elastic's licences
	binary       string // path
}

// name is the package's: onepasswordbeat or onepasswordbeat-oss.
func (t target) name() string {
	if t.oss {
		return beatName + "-oss"
	}
	return beatName
}

// full is the name of an archive without its ending, and of the folder in it.
func (t target) full() string {
	return fmt.Sprintf("%s-%s-%s-%s", t.name(), t.version, t.goos, t.goarch)
}

// licence is the SPDX expression of what the binary contains.
func (t target) licence() string {
	if t.oss {
		return "Apache-2.0"
	}
	return "Apache-2.0 AND Elastic-2.0 AND LicenseRef-Elastic-License-Agreement"
}

// targets finds the binaries.
func (r release) targets() ([]target, error) {
	dirs, err := os.ReadDir(r.binaries)
	if err != nil {
		return nil, err
	}
	var list []target
	for _, dir := range dirs {
		parts := strings.Split(dir.Name(), "-")
		if len(parts) < 2 || len(parts) > 3 || len(parts) == 3 && parts[2] != "oss" {
			return nil, fmt.Errorf("%s: not the name of a folder of binaries, GOOS-GOARCH or GOOS-GOARCH-oss", dir.Name())
		}
		t := target{release: r, goos: parts[0], goarch: parts[1], oss: len(parts) == 3}
		t.binary = filepath.Join(r.binaries, dir.Name(), t.executable())
		if _, err := os.Stat(t.binary); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s holds no binary", r.binaries)
	}
	return list, nil
}

func (t target) executable() string {
	if t.goos == "windows" {
		return beatName + ".exe"
	}
	return beatName
}

// make writes every artefact that the binaries allow.
func (r release) make() error {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	targets, err := r.targets()
	if err != nil {
		return err
	}
	images := map[bool][]target{}
	for _, t := range targets {
		if r.packagesOnly {
			if err := t.packages(); err != nil {
				return fmt.Errorf("%s: %w", t.full(), err)
			}
			continue
		}
		if err := t.make(); err != nil {
			return fmt.Errorf("%s: %w", t.full(), err)
		}
		if t.goos == "linux" {
			images[t.oss] = append(images[t.oss], t)
		}
	}
	if r.packagesOnly {
		return nil
	}
	for _, list := range images {
		if err := writeImages(list); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	return errors.Join(r.chart(), r.manifest())
}

// make writes the artefacts of one binary.
func (t target) make() error {
	files, err := t.archive()
	if err != nil {
		return err
	}
	if err := t.write(t.full(), files); err != nil {
		return err
	}
	if !t.oss { // which Elastic Agent cannot manage
		bundle, err := t.bundle()
		if err != nil {
			return err
		}
		if err := t.write(fmt.Sprintf("%s-%s-agent-%s-%s", beatName, t.version, t.goos, t.goarch), bundle); err != nil {
			return err
		}
	}
	if t.goos == "linux" {
		return t.packages()
	}
	return nil
}

// write writes files below one folder into the kind of archive that the system is used to.
func (t target) write(folder string, files tree) error {
	path := filepath.Join(t.out, folder+".tar.gz")
	pack := files.tarball
	if t.goos == "windows" {
		path, pack = filepath.Join(t.out, folder+".zip"), files.zip
	}
	var packed bytes.Buffer
	if err := pack(&packed, folder, t.time); err != nil {
		return err
	}
	return os.WriteFile(path, packed.Bytes(), 0o644)
}

// legal is what every artefact with a binary has to carry.
func (t target) legal() (tree, error) {
	notice, err := os.ReadFile("NOTICE.txt")
	if err != nil {
		return nil, err
	}
	files := tree{
		file("LICENSE.txt", "LICENSE", 0o644),
		file("README.md", "README.md", 0o644),
	}
	if t.oss {
		return append(files, text("NOTICE.txt", ossNotice(notice), 0o644)), nil
	}
	return append(files, text("NOTICE.txt", notice, 0o644), file("ELASTIC-LICENSE-2.0.txt", t.elastic, 0o644)), nil
}

// archive is what is unpacked and run in its own folder.
func (t target) archive() (tree, error) {
	files, err := t.legal()
	if err != nil {
		return nil, err
	}
	files = append(files,
		file(t.executable(), t.binary, 0o755),
		file("onepasswordbeat.yml", "onepasswordbeat.yml", 0o600),
		file("onepasswordbeat.reference.yml", "onepasswordbeat.reference.yml", 0o644),
		file("fields.yml", "fields.yml", 0o644),
	)
	if !t.oss {
		files = append(files, file("onepasswordbeat.spec.yml", specification, 0o644))
	}
	if t.goos == "windows" {
		for _, script := range []string{"install-service-onepasswordbeat.ps1", "uninstall-service-onepasswordbeat.ps1"} {
			files = append(files, file(script, "packaging/windows/"+script, 0o644))
		}
	}
	return files, nil
}

// specification tells Elastic Agent how to run the beat.
const specification = "specs/onepasswordbeat.spec.yml"

// bundle is what is installed beside Elastic Agent's own components.
func (t target) bundle() (tree, error) {
	files, err := t.legal()
	if err != nil {
		return nil, err
	}
	script := "install.sh"
	mode := os.FileMode(0o755)
	if t.goos == "windows" {
		script, mode = "install.ps1", 0o644
	}
	return append(files,
		file(t.executable(), t.binary, 0o755),
		file("onepasswordbeat.spec.yml", specification, 0o644),
		file(script, "packaging/agent/"+script, mode),
	), nil
}

// chart packs the Helm chart under the name that Helm gives it. `helm package` would write the time into it.
func (r release) chart() error {
	files, err := folder("deploy/helm/onepasswordbeat")
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := files.tarball(&packed, beatName, r.time); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, fmt.Sprintf("%s-%s.tgz", beatName, r.version)), packed.Bytes(), 0o644)
}

// manifest copies the manifest that is rendered from the chart.
func (r release) manifest() error {
	content, err := os.ReadFile("deploy/kubernetes/onepasswordbeat.yaml")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, fmt.Sprintf("%s-%s-kubernetes.yaml", beatName, r.version)), content, 0o644)
}
