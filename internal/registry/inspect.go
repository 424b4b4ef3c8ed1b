// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The look at memlog's files before memlog opens them: it would take a damaged
// store for an empty one.

package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// DamagedError says that the registry's files are not what a beat leaves behind,
// power cuts and full disks included. Nothing was changed.
type DamagedError struct {
	Path   string // the file
	Reason string // what is wrong with it
}

func (e *DamagedError) Error() string {
	dir := filepath.Dir(e.Path)
	return fmt.Sprintf("the registry file %s is damaged: %s. Nothing was changed and nothing is collected, because starting over "+
		"could skip or repeat events. To go on: restore %s from a backup; or move it away and, for each event type, run "+
		"`onepasswordbeat state reset --input ID --event-type TYPE --since TIME` with a time before the damage "+
		"(events that Elasticsearch already has are refused by their _id)", e.Path, e.Reason, dir)
}

// inspect reads the store's files in dir as memlog would, and returns a
// *DamagedError for everything that memlog would pass over in silence. A folder
// that does not exist is fine: the first start.
func inspect(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("can't read the registry folder %s: %w", dir, err)
	}
	if cutOffAtFirstStart(dir, entries) {
		return nil
	}
	if err := inspectMeta(filepath.Join(dir, "meta.json")); err != nil {
		return err
	}
	newest, found := newestData(entries)
	if found {
		if err := inspectData(filepath.Join(dir, dataName(newest))); err != nil {
			return err
		}
	}
	if err := inspectActive(dir, newest, found); err != nil {
		return err
	}
	return inspectLog(filepath.Join(dir, "log.json"))
}

// firstMeta is what memlog writes into a new folder before anything else.
const firstMeta = `{"version":"1"}`

// cutOffAtFirstStart tells whether the folder is empty (a new volume, say), or
// memlog was interrupted when it began to fill it: meta.json is the only file and
// not whole. There is nothing to lose yet.
func cutOffAtFirstStart(dir string, entries []fs.DirEntry) bool {
	if len(entries) == 0 {
		return true
	}
	if len(entries) > 1 || entries[0].Name() != "meta.json" {
		return false
	}
	raw, err := os.ReadFile(filepath.Join(dir, "meta.json"))
	return err == nil && len(raw) < len(firstMeta) && strings.HasPrefix(firstMeta, string(raw))
}

// finishFirstStart does what memlog does not when the folder is there already.
func finishFirstStart(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || !cutOffAtFirstStart(dir, entries) {
		return nil //nolint:nilerr // no folder yet: memlog makes it
	}
	return os.WriteFile(filepath.Join(dir, "meta.json"), []byte(firstMeta), 0o600)
}

// newestData returns the number of the newest checkpoint file, <number>.json.
func newestData(entries []fs.DirEntry) (newest uint64, found bool) {
	for _, e := range entries {
		if id, ok := dataNumber(e.Name()); ok {
			newest, found = max(newest, id), true
		}
	}
	return newest, found
}

func dataName(number uint64) string { return strconv.FormatUint(number, 10) + ".json" }

// dataNumber is the reverse of dataName; memlog takes no other name for a
// checkpoint's.
func dataNumber(name string) (uint64, bool) {
	base, isJSON := strings.CutSuffix(name, ".json")
	id, err := strconv.ParseUint(base, 10, 64)
	return id, isJSON && err == nil
}

func inspectMeta(path string) error {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &DamagedError{path, "it is missing, but other files of the registry are there"}
	}
	if err != nil {
		return fmt.Errorf("can't read the registry: %w", err)
	}
	var meta struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(raw, &meta); err != nil {
		return &DamagedError{path, describe(raw, err)}
	}
	if meta.Version == "" {
		return &DamagedError{path, "it names no version"}
	}
	return nil
}

func inspectData(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("can't read the registry: %w", err)
	}
	var states []map[string]any
	if err := json.Unmarshal(raw, &states); err != nil {
		return &DamagedError{path, describe(raw, err)}
	}
	if len(states) == 0 {
		return &DamagedError{path, "it holds no state, and none was ever written like that"}
	}
	for i, s := range states {
		if key, ok := s["_key"].(string); !ok || key == "" {
			return &DamagedError{path, fmt.Sprintf("entry %d has no key", i)}
		}
	}
	return nil
}

// inspectActive checks that the data file that active.dat points to, or a newer
// one, is there: memlog looks at neither and would take an older file, or none.
// A newer one is there after a crash, or a full disk, in the middle of a commit.
// Without its fsync a power cut may garble active.dat itself, which does no harm
// as long as there is data.
func inspectActive(dir string, newest uint64, found bool) error {
	path := filepath.Join(dir, "active.dat")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("can't read the registry: %w", err)
	}
	name := filepath.Base(strings.ReplaceAll(string(raw), `\`, "/"))
	number, ok := dataNumber(name)
	switch {
	case ok && (!found || number > newest):
		return &DamagedError{path, fmt.Sprintf("it points to %q, which is missing", name)}
	case !found:
		return &DamagedError{path, "it is there, but the data file that it should point to is not"}
	}
	return nil
}

// inspectLog reads the update log: pairs of an action and its operation, a JSON
// document each. Every commit ends in a checkpoint that empties it, so that it
// has content only after a checkpoint failed. A full disk may then cut it off;
// memlog drops what is cut, and warns. That is no damage: it holds nothing that
// was committed, and what it holds was delivered.
func inspectLog(path string) error {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("can't read the registry: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	for n := 0; ; n++ {
		var doc map[string]any
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return &DamagedError{path, describe(raw, err)}
		}
		if _, isAction := doc["op"]; isAction != (n%2 == 0) {
			return &DamagedError{path, fmt.Sprintf("line %d is not what belongs there", n+1)}
		}
	}
}

// describe says in a reader's words why raw is no JSON document.
func describe(raw []byte, err error) string {
	var syntax *json.SyntaxError
	switch {
	case len(raw) == 0:
		return "it is empty"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && syntax.Offset >= int64(len(raw)):
		return fmt.Sprintf("it was cut off after %d bytes", len(raw))
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is garbage at byte %d of %d", syntax.Offset, len(raw))
	default:
		return "its content is not what belongs there"
	}
}
