// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// From a section of the configuration file to a Config.

package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	conf "github.com/elastic/elastic-agent-libs/config"
)

// Unpack reads an input's section over the defaults and checks it. Its error holds every problem, a line each, with
// the key and the remedy: values of a wrong type, variables that are not set, and all that Validate finds.
// token, token_file and url come without the space around them that copying leaves. Variables in cfg are expanded.
// With an error the Config is not to be used.
func Unpack(cfg *conf.C) (Config, error) {
	if cfg == nil {
		return Config{}, errors.New("the input has no settings")
	}
	c := Default()
	p := expandInput(cfg)
	unpackFields(cfg, reflect.ValueOf(&c).Elem(), "", &p)
	c.checkTokenIsThere(cfg, &p)
	c.check(&p)
	checkCommon(cfg, &p)
	if err := p.err(c.Token); err != nil {
		return Config{}, err
	}
	c.Token, c.TokenFile, c.URL = Secret(cleanToken(c.Token.Reveal())), strings.TrimSpace(c.TokenFile), strings.TrimSpace(c.URL)
	return c, nil
}

// CheckIDs looks at all inputs together: as soon as there are two, each needs an id of its own, because the id keeps
// their cursors apart. Disabled inputs do not count. The error names inputs with the same id by their position,
// counted from 1.
func CheckIDs(inputs []*conf.C) error {
	var unnamed []int
	places := map[string][]int{}
	var ids []string
	for i, input := range inputs {
		if !input.Enabled() {
			continue
		}
		var has struct {
			ID string `config:"id"`
		}
		if err := input.Unpack(&has); err != nil {
			continue // Unpack reports it
		}
		if has.ID == "" {
			unnamed = append(unnamed, i+1)
			continue
		}
		if places[has.ID] == nil {
			ids = append(ids, has.ID)
		}
		places[has.ID] = append(places[has.ID], i+1)
	}
	var errs []error
	if len(unnamed) > 0 && len(unnamed)+len(ids) > 1 {
		errs = append(errs, fmt.Errorf("id: %s no id: with several inputs each needs one, for example the account's name", inputNumbers(unnamed, "has", "have")))
	}
	for _, id := range ids {
		if len(places[id]) > 1 {
			errs = append(errs, fmt.Errorf("id: %s the same id %.128q: give each its own, otherwise they share their cursors", inputNumbers(places[id], "has", "have"), redact(id, "")))
		}
	}
	return errors.Join(errs...)
}

// inputNumbers is "input 2 has" or "inputs 1 and 3 have".
func inputNumbers(numbers []int, one, many string) string {
	if len(numbers) == 1 {
		return fmt.Sprintf("input %d %s", numbers[0], one)
	}
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = fmt.Sprint(n)
	}
	last := len(words) - 1
	return fmt.Sprintf("inputs %s and %s %s", strings.Join(words[:last], ", "), words[last], many)
}
