// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

// TestWorkerHandlesInOrderAndRests: pages come in order, by one goroutine that exists only while there are any.
func TestWorkerHandlesInOrderAndRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handled []int
		goOn, ended := make(chan struct{}), 0
		w := &worker{
			handle: func(p *pendingPage) bool {
				<-goOn
				handled = append(handled, p.Len)
				return true
			},
			ended: func() { ended++ },
		}
		running := func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.running
		}
		put := func(lengths ...int) {
			for _, n := range lengths {
				w.put(&pendingPage{Page: Page{Len: n}})
			}
		}
		put(1, 2, 3)
		synctest.Wait()
		assert.True(t, running())
		for range 3 {
			goOn <- struct{}{}
		}
		synctest.Wait()
		assert.False(t, running(), "nothing to do")
		assert.Equal(t, []int{1, 2, 3}, handled)
		assert.Zero(t, ended)

		put(4, 5)
		w.close()
		w.close()
		assert.Zero(t, ended, "not before the last page")
		close(goOn)
		synctest.Wait()
		put(6)
		synctest.Wait()
		assert.Equal(t, []int{1, 2, 3, 4, 5}, handled, "nothing after the end")
		assert.Equal(t, 1, ended)
	})
}

// TestWorkerEndsAtAFailure: after a page that ends it, the rest is dropped.
func TestWorkerEndsAtAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handled, ended := 0, 0
		w := &worker{handle: func(*pendingPage) bool { handled++; return false }, ended: func() { ended++ }}
		for range 3 {
			w.put(&pendingPage{})
		}
		synctest.Wait()
		w.put(&pendingPage{})
		w.close()
		synctest.Wait()
		assert.Equal(t, 1, handled)
		assert.Equal(t, 1, ended)
	})
}
