// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// One registry by its settings, and the look into the other backend: a state that is there must not be passed over in silence.

package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/elastic/elastic-agent-libs/logp"
)

// Settings say where states are kept.
type Settings struct {
	Backend       string // BackendFile or BackendElasticsearch
	DataPath      string
	Elasticsearch *Elasticsearch // where the states are, or might be, in Elasticsearch; nil if none is configured
}

// OpenConfigured opens the registry that the settings name. Its Load looks into the other backend, without changing
// anything there, before it says that there is no state.
func OpenConfigured(s Settings, log *logp.Logger) (*Registry, error) {
	if s.Backend == BackendElasticsearch {
		r, err := OpenElasticsearch(*s.Elasticsearch, log)
		if err != nil {
			return nil, err
		}
		r.elsewhere = elsewhereInFiles(s.DataPath)
		return r, nil
	}
	r, err := Open(s.DataPath, log)
	if err != nil || s.Elasticsearch == nil {
		return r, err
	}
	other, err := OpenElasticsearch(*s.Elasticsearch, log)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.elsewhere = elsewhereInElasticsearch(other)
	r.backend = withOther{r.backend, other}
	return r, nil
}

// withOther is a backend that closes another one with it.
type withOther struct {
	backend
	other *Registry
}

func (w withOther) close() error { return errors.Join(w.backend.close(), w.other.Close()) }

// foundElsewhere is the error for a state that only the other backend has.
func foundElsewhere(key Key, here, there, thereKind string) error {
	return fmt.Errorf("%s has a state of input %q, event type %q, and the configured place for states has none. Nothing is collected, because starting over could skip or repeat events. "+
		"To carry the state over, stop the beat and run `onepasswordbeat state move --to %s`; to collect from another time, run %s; to go on with the old place, set onepasswordbeat.state.backend: %s",
		there, shown(key.Input), shown(key.EventType), here, resetCommand(key), thereKind)
}

// lostElsewhere is the error for a state that was moved away from the other backend, and is not here.
func lostElsewhere(key Key, there string, moved *MovedError) error {
	return fmt.Errorf("%s says of the state of input %q, event type %q: %w. It is not there. Nothing is collected, because starting over could skip or repeat events. "+
		"Correct onepasswordbeat.state, restore the state, or run %s", there, shown(key.Input), shown(key.EventType), moved, resetCommand(key))
}

// elsewhereInElasticsearch looks for a state in Elasticsearch for a registry in files.
func elsewhereInElasticsearch(other *Registry) func(context.Context, Key) error {
	return func(ctx context.Context, key Key) error {
		_, err := other.Peek(ctx, key)
		moved := (*MovedError)(nil)
		switch {
		case errors.Is(err, ErrNotFound):
			return nil
		case errors.As(err, new(*UnavailableError)), errors.Is(err, ErrClosed):
			return err
		case errors.As(err, &moved):
			return lostElsewhere(key, other.place(), moved)
		}
		return foundElsewhere(key, BackendFile, other.place(), BackendElasticsearch)
	}
}

// elsewhereInFiles looks for a state in the files below dataPath, once.
func elsewhereInFiles(dataPath string) func(context.Context, Key) error {
	dir := Dir(dataPath)
	stored := sync.OnceValues(func() (map[string]record, error) { return readFiles(dir) })
	return func(_ context.Context, key Key) error {
		states, err := stored()
		if err != nil {
			return fmt.Errorf("%s may have a state of input %q, event type %q, and the configured place for states has none: %w. "+
				"Nothing is collected. If the files are not needed, remove them", dir, shown(key.Input), shown(key.EventType), err)
		}
		rec, found := states[key.String()]
		if !found {
			return nil
		}
		moved := (*MovedError)(nil)
		if _, err := rec.state(); errors.As(err, &moved) {
			return lostElsewhere(key, dir, moved)
		}
		return foundElsewhere(key, BackendElasticsearch, dir, BackendFile)
	}
}

// readFiles reads memlog's files, and changes nothing.
func readFiles(dir string) (map[string]record, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := inspect(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(dir, keptLogName)); err == nil || found.log != "" {
		return nil, errors.New("its log is damaged")
	}
	states := map[string]record{}
	newest, hasData := newestData(entries)
	if hasData {
		raw, err := os.ReadFile(filepath.Join(dir, dataName(newest)))
		if err != nil {
			return nil, err
		}
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, err
		}
		for _, entry := range list {
			var key struct {
				Key string `json:"_key"`
			}
			if err := json.Unmarshal(entry, &key); err != nil {
				return nil, err
			}
			states[key.Key] = looseRecord(entry)
		}
	}
	return states, readLog(filepath.Join(dir, logName), newest, states)
}

// looseRecord is a record of which only what can be read is set: an unusable state is a state, too.
func looseRecord(raw json.RawMessage) record {
	var rec record
	_ = json.Unmarshal(raw, &rec)
	return rec
}

// readLog adds the states of the log, which inspect found whole but for its end.
func readLog(path string, newest uint64, states map[string]record) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	for {
		var action logLine
		var operation struct {
			K string
			V json.RawMessage
		}
		if dec.Decode(&action) != nil || dec.Decode(&operation) != nil {
			return nil //nolint:nilerr // its end, which may be cut off
		}
		switch {
		case action.ID <= newest: // the checkpoint has it
		case action.Op == "set":
			states[operation.K] = looseRecord(operation.V)
		default:
			delete(states, operation.K)
		}
	}
}
