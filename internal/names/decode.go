// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The files: a JSON array of objects with id and name or title, or two columns of CSV. Both are read as a stream, and
// everything is bounded: entries, the memory that a table takes, the bytes of one entry and of the file.

package names

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"onepasswordbeat/internal/safetext"
)

const (
	maxEntries = 200_000
	maxBytes   = 45 << 20  // of an input's tables; while one is read again there are two of it
	maxFile    = 512 << 20 // `op item list` writes about 600 bytes per item
	maxEntry   = 1 << 20   // one object or line
	maxID      = 64
	maxName    = 256
	// overhead is what an entry takes besides its text: two strings' headers in a map that is a third empty at worst, and
	// what the allocator rounds up.
	overhead = 112
)

// table is the names by id. It is read-only once it is made.
type table struct {
	names map[string]string
	bytes int
}

func (t *table) len() int {
	if t == nil {
		return 0
	}
	return len(t.names)
}

func (t *table) size() int {
	if t == nil {
		return 0
	}
	return t.bytes
}

// name is the name of an id, or "".
func (t *table) name(id string) string {
	if t == nil {
		return ""
	}
	return t.names[id]
}

// add adds an entry. Entries without a name are left out.
func (t *table) add(id, name string, limit int) error {
	if id == "" || len(id) > maxID || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return fmt.Errorf("entry %d has no valid id", len(t.names)+1)
	}
	if name = safetext.Short(name, maxName); name == "" {
		return nil
	}
	if _, twice := t.names[id]; !twice && len(t.names) == maxEntries {
		return fmt.Errorf("it has more than %d entries", maxEntries)
	}
	if t.bytes += len(id) + len(name) + overhead; t.bytes > limit {
		return fmt.Errorf("the names of an input take more than %d MiB", maxBytes>>20)
	}
	t.names[strings.Clone(id)] = strings.Clone(name)
	return nil
}

// quota is a reader that fails once an entry, or the file, has more bytes than it may have.
type quota struct {
	r           io.Reader
	entry, file int
}

var errTooLong = fmt.Errorf("an entry has more than %d bytes, or the file more than %d MiB", maxEntry, maxFile>>20)

func (q *quota) Read(p []byte) (int, error) {
	most := min(q.entry, q.file)
	if most <= 0 {
		return 0, errTooLong
	}
	n, err := q.r.Read(p[:min(len(p), most)])
	q.entry -= n
	q.file -= n
	return n, err
}

// decode reads a file's content into a table of at most limit bytes.
func decode(r io.Reader, limit int) (*table, error) {
	q := &quota{r: r, entry: maxEntry, file: maxFile}
	b := bufio.NewReader(q)
	if bom, _ := b.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = b.Discard(len(bom))
	}
	t := &table{names: map[string]string{}}
	for {
		c, err := b.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it is empty")
		}
		if err != nil {
			return nil, err
		}
		if strings.IndexByte(" \t\r\n", c) >= 0 {
			continue
		}
		_ = b.UnreadByte()
		if c == '[' || c == '{' {
			return t, t.readJSON(b, q, limit)
		}
		return t, t.readCSV(b, q, limit)
	}
}

// entry is what is read of an object; `op item list` calls the name title.
type entry struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Title string `json:"title"`
}

func (t *table) readJSON(r io.Reader, q *quota, limit int) error {
	d := json.NewDecoder(r)
	if first, err := d.Token(); err != nil || first != json.Delim('[') {
		return errors.New("it is not a JSON array, as `op ... list --format json` writes")
	}
	for d.More() {
		q.entry = maxEntry
		var e entry
		if err := d.Decode(&e); err != nil {
			return broken(err, len(t.names))
		}
		if e.Name == "" {
			e.Name = e.Title
		}
		if err := t.add(e.ID, e.Name, limit); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return broken(err, len(t.names))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the JSON array")
	}
	return nil
}

func (t *table) readCSV(r io.Reader, q *quota, limit int) error {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.ReuseRecord, c.TrimLeadingSpace = 2, true, true
	for first := true; ; first = false {
		q.entry = maxEntry
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(err, len(t.names))
		}
		if first && strings.EqualFold(row[0], "id") {
			continue
		}
		if err := t.add(row[0], row[1], limit); err != nil {
			return err
		}
	}
}

// broken says where a file cannot be read. What stands there is not repeated: a title may be sensitive.
func broken(err error, read int) error {
	var syntax *json.SyntaxError
	var parse *csv.ParseError
	switch {
	case errors.Is(err, errTooLong):
		return errTooLong
	case errors.As(err, &syntax):
		return fmt.Errorf("broken JSON after %d entries, at byte %d", read, syntax.Offset)
	case errors.As(err, &parse):
		return fmt.Errorf("broken CSV in line %d: %w", parse.Line, parse.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the file ends after %d entries, in the middle", read)
	default:
		return fmt.Errorf("entry %d is not an object with an id and a name", read+1)
	}
}
