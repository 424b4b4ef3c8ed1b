// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// How Linux drops pages.

package beater

import (
	"errors"
	"os"
	"syscall"
)

// dropPages takes the pages that files have out of this process. They stay in the
// kernel's page cache, and come back one fault at a time where they are needed.
func dropPages() error {
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	ranges, err := filePages(smaps)
	err = errors.Join(err, smaps.Close())
	for _, r := range ranges {
		// By the bare call, since syscall.Madvise wants a slice: Go has none of its own text.
		if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, r.begin, r.end-r.begin, syscall.MADV_DONTNEED); errno != 0 {
			err = errors.Join(err, os.NewSyscallError("madvise", errno))
		}
	}
	return err
}
