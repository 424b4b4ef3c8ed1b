// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The memory that only a start needs.

package beater

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// startIsOver is when a beat has done what it does once: packages are initialized,
// inputs have asked the API.
const startIsOver = time.Second

// dropAfterStart gives up the pages of the binary that the start has mapped: most
// are of the initialization of packages that are never used again. The function
// that it returns ends the wait.
func (bt *Onepasswordbeat) dropAfterStart() (end func()) {
	timer := time.AfterFunc(startIsOver, func() {
		if err := dropPages(); err != nil {
			bt.log.Debugf("The binary's pages stay in memory: %v", err)
		}
	})
	return func() { timer.Stop() }
}

// pageRange is a part of the address space.
type pageRange struct{ begin, end uintptr }

// filePages reads /proc/PID/smaps and returns the mappings of which a file has every
// page: the kernel brings those back when they are touched. A mapping with a page
// of its own, such as a relocation or a debugger's breakpoint, is left out.
func filePages(smaps io.Reader) ([]pageRange, error) {
	var ranges []pageRange
	var at pageRange
	var droppable bool
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		key, rest, _ := strings.Cut(lines.Text(), " ")
		switch key {
		case "Anonymous:", "Swap:":
			droppable = droppable && strings.TrimSpace(rest) == "0 kB"
		case "VmFlags:": // ends a mapping
			if droppable {
				ranges = append(ranges, at)
			}
		default:
			if strings.HasSuffix(key, ":") {
				continue
			}
			if _, err := fmt.Sscanf(key, "%x-%x", &at.begin, &at.end); err != nil {
				return nil, fmt.Errorf("%q is no range of addresses: %w", key, err)
			}
			perm, more, _ := strings.Cut(rest, " ") // offset, device, inode, and the path of a file
			droppable = (perm == "r-xp" || perm == "r--p") && strings.Contains(more, " /")
		}
	}
	return ranges, lines.Err()
}
