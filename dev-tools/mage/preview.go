// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// docs:dashboards: pictures of the dashboards.

package mage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	previewSource = "dev-tools/preview"
	pictures      = IntegrationPackage + "/img"
	pictureWidth  = 1600
	// packageManifest lists the pictures.
	packageManifest = IntegrationPackage + "/manifest.yml"
)

// DashboardPictures draws every dashboard from its declaration and from what an OpenSearch node answers over simulated
// events: the tests of ./tests/dashboards ask it, a page in dev-tools/preview draws, and Chromium takes the picture.
// The node needs a JDK (javac) and Maven.
func DashboardPictures(ctx context.Context) error {
	browser, err := chromium()
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("pngquant"); err != nil {
		return fmt.Errorf("pngquant is needed and was not found: %w", err)
	}
	dir, err := filepath.Abs(filepath.Join(BuildDir, "preview"))
	if err != nil {
		return err
	}
	names, heights, err := preparePreview(ctx, dir)
	if err != nil {
		return err
	}
	for i, name := range names {
		picture := filepath.Join(pictures, "1password-"+name+"-dashboard.png")
		if err := browser.shoot(ctx, dir, i, heights[i], picture); err != nil {
			return err
		}
		if err := noteSize(packageManifest, filepath.Base(picture), heights[i]); err != nil {
			return err
		}
		Say("wrote %s", picture)
	}
	return nil
}

// noteSize writes how big a picture is into the package's manifest, which has to say so.
func noteSize(manifest, picture string, height int) error {
	content, err := os.ReadFile(manifest)
	if err != nil {
		return err
	}
	entry := regexp.MustCompile(`(src: /img/` + regexp.QuoteMeta(picture) + `\n(?: +(?:title|type): .*\n)* +size: )\d+x\d+`)
	if !entry.Match(content) {
		return fmt.Errorf("%s has no screenshot %s with a size", manifest, picture)
	}
	return os.WriteFile(manifest, entry.ReplaceAll(content, fmt.Appendf(nil, "${1}%dx%d", pictureWidth, height)), 0o600)
}

// preparePreview fills the directory that the browser reads, and returns names and heights of the dashboards.
func preparePreview(ctx context.Context, dir string) (names []string, heights []int, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, nil, err
	}
	for _, name := range []string{"package.json", "package-lock.json", "page.html", "page.css", "page.js"} {
		content, err := os.ReadFile(filepath.Join(previewSource, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), content, 0o600)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	npm := Command{Args: []string{"npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"}, Dir: dir, Label: "npm ci"}
	if err := npm.Run(ctx); err != nil {
		return nil, nil, err
	}
	answers := filepath.Join(dir, "answers.json")
	if err := os.RemoveAll(answers); err != nil {
		return nil, nil, err
	}
	test := Go("asking the panels' questions", "test", "./tests/dashboards", "-run", "^TestDashboards$", "-count=1", "-args", "-answers="+answers)
	test.Env = WithoutCgo()
	if err := test.Run(ctx); err != nil {
		return nil, nil, err
	}
	world := filepath.Join(dir, "node_modules", "world-atlas", "land-110m.json")
	if err := errors.Join(script(answers, "dashboards", dir, "data.js"), script(world, "world", dir, "world.js")); err != nil {
		return nil, nil, fmt.Errorf("%w (the answers need Java and Maven)", err)
	}
	return sizes(answers)
}

// script writes a JSON file as one that a page can load from the disk.
func script(source, variable, dir, name string) error {
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), []byte("const "+variable+" = "+string(content)+";\n"), 0o600)
}

// sizes reads the dashboards' names, as file names, and how high their pictures are: a row of Kibana's grid is 20
// pixels high, and between two are 8.
func sizes(answers string) (names []string, heights []int, err error) {
	content, err := os.ReadFile(answers)
	if err != nil {
		return nil, nil, err
	}
	var boards []struct {
		Name   string
		Panels [][]struct{ Height int }
	}
	if err := json.Unmarshal(content, &boards); err != nil {
		return nil, nil, err
	}
	for _, b := range boards {
		rows := 0
		for _, panels := range b.Panels {
			rows += panels[0].Height
		}
		names = append(names, strings.ToLower(strings.ReplaceAll(b.Name, " ", "-")))
		heights = append(heights, rows*28+100)
	}
	return names, heights, nil
}

// browserProgram is the path of a Chromium.
type browserProgram string

func chromium() (browserProgram, error) {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return browserProgram(path), nil
		}
	}
	return "", errors.New("chromium is needed and was not found: install it or name it in CHROMIUM")
}

// shootTimeout ends a browser that hangs.
const shootTimeout = time.Minute

// shoot takes the picture of dashboard i.
func (b browserProgram) shoot(ctx context.Context, dir string, i, height int, picture string) error {
	ctx, cancel := context.WithTimeout(ctx, shootTimeout)
	defer cancel()
	raw := filepath.Join(dir, "picture.png")
	args := []string{
		"--headless", "--disable-gpu", "--hide-scrollbars", fmt.Sprintf("--window-size=%d,%d", pictureWidth, height),
		"--user-data-dir=" + filepath.Join(dir, "profile"), "--screenshot=" + raw,
	}
	if os.Geteuid() == 0 { // as in a container, where the sandbox cannot start
		args = append(args, "--no-sandbox")
	}
	args = append(args, fmt.Sprintf("file://%s/page.html#%d", filepath.ToSlash(dir), i))
	var said bytes.Buffer
	c := exec.CommandContext(ctx, string(b), args...)
	c.Stdout, c.Stderr, c.WaitDelay = &said, &said, stopGrace
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", b, err, said.String())
	}
	if err := os.MkdirAll(filepath.Dir(picture), 0o750); err != nil {
		return err
	}
	// Screens have few colours: a palette of 256 makes a third of the size.
	small := Command{Args: []string{"pngquant", "--force", "--strip", "--speed", "1", "--output", picture, "256", raw}, Label: "pngquant"}
	return small.Run(ctx)
}
