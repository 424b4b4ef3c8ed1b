// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// TestBudgetBoundsWhatIsReserved: a response waits until there is room, and its wait ends with its context.
func TestBudgetBoundsWhatIsReserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(10*costFactor, 20*costFactor)
		first, second := b.Reservation(), b.Reservation()
		require.NoError(t, first.Reserve(t.Context(), 6))
		done := make(chan error)
		go func() { done <- second.Reserve(t.Context(), 6) }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("more was reserved than there is (%v)", err)
		default:
		}
		first.Shrink(4)
		require.NoError(t, <-done)

		ctx, cancel := context.WithCancel(t.Context())
		third := b.Reservation()
		go func() { done <- third.Reserve(ctx, 1) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		first.Release()
		second.Release()
		third.Release()
		require.True(t, b.usual.TryAcquire(10*costFactor), "all of it was released")
	})
}

// TestLargeResponsesDoNotWaitForEachOthersFirstPart: as many as fill the first part all turn out to be large.
func TestLargeResponsesDoNotWaitForEachOthersFirstPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(8*costFactor, 14*costFactor)
		done := make(chan error)
		for range 6 {
			go func() {
				r := b.Reservation()
				err := r.Reserve(t.Context(), 4)
				if err == nil {
					err = r.Reserve(t.Context(), 14)
				}
				r.Release()
				done <- err
			}()
		}
		for range 6 {
			require.NoError(t, <-done)
		}
		require.True(t, b.large.TryAcquire(14*costFactor))
		require.True(t, b.usual.TryAcquire(8*costFactor))
	})
}

// TestResponseLargerThanTheBudgetIsReserved: it takes all there is, or it would wait without end.
func TestResponseLargerThanTheBudgetIsReserved(t *testing.T) {
	b := NewBudget(2, 2)
	r := b.Reservation()
	require.NoError(t, b.Wait(t.Context(), 100))
	require.NoError(t, r.Reserve(t.Context(), 100))
	require.NoError(t, r.Reserve(t.Context(), 100))
	r.Shrink(1 << 40)
	r.Release()
	require.True(t, b.usual.TryAcquire(2))
}
