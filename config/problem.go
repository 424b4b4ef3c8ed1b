// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The problems of a configuration, collected to be reported at once.

package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// problem is an invalid setting: its key, and what is invalid and what to do.
type problem struct{ key, text string }

// problems has at most one problem per key.
type problems []problem

// add adds a problem, unless the key has one: the first is the cause of the others.
func (p *problems) add(key, format string, args ...any) {
	if !p.has(key) {
		*p = append(*p, problem{key, fmt.Sprintf(format, args...)})
	}
}

func (p *problems) has(key string) bool {
	for _, known := range *p {
		if known.key == key {
			return true
		}
	}
	return false
}

// err joins all problems to one error, one line each and in the order of allOptions, without the token;
// nil if there are none.
func (p *problems) err(token Secret) error {
	order := allOptions()
	position := func(each problem) int {
		return slices.IndexFunc(order, func(option Option) bool { return strings.HasPrefix(option.Key+".", each.key+".") })
	}
	slices.SortStableFunc(*p, func(a, b problem) int { return position(a) - position(b) })
	errs := make([]error, 0, len(*p))
	for _, each := range *p {
		errs = append(errs, errors.New(redact(each.key+": "+each.text, token)))
	}
	return errors.Join(errs...)
}
