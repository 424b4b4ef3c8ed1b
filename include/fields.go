// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package include registers the beat's field definitions with libbeat, which makes the index template of them.
// Import it for its side effect.
package include

import (
	_ "embed"

	"github.com/elastic/beats/v7/libbeat/asset"
)

//go:embed fields.yml
var fieldsYAML string

func init() {
	if err := asset.SetFields("onepasswordbeat", "fields.yml", asset.BeatFieldsPri, assetFields); err != nil {
		panic(err)
	}
}

// assetFields returns the definitions as libbeat wants them: compressed and encoded.
func assetFields() string {
	encoded, err := asset.EncodeData(fieldsYAML)
	if err != nil { // zlib into memory does not fail
		panic(err)
	}
	return encoded
}
