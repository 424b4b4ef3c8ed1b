// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The OCI image: from scratch, with the binary, its configuration and the few files that a system has to have.

package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	imageUser = 65532 // the customary id of a user without rights
	imageHome = "usr/share/onepasswordbeat"
	httpPort  = "5066/tcp"
)

// writeImages writes one OCI archive for all architectures, and a docker tar for each.
func writeImages(targets []target) error {
	first := targets[0]
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, t := range targets {
		image, err := t.image()
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: t.goos, Architecture: t.goarch}},
		})
		if err := t.dockerTar(image); err != nil {
			return err
		}
	}
	return writeOCI(index, filepath.Join(first.out, fmt.Sprintf("%s-%s-oci-image.tar", first.name(), first.version)), first.release)
}

// dockerTar writes what `docker load` and `podman load` read.
func (t target) dockerTar(image v1.Image) error {
	tag, err := name.NewTag(t.name() + ":" + t.version)
	if err != nil {
		return err
	}
	path := filepath.Join(t.out, fmt.Sprintf("%s-%s-docker-image-%s-%s.tar", t.name(), t.version, t.goos, t.goarch))
	return tarball.WriteToFile(path, tag, image)
}

// image is that of one architecture.
func (t target) image() (v1.Image, error) {
	files, err := t.imageFiles()
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	if err := files.tar(&layer, "", t.time); err != nil {
		return nil, err
	}
	made, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(layer.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{
		Layer:   made,
		History: v1.History{Created: v1.Time{Time: t.time}, CreatedBy: "onepasswordbeat packaging", Comment: t.full()},
	})
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, t.imageConfig(image))
}

// imageConfig says how the image runs.
func (t target) imageConfig(image v1.Image) *v1.ConfigFile {
	config, err := image.ConfigFile()
	if err != nil {
		config = &v1.ConfigFile{}
	}
	config = config.DeepCopy()
	config.Created = v1.Time{Time: t.time}
	config.OS, config.Architecture = t.goos, t.goarch
	config.Config = v1.Config{
		User:         fmt.Sprintf("%d:%d", imageUser, imageUser),
		WorkingDir:   "/" + imageHome,
		Entrypoint:   []string{"/" + imageHome + "/" + beatName},
		Cmd:          []string{"run", "--environment", "container"},
		Env:          []string{"PATH=/" + imageHome},
		Volumes:      map[string]struct{}{"/" + imageHome + "/data": {}},
		ExposedPorts: map[string]struct{}{httpPort: {}},
		StopSignal:   "SIGTERM",
		Labels: map[string]string{
			"org.opencontainers.image.title":       t.name(),
			"org.opencontainers.image.description": "Ships 1Password's sign-in attempts, item usages and audit events to Elasticsearch and other outputs",
			"org.opencontainers.image.version":     t.version,
			"org.opencontainers.image.licenses":    t.licence(),
		},
	}
	return config
}

// imageFiles is the root file system.
func (t target) imageFiles() (tree, error) {
	files, err := t.legal()
	if err != nil {
		return nil, err
	}
	for i := range files {
		files[i].name = imageHome + "/" + files[i].name
	}
	roots, err := certificates()
	if err != nil {
		return nil, err
	}
	release := fmt.Sprintf("NAME=%q\nID=onepasswordbeat\nVERSION_ID=%q\nPRETTY_NAME=%q\n", beatName, t.version, beatName+" "+t.version)
	files = append(files,
		file(imageHome+"/"+beatName, t.binary, 0o755),
		file(imageHome+"/onepasswordbeat.yml", "packaging/container/onepasswordbeat.yml", 0o644),
		file(imageHome+"/onepasswordbeat.reference.yml", "onepasswordbeat.reference.yml", 0o644),
		file(imageHome+"/fields.yml", "fields.yml", 0o644),
		entry{name: imageHome + "/data/", mode: 0o750, uid: imageUser, gid: imageUser},
		text("etc/os-release", []byte(release), 0o644),
		text("etc/passwd", fmt.Appendf(nil, "root:x:0:0:root:/:/none\n%s:x:%d:%d::/%s:/none\n", beatName, imageUser, imageUser, imageHome), 0o644),
		text("etc/group", fmt.Appendf(nil, "root:x:0:\n%s:x:%d:\n", beatName, imageUser), 0o644),
		text("etc/ssl/certs/ca-certificates.crt", roots, 0o644),
	)
	for _, dir := range []string{"etc/", "etc/ssl/", "etc/ssl/certs/", "usr/", "usr/share/", imageHome + "/"} {
		files = append(files, entry{name: dir, mode: 0o755})
	}
	return files, nil
}

// certificates are Mozilla's certificate authorities, in the version that go.mod names. Those that are trusted for a
// part of their certificates only have no form in a PEM file, and are left out.
func certificates() ([]byte, error) {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// writeOCI writes an image layout as one tar.
func writeOCI(index v1.ImageIndex, path string, r release) error {
	dir, err := os.MkdirTemp("", "onepasswordbeat-image-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if _, err := layout.Write(dir, index); err != nil {
		return err
	}
	files, err := folder(dir)
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := files.tar(out, "", r.time); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
