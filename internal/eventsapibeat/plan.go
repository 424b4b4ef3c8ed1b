// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// From the old configuration and cursors to inputs, secrets and starts.

package eventsapibeat

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/safetext"
)

// Plan is what the migration writes.
type Plan struct {
	Inputs   []Input
	Secrets  []Secret // for the keystore
	Starts   []Start
	Settings map[string]any // libbeat's, with their variables
	Lost     []Lost
}

// Input is one input of the new configuration: the event types that share a token.
type Input struct {
	ID         string
	Token      string // the variable that holds the token
	EventTypes []string
	Interval   time.Duration // 0 is the default
	Limit      int           // 0 is the default
	Insecure   bool          // the server's certificate is not verified
}

// Secret is an entry for the keystore.
type Secret struct {
	Name  string
	Value safetext.Secret
}

// Start is where an event type begins.
type Start struct {
	Input, EventType string
	CursorFile       string
	Poll             time.Duration // between two lines of the cursor file
	Position         time.Time     // up to which the old beat has read; zero if unknown
	Unknown          error         // why it is unknown
	From             time.Time     // where the new beat begins; zero if --since is required
	Clamped          bool          // From is the oldest time that the API still has
	Suggestion       string        // a --since that the old configuration suggests; may be empty
}

// NewPlan reads the old configuration and the cursor files.
func NewPlan(opts Options) (*Plan, error) {
	old, err := readConfig(opts)
	if err != nil {
		return nil, err
	}
	p := &Plan{Settings: old.settings}
	inputs := map[string]int{} // token → index
	for _, name := range opts.EventTypes {
		c, ok := old.section.Types[name]
		if !ok {
			continue
		}
		token, err := eventsapi.NormalizeToken(c.AuthToken)
		if err != nil {
			return nil, fmt.Errorf("%s: eventsapibeat.%s.auth_token: %w", old.path, name, err)
		}
		if token == "" {
			return nil, fmt.Errorf("%s: eventsapibeat.%s.auth_token is empty: write the token there, or set enabled: false", old.path, name)
		}
		i, known := inputs[token]
		if !known {
			i = len(p.Inputs)
			inputs[token] = i
			p.addInput(opts, token, old.section.InsecureSkipVerify)
		}
		p.Inputs[i].add(name, c)
		start, err := startOf(opts, old, name, c)
		if err != nil {
			return nil, err
		}
		start.Input = p.Inputs[i].ID
		p.Starts = append(p.Starts, start)
	}
	p.Lost = carryOver(p.Settings)
	p.copySecrets(old)
	if old.section.InsecureSkipVerify {
		p.Lost = append(p.Lost, Lost{"eventsapibeat.insecure_skip_verify", "carried over as ssl.verification_mode: none, with which anybody between the beat and the server can read the token: remove it"})
	}
	return p, nil
}

// addInput adds an input for a token.
func (p *Plan) addInput(opts Options, token string, insecure bool) {
	suffix := ""
	if n := len(p.Inputs) + 1; n > 1 {
		suffix = fmt.Sprint(n)
	}
	in := Input{ID: strings.TrimSuffix(opts.ID+"-"+suffix, "-"), Token: strings.TrimSuffix(opts.TokenVariable+"_"+suffix, "_"), Insecure: insecure}
	p.Inputs = append(p.Inputs, in)
	p.Secrets = append(p.Secrets, Secret{in.Token, safetext.Secret(token)})
}

// add puts an event type into an input, which polls as often as the type that polls most often.
func (in *Input) add(name string, c eventConfig) {
	in.EventTypes = append(in.EventTypes, name)
	if c.SampleFrequency != defaultFrequency && (in.Interval == 0 || c.SampleFrequency < in.Interval) {
		in.Interval = c.SampleFrequency
	}
	if limit := startingCursor(c).Limit; limit > 0 && limit < 1000 {
		in.Limit = limit
	}
}

// request is the body of the old beat's first request.
type request struct {
	Limit     int    `json:"limit"`
	StartTime string `json:"start_time"`
}

func startingCursor(c eventConfig) request {
	var r request
	_ = json.Unmarshal([]byte(c.StartingCursor), &r) // one that cannot be read suggests nothing
	return r
}

// startOf reads the position of an event type and says where the new beat begins.
func startOf(opts Options, old *oldConfig, name string, c eventConfig) (Start, error) {
	s := Start{EventType: name, CursorFile: old.cursorFile(c.CursorStateFile, opts.Home), Poll: c.SampleFrequency}
	var err error
	s.Position, err = ReadPosition(s.CursorFile, opts.Now)
	if err != nil && !errors.Is(err, ErrNoPosition) {
		return s, fmt.Errorf("the cursor file of %s cannot be read: %w", name, err)
	}
	s.Unknown = err
	since, chosen := opts.Since[name]
	if !chosen && err != nil {
		since, chosen = opts.Since[""]
	}
	switch {
	case chosen:
		s.From = since
	case err == nil:
		s.From = s.Position.Add(-opts.Overlap(name))
	default:
		s.Suggestion = startingCursor(c).StartTime
		return s, nil
	}
	if first := opts.Now.Add(-opts.Retention); s.From.Before(first) {
		s.From, s.Clamped = first, true
	}
	return s, nil
}

// copySecrets takes over what the carried settings refer to in the old keystore, and notes what the environment must have.
func (p *Plan) copySecrets(old *oldConfig) {
	for _, name := range variablesIn(p.Settings) {
		if value, ok := old.stored(name); ok {
			p.Secrets = append(p.Secrets, Secret{name, safetext.Secret(value)})
		} else if os.Getenv(name) != "" || !strings.Contains(name, ".") {
			p.Lost = append(p.Lost, Lost{"${" + name + "}", "carried over as a variable: set it in the environment of onepasswordbeat, or add it to its keystore"})
		}
	}
}

// Recheck reads the cursor files again. Its error wraps ErrInUse if a position has changed.
func (p *Plan) Recheck(now time.Time) error {
	for _, s := range p.Starts {
		position, _ := ReadPosition(s.CursorFile, now)
		if !position.Equal(s.Position) {
			return fmt.Errorf("%w: %s has just been written", ErrInUse, s.CursorFile)
		}
	}
	return nil
}

// Missing returns the event types that have no start: --since is required for them.
func (p *Plan) Missing() []Start {
	var missing []Start
	for _, s := range p.Starts {
		if s.From.IsZero() {
			missing = append(missing, s)
		}
	}
	return missing
}
