// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Which variable a setting wants: a value that cannot be read is gone when go-ucfg reports it.

package config

import (
	"fmt"
	"reflect"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/go-ucfg"
	"github.com/elastic/go-ucfg/parse"
)

// variables are those that a setting refers to.
type variables struct {
	last  string // of them; "" if there is none
	unset string // the one that neither the keystore nor the environment has; "" if there is none
}

// variablesOf reads one field again, and listens to what go-ucfg asks for.
func variablesOf(cfg *conf.C, field reflect.StructField) (v variables) {
	resolve := func(name string) (string, parse.Config, error) {
		v.last = name
		value, err := lookUp(name)
		if err != nil {
			v.unset = name
			return "", parse.DefaultConfig, ucfg.ErrMissing
		}
		return value, parse.NoopConfig, nil
	}
	single := reflect.New(reflect.StructOf([]reflect.StructField{field}))
	if (*ucfg.Config)(cfg).Unpack(single.Interface(), ucfg.PathSep("."), ucfg.Resolve(resolve)) == nil {
		v.unset = "" // there was a default for it
	}
	return v
}

// unsetProblem says what to do about a variable that is not set.
func unsetProblem(key, variable string) string {
	switch {
	case variable == "":
		return "the variable in it is not set: run `./onepasswordbeat keystore add` with its name, or export it"
	case key == "token":
		return variable + " is not set: " + setToken(variable)
	default:
		return fmt.Sprintf("%s is not set: run `./onepasswordbeat keystore add %s`, export it, or write the value", variable, variable)
	}
}

// setToken says how a variable gets the token.
func setToken(variable string) string {
	return fmt.Sprintf("run `./onepasswordbeat keystore add %s` or export it, or name a token_file", variable)
}
