// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Elastic Agent's control protocol: libbeat's manager, and a gRPC interceptor in front of it.

//go:build !oss

package agent

import (
	"context"
	"fmt"
	"os"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/elastic/beats/v7/libbeat/common/reload"
	lbmanagement "github.com/elastic/beats/v7/libbeat/management"
	lbversion "github.com/elastic/beats/v7/libbeat/version"
	"github.com/elastic/beats/v7/x-pack/libbeat/management"
	"github.com/elastic/elastic-agent-client/v7/pkg/client"
	"github.com/elastic/elastic-agent-client/v7/pkg/proto"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/config"
)

// Register makes libbeat use this package's manager and policy transform. libbeat keeps both in package variables of
// its own; call Register once, before the beat is configured.
func Register() {
	management.ConfigTransform.SetTransform(toInputs)
	lbmanagement.SetManagerFactory(newManager)
}

// newManager creates libbeat's manager with a client that adds streams to inputs without streams: an input without
// streams cannot report its health.
func newManager(cfg *conf.C, registry *reload.Registry, log *logp.Logger) (lbmanagement.Manager, error) {
	settings := management.DefaultConfig()
	if err := cfg.Unpack(settings); err != nil {
		return nil, fmt.Errorf("the management settings cannot be read: %w", err)
	}
	if settings.InsecureGRPCURLForTesting != "" {
		return management.NewV2AgentManager(cfg, registry, log)
	}
	info := client.VersionInfo{
		Name:      "beat-v2-client",
		BuildHash: lbversion.Commit(),
		Meta:      map[string]string{"commit": lbversion.Commit(), "build_time": lbversion.BuildTime().String()},
	}
	edit := &policyEdit{log: log}
	c, _, err := client.NewV2FromReader(os.Stdin, info, client.WithGRPCDialOptions(grpc.WithChainStreamInterceptor(edit.intercept)))
	if err != nil {
		return nil, fmt.Errorf("the connection information of Elastic Agent cannot be read from standard input: %w", err)
	}
	lbmanagement.SetUnderAgent(true)
	m, err := management.NewV2AgentManagerWithClient(settings, registry, c, log)
	if err != nil {
		return nil, err
	}
	edit.stop = sync.OnceFunc(func() { go m.Stop() })
	return m, nil
}

// policyEdit changes what Elastic Agent sends before libbeat's manager sees it.
type policyEdit struct {
	log  *logp.Logger
	stop func() // of the beat; it does not wait
}

// intercept wraps the streams of the control protocol.
func (e *policyEdit) intercept(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := next(ctx, desc, cc, method, opts...)
	if err != nil {
		return nil, err
	}
	return editedStream{s, e}, nil
}

// editedStream is a stream of the control protocol.
type editedStream struct {
	grpc.ClientStream
	edit *policyEdit
}

// RecvMsg receives a message. An output that is to stop ends the beat in its
// orderly way and goes no further: libbeat's manager would dereference nil.
func (s editedStream) RecvMsg(m any) error {
	for {
		if err := s.ClientStream.RecvMsg(m); err != nil {
			return err
		}
		expected, ok := m.(*proto.CheckinExpected)
		if !ok || !s.edit.apply(expected) {
			return nil
		}
		s.edit.stop()
	}
}

// apply adds streams to inputs, and reports whether the output is to stop.
func (e *policyEdit) apply(expected *proto.CheckinExpected) (stop bool) {
	for _, unit := range expected.GetUnits() {
		switch unit.GetType() {
		case proto.UnitType_INPUT:
			if unit.GetConfig().GetType() == inputType {
				addStreams(unit.GetConfig())
			}
		case proto.UnitType_OUTPUT:
			e.hideProxyCredentials(unit.GetConfig())
			stop = stop || unit.GetState() == proto.State_STOPPED
		}
	}
	return stop
}

// hideProxyCredentials keeps the password of an output's proxy out of libbeat's log. One that cannot be hidden is dropped:
// the proxy rejects the output then, and the log says why.
func (e *policyEdit) hideProxyCredentials(output *proto.UnitExpectedConfig) {
	if output.GetType() != "elasticsearch" || output.GetSource().GetFields()["proxy_url"] == nil {
		return
	}
	settings, err := conf.NewConfigFrom(output.GetSource().AsMap())
	if err != nil {
		return
	}
	if err := config.HideProxyCredentials(settings); err != nil {
		e.log.Errorw("the user name and the password in the output's proxy_url are not used", "error", err)
		if config.DropProxyCredentials(settings) != nil {
			return
		}
	}
	var changed map[string]any
	if settings.Unpack(&changed) != nil {
		return
	}
	for _, key := range []string{"proxy_url", "proxy_headers", "headers"} {
		if value, err := structpb.NewValue(changed[key]); err == nil && changed[key] != nil {
			output.Source.Fields[key] = value
		}
	}
}
