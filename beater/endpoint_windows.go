// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Where the HTTP endpoint may listen besides TCP: a named pipe.

package beater

import (
	"net"

	"github.com/elastic/beats/v7/libbeat/api"
	"github.com/elastic/beats/v7/libbeat/api/npipe"
)

func listen(settings api.Config) (net.Listener, error) {
	if !npipe.IsNPipe(settings.Host) {
		return listenTCP(settings)
	}
	descriptor := settings.SecurityDescriptor
	if descriptor == "" {
		var err error
		if descriptor, err = npipe.DefaultSD(settings.User); err != nil {
			return nil, err
		}
	}
	return npipe.NewListener(npipe.TransformString(settings.Host), descriptor)
}
