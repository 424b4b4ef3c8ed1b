// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// No way of writing a Config shows the token.

package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestSecretShowsNothing(t *testing.T) {
	c := Default()
	c.Token = Secret(testToken)
	written := map[string]string{"String": c.Token.String(), "GoString": c.Token.GoString(), "error": fmt.Errorf("x: %v", c.Token).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
		args := []any{c.Token}
		if verb == "%T %v" {
			args = append(args, c.Token)
		}
		written[verb] = fmt.Sprintf(verb, args...)
		written["pointer "+verb] = fmt.Sprintf(verb, append(args[:len(args)-1:len(args)-1], &c.Token)...)
		written["config "+verb] = fmt.Sprintf(verb, append(args[:len(args)-1:len(args)-1], c)...)
		written["config pointer "+verb] = fmt.Sprintf(verb, append(args[:len(args)-1:len(args)-1], &c)...)
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "token", c.Token, "config", c)
	written["slog"] = log.String()
	for name, encode := range map[string]func(any) ([]byte, error){"json": json.Marshal, "yaml": yaml.Marshal} {
		for what, value := range map[string]any{"token": c.Token, "config": struct{ T Secret }{c.Token}, "map": map[string]any{"t": c.Token}} {
			data, err := encode(value)
			require.NoError(t, err)
			written[name+" "+what] = string(data)
			assert.Contains(t, string(data), "[redacted]")
		}
	}
	for how, text := range written {
		assert.NotContains(t, text, testToken[:12], how)
		assert.NotContains(t, text, fmt.Sprintf("%x", testToken[:12]), how)
	}
	assert.Equal(t, testToken, c.Token.Reveal())
}
