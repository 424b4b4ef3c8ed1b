// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The files in the project are what the generator makes, they load, and all that they offer is accepted.

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	conf "github.com/elastic/elastic-agent-libs/config"

	"onepasswordbeat/config"
	"onepasswordbeat/dev-tools/generate/output/outputtest"
)

var root = filepath.Join("..", "..", "..")

func TestNoDrift(t *testing.T) {
	outputtest.UpToDate(t, root, generate)
}

// whole is a configuration file as far as these tests look at it.
type whole struct {
	Inputs []*conf.C          `config:"onepasswordbeat.inputs"`
	Output map[string]*conf.C `config:"output"`
}

func parse(t *testing.T, text string) whole {
	t.Helper()
	cfg, err := conf.NewConfigFrom(text)
	require.NoError(t, err)
	var file whole
	require.NoError(t, cfg.Unpack(&file))
	return file
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(data)
}

func TestShippedFilesLoad(t *testing.T) {
	t.Setenv(config.TokenVariable, "a token") // that url makes good
	for _, name := range []string{"onepasswordbeat.yml", "onepasswordbeat.reference.yml"} {
		t.Run(name, func(t *testing.T) {
			file := parse(t, read(t, name))
			require.Len(t, file.Inputs, 1)
			require.NoError(t, config.CheckIDs(file.Inputs))
			assert.Empty(t, config.UnknownKeys(file.Inputs[0]))
			_, err := config.Unpack(file.Inputs[0])
			require.ErrorContains(t, err, "token: ", "only the token of this test is wrong")
			assert.NotContains(t, err.Error(), "\n")
			require.Contains(t, file.Output, "elasticsearch")
			assert.Len(t, file.Output, 1)
			assert.False(t, file.Output["elasticsearch"].HasField("preset"), "a preset would delay events")
		})
	}
}

var commented = regexp.MustCompile(`^    #([a-z0-9_.]+): `)

// uncommented returns the input of the reference file with all its options switched on, and their keys.
func uncommented(t *testing.T) (text string, keys []string) {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(read(t, "onepasswordbeat.reference.yml")) {
		if strings.Contains(line, "= General =") {
			break
		}
		if found := commented.FindStringSubmatch(line); found != nil {
			keys = append(keys, found[1])
			line = strings.Replace(line, "#", "", 1)
		}
		out.WriteString(line)
	}
	return out.String(), keys
}

// TestReferenceOptionsAreAccepted switches on all options at once. Of token and token_file only one is possible, so
// that it does that twice.
func TestReferenceOptionsAreAccepted(t *testing.T) {
	text, keys := uncommented(t)
	assert.Len(t, keys, len(config.Options())+len(config.CommonOptions())-3, "all but type, id and token")
	t.Setenv(config.TokenVariable, "token")
	t.Setenv("CLIENT_KEY_PASSPHRASE", "unused")
	for name, path := range writeCertificate(t) {
		require.Contains(t, text, name)
		text = strings.ReplaceAll(text, name, path)
	}
	for _, leave := range []string{"token", "token_file"} {
		without := regexp.MustCompile(`(?m)^    `+leave+`: .*$`).ReplaceAllString(text, "")
		input := parse(t, without).Inputs[0]
		assert.Empty(t, config.UnknownKeys(input))
		_, err := config.Unpack(input)
		require.NoError(t, err, "without %s", leave)
	}
}

// TestReferenceStateIsAccepted switches on all settings of onepasswordbeat.state.
func TestReferenceStateIsAccepted(t *testing.T) {
	lines := regexp.MustCompile(`(?m)^#(onepasswordbeat\.state\..*)$`).FindAllStringSubmatch(read(t, "onepasswordbeat.reference.yml"), -1)
	require.Len(t, lines, len(config.StateOptions()))
	t.Setenv("STATE_API_KEY", "id:key")
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line[1] + "\n")
	}
	file, err := conf.NewConfigFrom(text.String())
	require.NoError(t, err)
	section, err := file.Child("onepasswordbeat", -1)
	require.NoError(t, err)
	assert.Empty(t, config.UnknownStateKeys(section))
	state, err := config.UnpackState(section)
	require.NoError(t, err)
	assert.Equal(t, "production", state.ID)
	assert.True(t, state.Elasticsearch.HasField("hosts"))
}

// writeCertificate makes a self-signed certificate and returns its files by the names that the reference file has.
func writeCertificate(t *testing.T) map[string]string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)

	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	cert := write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	return map[string]string{
		"/etc/pki/root/ca.pem":               cert,
		"/etc/pki/client/cert.pem":           cert,
		"/etc/pki/client/cert.key":           write("cert.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		"/run/secrets/client_key_passphrase": write("passphrase", []byte("unused")),
	}
}

func TestPatchesWantTheirLineOnce(t *testing.T) {
	p := []patch{{"#a: 1", []string{"# ours", "#a: 2"}}}
	got, err := applyPatches("x\n  #a: 1\ny", p)
	require.NoError(t, err)
	assert.Equal(t, "x\n  # ours\n  #a: 2\ny", got)
	for _, text := range []string{"x", "#a: 1\n#a: 1"} {
		_, err = applyPatches(text, p)
		require.ErrorContains(t, err, "instead of once")
	}
	_, err = applyPatches("\n", []patch{{"", nil}})
	require.Error(t, err, "a default without a line in libbeat's text")
}
