// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !oss

// Elastic Agent's side of the control protocol.

package agent_test

import (
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	gproto "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/elastic/elastic-agent-client/v7/pkg/client/chunk"
	"github.com/elastic/elastic-agent-client/v7/pkg/client/mock"
	"github.com/elastic/elastic-agent-client/v7/pkg/proto"

	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/receivertest"
)

// serverName is the name that Elastic Agent's certificate for a component has.
const serverName = "onepassword-default.elastic-agent.test"

// control is elastic-agent-client's stub control server, over TLS with client
// certificates, and with the one thing the stub lacks: it sends a policy when
// there is a new one, as Elastic Agent does, and not only in answer to a checkin.
type control struct {
	*mock.StubServerV2

	tb      testing.TB
	startup *proto.StartUpInfo
	tls     credentials.TransportCredentials
	addr    string

	mu       sync.Mutex
	server   *grpc.Server
	expected *proto.CheckinExpected
	config   map[string]*proto.UnitExpectedConfig // by unit id, to see what changes
	indices  map[string]uint64
	changed  chan struct{} // closed when expected is replaced
	observed *proto.CheckinObserved
	checkins int
	history  []string // of "<unit>: <state> <message>", each change of it
}

func newControl(tb testing.TB) *control {
	tb.Helper()
	ca := receivertest.NewCA(tb)
	certFile, keyFile := ca.Client("component")
	c := &control{
		tb:      tb,
		tls:     credentials.NewTLS(ca.Mutual(serverName)),
		config:  map[string]*proto.UnitExpectedConfig{},
		indices: map[string]uint64{},
		changed: make(chan struct{}),
		addr:    "127.0.0.1:0",
		expected: &proto.CheckinExpected{
			AgentInfo: agentInfo(),
		},
		StubServerV2: &mock.StubServerV2{
			ActionImpl:  func(*proto.ActionResponse) error { return nil },
			ActionsChan: make(chan *mock.PerformAction),
			SentActions: map[string]*mock.PerformAction{},
		},
	}
	c.startup = &proto.StartUpInfo{
		ServerName:     serverName,
		Token:          mock.NewID(),
		CaCert:         []byte(ca.PEM),
		PeerCert:       readFile(tb, certFile),
		PeerKey:        readFile(tb, keyFile),
		Services:       []proto.ConnInfoServices{proto.ConnInfoServices_CheckinV2},
		Supports:       []proto.ConnectionSupports{proto.ConnectionSupports_CheckinChunking},
		MaxMessageSize: 4 << 20,
		AgentInfo:      agentInfo(),
	}
	c.serve()
	tb.Cleanup(c.cut)
	return c
}

func agentInfo() *proto.AgentInfo {
	return &proto.AgentInfo{Id: "11111111-2222-3333-4444-555555555555", Version: "9.5.0", Mode: proto.AgentManagedMode_STANDALONE}
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(name)
	require.NoError(tb, err)
	return raw
}

// serve begins to listen, at the same address as before.
func (c *control) serve() {
	ln, err := new(net.ListenConfig).Listen(c.tb.Context(), "tcp", c.addr)
	require.NoError(c.tb, err)
	c.addr = ln.Addr().String()
	c.startup.Addr = c.addr
	server := grpc.NewServer(grpc.Creds(c.tls))
	proto.RegisterElasticAgentServer(server, c)
	c.mu.Lock()
	c.server = server
	c.mu.Unlock()
	go func() { _ = server.Serve(ln) }()
}

// cut ends every connection and listens no more, as an agent that restarts.
func (c *control) cut() {
	c.mu.Lock()
	server := c.server
	c.mu.Unlock()
	server.Stop()
}

// stdin is what Elastic Agent writes to a component's standard input.
func (c *control) stdin() []byte {
	raw, err := gproto.Marshal(c.startup)
	require.NoError(c.tb, err)
	return raw
}

// CheckinV2 sends what is expected, at first and whenever it changes, and keeps
// what is observed.
func (c *control) CheckinV2(stream proto.ElasticAgent_CheckinV2Server) error {
	received := make(chan error, 1)
	go func() {
		for {
			observed, err := chunk.RecvObserved(stream)
			if err != nil {
				received <- err
				return
			}
			c.observe(observed)
		}
	}()
	for {
		c.mu.Lock()
		expected, changed := c.expected, c.changed
		c.mu.Unlock()
		chunks, err := chunk.Expected(expected, int(c.startup.GetMaxMessageSize()))
		if err != nil {
			return err
		}
		for _, each := range chunks {
			if err := stream.Send(each); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case err := <-received:
			return err
		}
	}
}

func (c *control) observe(o *proto.CheckinObserved) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.GetToken() != c.startup.GetToken() {
		c.tb.Errorf("a checkin came with another token")
	}
	c.observed = o
	c.checkins++
	for _, u := range o.GetUnits() {
		line := u.GetId() + ": " + u.GetState().String() + " " + u.GetMessage()
		if len(c.history) == 0 || c.history[len(c.history)-1] != line {
			c.history = append(c.history, line)
		}
	}
}

// policy is what a component runs: its output and its inputs as a policy has them.
type policy struct {
	output beattest.M
	inputs []beattest.M
	level  proto.UnitLogLevel
	state  proto.State

	stopped []string // ids of inputs that are to stop
}

const outputUnit = "onepassword-default"

// apply expects a policy from now on.
func (c *control) apply(p policy) {
	c.tb.Helper()
	if p.level == 0 {
		p.level = proto.UnitLogLevel_INFO
	}
	if p.state == proto.State_STARTING {
		p.state = proto.State_HEALTHY
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	units := []*proto.UnitExpected{c.unit(proto.UnitType_OUTPUT, outputUnit, p, p.output)}
	for _, in := range p.inputs {
		id, _ := in["id"].(string)
		units = append(units, c.unit(proto.UnitType_INPUT, unitID(id), p, in))
	}
	c.expect(units)
}

// expect replaces what is expected; c.mu is held.
func (c *control) expect(units []*proto.UnitExpected) {
	c.expected = &proto.CheckinExpected{AgentInfo: agentInfo(), Units: units}
	close(c.changed)
	c.changed = make(chan struct{})
}

func unitID(input string) string { return outputUnit + "-" + input }

// unit is one unit of a policy; its configuration's index moves when it changes.
func (c *control) unit(kind proto.UnitType, id string, p policy, settings beattest.M) *proto.UnitExpected {
	cfg := unitConfig(c.tb, settings)
	if old := c.config[id]; old == nil || !gproto.Equal(old, cfg) {
		c.indices[id]++
		c.config[id] = cfg
	}
	state := p.state
	if name, _ := settings["id"].(string); slices.Contains(p.stopped, name) {
		state = proto.State_STOPPED
	}
	return &proto.UnitExpected{Id: id, Type: kind, State: state, LogLevel: p.level, Config: gproto.CloneOf(cfg), ConfigStateIdx: c.indices[id]}
}

// unitConfig makes of an input or output of a policy what Elastic Agent sends.
func unitConfig(tb testing.TB, settings beattest.M) *proto.UnitExpectedConfig {
	tb.Helper()
	source := structOf(tb, settings)
	text := func(s *structpb.Struct, key string) string { return s.GetFields()[key].GetStringValue() }
	dataStream := func(s *structpb.Struct) *proto.DataStream {
		ds := s.GetFields()["data_stream"].GetStructValue()
		if ds == nil {
			return nil
		}
		return &proto.DataStream{Type: text(ds, "type"), Dataset: text(ds, "dataset"), Namespace: text(ds, "namespace"), Source: ds}
	}
	cfg := &proto.UnitExpectedConfig{Source: source, Id: text(source, "id"), Type: text(source, "type"), Name: text(source, "name"), DataStream: dataStream(source)}
	for _, v := range source.GetFields()["streams"].GetListValue().GetValues() {
		s := v.GetStructValue()
		cfg.Streams = append(cfg.Streams, &proto.Stream{Id: text(s, "id"), DataStream: dataStream(s), Source: s})
	}
	return cfg
}

func structOf(tb testing.TB, settings beattest.M) *structpb.Struct {
	tb.Helper()
	s, err := structpb.NewStruct(settings)
	require.NoError(tb, err)
	return s
}

// seen is what a component last said of a unit.
type seen struct {
	State   proto.State
	Message string
	Streams map[string]streamSeen
}

type streamSeen struct{ Status, Error string }

// unitSeen is the last observation of an input's unit, or of the output's.
func (c *control) unitSeen(id string) seen {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.observed.GetUnits() {
		if u.GetId() != id {
			continue
		}
		s := seen{State: u.GetState(), Message: u.GetMessage(), Streams: map[string]streamSeen{}}
		streams, _ := u.GetPayload().AsMap()["streams"].(map[string]any)
		for id, v := range streams {
			m, _ := v.(map[string]any)
			status, _ := m["status"].(string)
			message, _ := m["error"].(string)
			s.Streams[id] = streamSeen{status, message}
		}
		return s
	}
	return seen{State: -1}
}

func (c *control) inputSeen(input string) seen { return c.unitSeen(unitID(input)) }

func (c *control) checkinCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.checkins
}

// diagnose asks for all diagnostics of the component and its input, by file name.
func (c *control) diagnose(input string) map[string]string {
	c.tb.Helper()
	type answer struct {
		list []*proto.ActionDiagnosticUnitResult
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		list, err := c.PerformDiagnostic(unitID(input), proto.UnitType_INPUT, proto.ActionRequest_ALL, nil)
		got <- answer{list, err}
	}()
	select {
	case a := <-got:
		require.NoError(c.tb, a.err)
		files := map[string]string{}
		for _, f := range a.list {
			files[f.GetFilename()] = string(f.GetContent())
		}
		return files
	case <-time.After(soon):
		c.tb.Fatal("the component sends no diagnostics")
		return nil
	}
}
