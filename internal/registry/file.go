// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// States in files below path.data: memlog's store, whose log is synced on each commit.

package registry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/elastic/beats/v7/libbeat/common/transform/typeconv"
	stores "github.com/elastic/beats/v7/libbeat/statestore/backend"
	"github.com/elastic/beats/v7/libbeat/statestore/backend/memlog"
	"github.com/elastic/elastic-agent-libs/logp"
)

const storeName = "onepasswordbeat"

const (
	// logBase and logPerKey bound the size of the log in bytes. A checkpoint costs in
	// proportion to the number of states, and so does the interval between two of them:
	// the share of a commit stays the same.
	logBase   = 256 << 10
	logPerKey = 2 << 10
	// checkpointShare is the share of states that may be in the log alone: 1 of 8. A
	// registry with fewer states has each of them in its checkpoint.
	checkpointShare = 8
	// bufferSize is memlog's. It writes a checkpoint with O_SYNC, a buffer at a time.
	bufferSize = 256 << 10
)

// fileStore is the backend in files.
type fileStore struct {
	dir     string
	dataDir string
	log     *logp.Logger
	lostLog string // file that keeps a damaged log, if it may have held the only state of a key; or ""

	mu      sync.RWMutex // held for writing while mem is replaced or closed
	mem     memStore     // nil once closed
	logFile *os.File     // memlog's log, opened a second time
	synced  *groupSync   // of logFile

	due    atomic.Bool // the next commit is a checkpoint
	broken atomic.Bool // a write failed: memlog's log can't be trusted
	dirty  atomic.Bool // there are commits since the last checkpoint

	keysMu sync.Mutex
	keys   map[string]struct{}
	fresh  int // keys that are not in the checkpoint
}

// memStore is what memlog offers beside the interface of its package.
type memStore interface {
	stores.Store
	Checkpoint() error
}

// Dir is the folder below path.data that holds the registry's files.
func Dir(dataPath string) string { return filepath.Join(dataPath, "registry", storeName) }

// Open opens, and at the first start makes, the registry below dataPath. A
// *DamagedError says that its files can't be trusted; nothing was changed then.
func Open(dataPath string, log *logp.Logger) (*Registry, error) {
	f := &fileStore{dir: Dir(dataPath), dataDir: dataPath, log: log.Named("registry"), keys: map[string]struct{}{}}
	if abs, err := filepath.Abs(f.dir); err != nil || strings.ContainsAny(abs, globCharacters) {
		return nil, fmt.Errorf("path.data %s contains one of the characters %s, and the registry's files could not be found again: choose another folder", dataPath, globCharacters)
	}
	found, err := inspect(f.dir)
	if err != nil {
		return nil, err
	}
	root := filepath.Dir(f.dir)
	if err := os.MkdirAll(root, 0o750); err != nil {
		return nil, fmt.Errorf("can't create the registry folder: %w", err)
	}
	if err := f.repair(found); err != nil {
		return nil, fmt.Errorf("can't repair the registry: %w", err)
	}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("can't open the registry %s: %w", f.dir, err)
	}
	syncFolders(root, dataPath)
	return &Registry{backend: f}, nil
}

// globCharacters mean something to filepath.Glob, by which memlog looks for its
// files: in such a folder it would find none and start over in silence.
var globCharacters = strings.ReplaceAll(`*?[\`, string(os.PathSeparator), "")

// open opens memlog's store, and its log a second time to sync it.
func (f *fileStore) open() error {
	registry, err := memlog.New(f.log, memlog.Settings{
		Root: filepath.Dir(f.dir), FileMode: 0o600, BufferSize: bufferSize, Checkpoint: f.checkpointDue,
	})
	if err != nil {
		return err
	}
	opened, err := registry.Access(storeName)
	if err != nil {
		return err
	}
	mem, ok := opened.(memStore)
	if !ok {
		return errors.Join(errors.New("memlog's store has no Checkpoint"), opened.Close())
	}
	file, err := os.OpenFile(filepath.Join(f.dir, logName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return errors.Join(err, mem.Close())
	}
	if f.mem != nil { // it is replaced
		_ = f.mem.Close()
		_ = f.logFile.Close()
	}
	f.mem, f.logFile, f.synced = mem, file, &groupSync{do: file.Sync}
	info, err := file.Stat()
	f.due.Store(err != nil || info.Size() > 0) // what is in the log goes into a checkpoint
	return mem.Each(func(key string, _ stores.ValueDecoder) (bool, error) {
		f.keys[key] = struct{}{}
		return true, nil
	})
}

// checkpointDue decides for memlog whether a commit of a state writes a checkpoint.
func (f *fileStore) checkpointDue(logSize uint64) bool {
	f.keysMu.Lock()
	defer f.keysMu.Unlock()
	due := f.due.Swap(false) || logSize >= logBase+logPerKey*uint64(len(f.keys))
	if due {
		f.fresh = 0
		f.dirty.Store(false)
	}
	return due
}

// add notes a key. If too many of them would be in the log alone, the next commit is a
// checkpoint. Their number may grow with that of all states, so that the checkpoints of
// N first commits cost in proportion to N.
func (f *fileStore) add(key string) {
	f.keysMu.Lock()
	defer f.keysMu.Unlock()
	if _, known := f.keys[key]; known {
		return
	}
	f.keys[key] = struct{}{}
	f.fresh++
	if f.fresh*checkpointShare >= len(f.keys) {
		f.due.Store(true)
	}
}

func (f *fileStore) get(_ context.Context, key Key, _ bool) (decoder, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.mem == nil {
		return nil, ErrClosed
	}
	has, err := f.mem.Has(key.String())
	if err != nil {
		return nil, fmt.Errorf("can't read the registry %s: %w", f.dir, err)
	}
	if !has {
		return nil, f.absent(key)
	}
	var stored map[string]any
	if err := f.mem.Get(key.String(), &stored); err != nil {
		return nil, unusable(key, f.dir, err)
	}
	return fields(stored), nil
}

// fields are a stored state.
type fields map[string]any

// Decode copies the fields into to, which has `struct` tags.
func (f fields) Decode(to any) error { return typeconv.Convert(to, map[string]any(f)) }

// absent is the error for a key without a state.
func (f *fileStore) absent(key Key) error {
	if f.lostLog == "" {
		return ErrNotFound
	}
	return fmt.Errorf("no state of input %q, event type %q was found in %s, but the damaged log %s may have contained it. "+
		"If the input is new, stop the beat and remove that file; otherwise run %s", key.Input, key.EventType, f.dir, f.lostLog, resetCommand(key))
}

// put returns once the state is on disk. The states of concurrent calls share a sync. A write to a disk can't be
// cancelled.
func (f *fileStore) put(_ context.Context, key Key, rec record) error {
	if f.broken.Load() {
		if err := f.heal(); err != nil {
			return err
		}
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.mem == nil {
		return ErrClosed
	}
	f.add(key.String())
	f.dirty.Store(true)
	err := f.mem.Set(key.String(), rec)
	if err == nil {
		err = f.synced.sync()
	}
	if err != nil {
		f.due.Store(true)
		f.broken.Store(true)
	}
	return err
}

// heal writes a checkpoint after a failure, and opens the store anew: memlog's log
// stays unusable after one failed write, and a failed sync leaves open what is on disk.
func (f *fileStore) heal() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mem == nil || !f.broken.Load() {
		return nil
	}
	if err := f.mem.Checkpoint(); err != nil {
		return err
	}
	if err := f.open(); err != nil {
		f.due.Store(true) // the old store goes on with a checkpoint per commit
		return nil        // the state is safe, and the next commit tries again
	}
	f.broken.Store(false)
	return nil
}

func (f *fileStore) each(_ context.Context, do func(Key, decoder)) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.mem == nil {
		return ErrClosed
	}
	err := f.mem.Each(func(name string, stored stores.ValueDecoder) (bool, error) {
		if key, ok := parseKey(name); ok {
			do(key, stored)
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("can't read the registry %s: %w", f.dir, err)
	}
	return nil
}

// close writes a checkpoint, which nothing depends on: what was committed is on disk.
func (f *fileStore) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mem == nil {
		return nil
	}
	if f.dirty.Load() {
		_ = f.mem.Checkpoint()
	}
	_ = f.mem.Close()
	f.mem = nil
	return f.logFile.Close()
}

func (f *fileStore) place() string { return f.dir }

func (f *fileStore) kind() string { return BackendFile }

// groupSync syncs a file for many writers at once.
type groupSync struct {
	do func() error

	turn    sync.Mutex // held while the file is synced
	mu      sync.Mutex
	waiting *syncResult // of the sync that has not begun
}

type syncResult struct {
	done chan struct{}
	err  error
}

// sync returns once all that was written before the call is on disk. A call that comes
// while a sync runs waits for the next one, together with all others that do.
func (g *groupSync) sync() error {
	g.mu.Lock()
	result := g.waiting
	if result != nil {
		g.mu.Unlock()
		<-result.done
		return result.err
	}
	result = &syncResult{done: make(chan struct{})}
	g.waiting = result
	g.mu.Unlock()

	g.turn.Lock()
	g.mu.Lock()
	g.waiting = nil
	g.mu.Unlock()
	result.err = g.do()
	g.turn.Unlock()
	close(result.done)
	return result.err
}

// repair makes up for damage that an intact checkpoint allows to, and says so.
func (f *fileStore) repair(found findings) error {
	if err := finishFirstStart(f.dir); err != nil {
		return err
	}
	if found.meta != "" {
		f.log.Warnw("the registry's meta.json was damaged and is written again; the checkpoint behind it is intact",
			"file.path", filepath.Join(f.dir, metaName), "reason", found.meta)
		if err := replaceFile(filepath.Join(f.dir, metaName), []byte(firstMeta)); err != nil {
			return err
		}
	}
	kept := filepath.Join(f.dir, keptLogName)
	if found.log != "" {
		f.log.Warnw("the registry's log is damaged: collection continues from the checkpoint and what can be read of the log. "+
			"Events that were delivered after that are collected again; Elasticsearch rejects the copies by their _id",
			"file.path", filepath.Join(f.dir, logName), "reason", found.log)
		if err := f.cutLog(found, kept); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(kept); err == nil {
		f.lostLog = kept
	}
	return nil
}

// cutLog removes what is behind the damage: memlog would read some of it. The damaged
// log is kept if it may have held the only state of a key, unless an older one is.
func (f *fileStore) cutLog(found findings, kept string) error {
	path := filepath.Join(f.dir, logName)
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(kept); err != nil && found.states >= checkpointShare {
		if err := replaceFile(kept, raw); err != nil {
			return err
		}
	}
	return replaceFile(path, raw[:found.whole])
}
