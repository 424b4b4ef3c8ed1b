// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// deb and rpm: nfpm makes them by nfpm.yaml.

package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers the format
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers the format
)

// formats are the packages, and how each calls the architectures.
var formats = []struct {
	name          string
	architectures map[string]string // by Go's name
}{
	{"deb", map[string]string{"amd64": "amd64", "arm64": "arm64"}},
	{"rpm", map[string]string{"amd64": "x86_64", "arm64": "aarch64"}},
}

const nfpmConfig = "packaging/nfpm.yaml"

// packages writes the deb and the rpm.
func (t target) packages() error {
	stage, err := os.MkdirTemp("", "onepasswordbeat-package-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(stage) }()
	if err := t.stage(stage); err != nil {
		return err
	}
	for _, f := range formats {
		name := fmt.Sprintf("%s-%s-%s.%s", t.name(), t.version, f.architectures[t.goarch], f.name)
		if err := t.pack(f.name, stage, filepath.Join(t.out, name)); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// stage puts what is not in the repository as it is packed into a folder.
func (t target) stage(dir string) error {
	files, err := t.legal()
	if err != nil {
		return err
	}
	changelog, err := t.changelog()
	if err != nil {
		return err
	}
	copyright, err := t.fill("packaging/linux/copyright")
	if err != nil {
		return err
	}
	files = append(files, text("changelog.gz", changelog, 0o644), text("copyright", copyright, 0o644), file(beatName, t.binary, 0o755))
	if t.oss { // one list of contents fits both variants
		files = append(files, text("ELASTIC-LICENSE-2.0.txt", nil, 0o644))
	}
	for _, f := range files {
		content, err := f.read()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, f.name), content, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// fill fills in a template.
func (t target) fill(path string) ([]byte, error) {
	parsed, err := template.ParseFiles(path)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, map[string]any{
		"Name": t.name(), "Version": t.version, "Licence": t.licence(), "OSS": t.oss, "Date": t.time.Format(time.RFC1123Z), "Year": t.time.Year(),
	})
	return out.Bytes(), err
}

// changelog is Debian's: what changed is in CHANGELOG.md.
func (t target) changelog() ([]byte, error) {
	content, err := t.fill("packaging/linux/changelog")
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err = w.Close()
	return packed.Bytes(), err
}

// pack writes one package.
func (t target) pack(format, stage, path string) error {
	values := map[string]string{
		"NAME": t.name(), "ARCH": t.goarch, "VERSION": t.version, "STAGE": stage, "OTHER": other(t.oss),
	}
	config, err := nfpm.ParseFileWithEnvMapping(nfpmConfig, func(name string) string { return values[name] })
	if err != nil {
		return err
	}
	info, err := config.Get(format)
	if err != nil {
		return err
	}
	info.MTime = t.time
	info.License = t.licence() // nfpm does not expand it
	if t.oss {
		info.Contents = info.Contents[:0:0]
		for _, c := range config.Contents {
			if !strings.HasSuffix(c.Destination, "ELASTIC-LICENSE-2.0.txt") {
				info.Contents = append(info.Contents, c)
			}
		}
	}
	info = nfpm.WithDefaults(info)
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := packager.Package(info, &packed); err != nil {
		return err
	}
	return os.WriteFile(path, packed.Bytes(), 0o644)
}

// other is the variant that cannot be installed at the same time.
func other(oss bool) string {
	if oss {
		return beatName
	}
	return beatName + "-oss"
}
