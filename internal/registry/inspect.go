// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The look at memlog's files before memlog opens them: memlog takes a
// damaged store for an empty one.

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

// The files of memlog's store that are not checkpoints.
const (
	metaName   = "meta.json"
	activeName = "active.dat"
	logName    = "log.json"
	// keptLogName is where a damaged log is kept if it may have held a state that no
	// checkpoint has.
	keptLogName = "log.json.damaged"
)

// DamagedError reports a registry that can't be used: its checkpoint is damaged. A
// crash, a power cut or a full disk leaves no such files. Nothing was changed.
type DamagedError struct {
	Path   string // the file
	Reason string // what is wrong with it
}

func (e *DamagedError) Error() string {
	dir := filepath.Dir(e.Path)
	return fmt.Sprintf("the registry file %s is damaged: %s. Nothing was changed and nothing is collected, because starting over "+
		"could skip or repeat events. To continue, restore %s from a backup. Without a backup, move it away and, for each event type, run "+
		"`onepasswordbeat state reset --input ID --event-type TYPE --since TIME` with a time before the damage "+
		"(Elasticsearch rejects events that it already has by their _id)", e.Path, e.Reason, dir)
}

// findings are damage that an intact checkpoint makes up for.
type findings struct {
	meta   string // what is wrong with meta.json; "" if nothing is
	log    string // what is wrong with the log; "" if nothing is
	whole  int64  // bytes of the log before the damage
	states int    // in the checkpoint
}

// inspect reads the store's files in dir as memlog would. It returns a *DamagedError
// for everything that would make memlog start over in silence. A folder
// that does not exist is fine: the first start.
func inspect(dir string) (found findings, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil
	}
	if err != nil {
		return found, fmt.Errorf("can't read the registry folder %s: %w", dir, err)
	}
	if err := onlyFiles(dir, entries); err != nil {
		return found, err
	}
	if cutOffAtFirstStart(dir, entries) {
		return found, nil
	}
	newest, hasData := newestData(entries)
	metaErr := inspectMeta(filepath.Join(dir, metaName))
	if metaErr != nil && (!hasData || !errors.As(metaErr, new(*DamagedError))) {
		return found, metaErr
	}
	if hasData {
		found.states, err = inspectData(filepath.Join(dir, dataName(newest)))
		if err != nil {
			return found, err
		}
	}
	if err := inspectActive(dir, newest, hasData); err != nil {
		return found, err
	}
	whole, logErr := inspectLog(filepath.Join(dir, logName), newest)
	if logErr != nil && (!hasData || !errors.As(logErr, new(*DamagedError))) {
		return found, logErr
	}
	found.meta, found.log, found.whole = reason(metaErr), reason(logErr), whole
	return found, nil
}

// onlyFiles returns an error if something in the folder is not a regular file: opening a pipe would block without end, and a
// device may have no end.
func onlyFiles(dir string, entries []fs.DirEntry) error {
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil || info.Mode().IsRegular() || info.IsDir() { // opening it reports the error
			continue
		}
		return fmt.Errorf("can't read the registry: %s is not a regular file (%s): move it away", path, info.Mode().Type())
	}
	return nil
}

func reason(err error) string {
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		return damaged.Reason
	}
	return ""
}

// replaceFile writes a whole file or none.
func replaceFile(path string, content []byte) error {
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	syncFolders(filepath.Dir(path))
	return nil
}

// firstMeta is what memlog writes into a new folder before anything else.
const firstMeta = `{"version":"1"}`

// cutOffAtFirstStart reports whether the folder is empty (a new volume, say), or
// memlog was interrupted before its first checkpoint: meta.json is not whole, and
// nothing else has content. There is nothing to lose yet.
func cutOffAtFirstStart(dir string, entries []fs.DirEntry) bool {
	if len(entries) == 0 {
		return true
	}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		switch {
		case err != nil:
			return false
		case e.Name() == metaName:
			text := strings.TrimRight(string(raw), "\x00")
			if len(text) >= len(firstMeta) || !strings.HasPrefix(firstMeta, text) {
				return false
			}
		case e.Name() == logName && len(raw) == 0:
		default:
			return false
		}
	}
	return true
}

// finishFirstStart does what memlog does not when the folder is there already.
func finishFirstStart(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || !cutOffAtFirstStart(dir, entries) {
		return nil //nolint:nilerr // no folder yet: memlog makes it
	}
	return replaceFile(filepath.Join(dir, metaName), []byte(firstMeta))
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

// inspectData returns the number of states in a checkpoint.
func inspectData(path string) (int, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("can't read the registry: %w", err)
	}
	var states []map[string]any
	if err := json.Unmarshal(raw, &states); err != nil {
		return 0, &DamagedError{path, describe(raw, err)}
	}
	if len(states) == 0 {
		return 0, &DamagedError{path, "it holds no state, and none was ever written like that"}
	}
	for i, s := range states {
		if key, ok := s["_key"].(string); !ok || key == "" {
			return 0, &DamagedError{path, fmt.Sprintf("entry %d has no key", i)}
		}
	}
	return len(states), nil
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

// inspectLog reads the log: pairs of an action and its operation, a JSON document
// each, numbered without a gap from the checkpoint's number on. A full disk or a power
// cut may have cut off its end. That is not damage: a commit that returned is not there.
// It returns how many bytes are whole.
func inspectLog(path string, newest uint64) (whole int64, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("can't read the registry: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	for n := 1; ; n += 2 {
		var action, operation logLine
		for i, line := range []*logLine{&action, &operation} {
			err := dec.Decode(line)
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return whole, nil
			}
			if err != nil {
				return whole, &DamagedError{path, describe(raw, err)}
			}
			if isAction := i == 0; isAction != (line.Op == "set" || line.Op == "remove") || isAction == (line.K != "") {
				return whole, &DamagedError{path, fmt.Sprintf("line %d is not what belongs there", n+i)}
			}
		}
		if action.ID > newest { // memlog passes over what the checkpoint has already
			if newest++; action.ID != newest {
				return whole, &DamagedError{path, fmt.Sprintf("line %d has number %d instead of %d", n, action.ID, newest)}
			}
		}
		whole = dec.InputOffset()
	}
}

// logLine is an action, with Op and ID, or an operation, with K.
type logLine struct {
	Op string         `json:"op"`
	ID uint64         `json:"id"`
	K  string         `json:"K"`
	V  map[string]any `json:"V"`
}

// describe says in a reader's words why raw is not a JSON document.
func describe(raw []byte, err error) string {
	var syntax *json.SyntaxError
	switch {
	case len(raw) == 0:
		return "it is empty"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && syntax.Offset >= int64(len(raw)) && len(raw) > 1:
		return fmt.Sprintf("it was cut off after %d bytes", len(raw))
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is garbage at byte %d of %d", syntax.Offset, len(raw))
	default:
		return "its content is not what belongs there"
	}
}

// syncFolders makes new folders outlive a power cut, where the file system can.
// memlog does so for the files in the last of them.
func syncFolders(paths ...string) {
	for _, path := range paths {
		if f, err := os.Open(path); err == nil {
			_ = f.Sync()
			_ = f.Close()
		}
	}
}
