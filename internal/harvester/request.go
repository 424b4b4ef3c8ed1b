// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// One request to the Events API: whose cursor it is, and what came back.

package harvester

import (
	"context"
	"fmt"
	"time"

	"onepasswordbeat/internal/delivery"
	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
)

// wrongAccount says that the stored cursor and the token belong to two accounts.
type wrongAccount struct {
	key           registry.Key
	stored, token string
}

func (e *wrongAccount) Error() string {
	return fmt.Sprintf("the stored cursor belongs to account %s and the token to account %s; nothing is collected. "+
		"Restore the right token; or give the new account an `id` of its own; or, to follow the new account from now on, run "+
		"`onepasswordbeat state reset --input %s --event-type %s --since TIME --forget-account`",
		e.stored, e.token, e.key.Input, e.key.EventType)
}

// request is what one request needs.
type request struct {
	query   eventsapi.Query
	account string // that the cursor belongs to; "" if it is not known
}

// response is what came back.
type response struct {
	page    *eventsapi.Page
	account string // of the token; "" if it is not known
	err     error
	memory  *delivery.Reservation // of the page
}

// usualBytes is far more than a usual page has.
const usualBytes = 4 << 20

// do waits for memory and the rate limit, and makes a request.
func (o *Options) do(ctx context.Context, r request) response {
	memory := o.Budget.Reservation()
	if err := o.Budget.Wait(ctx, usualBytes); err != nil {
		return response{err: err, memory: memory}
	}
	resp := o.fetch(ctx, r, memory)
	resp.memory = memory
	if resp.page == nil {
		memory.Release()
	} else {
		memory.Shrink(resp.page.Bytes)
	}
	return resp
}

// fetch waits for the rate limit and makes a request, whose body is reserved in memory.
func (o *Options) fetch(ctx context.Context, r request, memory *delivery.Reservation) response {
	waited, err := o.Limiter.Wait(ctx)
	if err != nil {
		return response{err: err}
	}
	o.Metrics.waited(waited)
	account := o.Fetcher.UUID(ctx)
	if account != "" && r.account != "" && account != r.account {
		return response{account: account, err: &wrongAccount{key: o.Key, stored: r.account, token: account}}
	}
	start := time.Now()
	r.query.Reserve = memory.Reserve
	page, err := o.Fetcher.Fetch(ctx, o.Module.Path, r.query)
	o.Metrics.request(eventsapi.ClassOf(err), time.Since(start))
	return response{page: page, account: account, err: err}
}
