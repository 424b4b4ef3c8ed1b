// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// `test api`: is everything there that an input needs of 1Password?

package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elastic/beats/v7/libbeat/cmd/instance"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/beater"
	"onepasswordbeat/config"
	"onepasswordbeat/internal/account"
	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/safetext"
	"onepasswordbeat/module"
)

func testAPICommand(settings instance.Settings) *cobra.Command {
	return &cobra.Command{
		Use:   "api",
		Short: "Test " + Name + " can fetch events from 1Password with the configured inputs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			b, err := instance.NewInitializedBeat(settings)
			if err != nil {
				return fmt.Errorf("error initializing beat: %w", err)
			}
			section, err := b.BeatConfig()
			if err != nil {
				return fmt.Errorf("error reading the configuration: %w", err)
			}
			inputs, err := beater.Inputs(section)
			warnOfUnknownKeys(cmd.ErrOrStderr(), inputs)
			if err != nil {
				return err
			}
			ok := true
			for _, in := range inputs {
				cfg, err := config.Unpack(in)
				if err != nil {
					return err
				}
				ok = testAPI(cmd.Context(), cmd.OutOrStdout(), cfg, b.Info.Logger) && ok
			}
			if !ok {
				cmd.SilenceErrors = true // the lines above say what is wrong
				return errors.New("some checks failed")
			}
			return nil
		},
	}
}

const newToken = "create a new token at 1Password (Integrations > Events Reporting)"

// retentionMargin keeps a request for all that the API keeps within its retention.
const retentionMargin = 5 * time.Minute

const (
	tick  = "✔"
	cross = "✖"
	mark  = "!"
)

// apiReport prints one line per check.
type apiReport struct {
	w  io.Writer
	ok bool
}

func (r *apiReport) pass(format string, args ...any) {
	_, _ = fmt.Fprintf(r.w, "  "+tick+" "+format+"\n", args...)
}

// warn reports what works and should be changed all the same.
func (r *apiReport) warn(format string, args ...any) {
	_, _ = fmt.Fprintf(r.w, "  "+mark+" "+format+"\n", args...)
}

func (r *apiReport) fail(err error, remedy string) {
	r.ok = false
	_, _ = fmt.Fprintf(r.w, "  %s %s\n    → %s\n", cross, err, remedy)
}

// failed reports an error of the Events API's client. What it is about comes first, if it is not the whole input.
func (r *apiReport) failed(about string, err error) {
	var e *eventsapi.Error
	if !errors.As(err, &e) {
		e = &eventsapi.Error{Class: eventsapi.Unexpected, Message: safetext.Line(err.Error())}
	}
	r.fail(errors.New(about+e.Summary()), e.Advice())
}

// testAPI checks one input. It returns whether all checks passed.
func testAPI(ctx context.Context, w io.Writer, cfg config.Config, log *logp.Logger) bool {
	if ctx == nil {
		ctx = context.Background()
	}
	_, _ = fmt.Fprintf(w, "input %s\n", cmp.Or(cfg.ID, beater.DefaultID))
	r := &apiReport{w: w, ok: true}
	acct, err := account.New(beater.AccountOptions(cfg, log))
	if err != nil {
		r.fail(err, "correct the setting, see docs/configuration.md")
		return false
	}
	defer acct.Close()
	claims, server, err := acct.Token()
	if err != nil {
		r.failed("", err)
		return false
	}
	r.pass("token read, it is for %s", server)
	if text := acct.Warning(); text != "" {
		r.warn("%s", text)
	}
	if !checkServer(ctx, r, acct, server, claims) {
		return false
	}
	for _, name := range cfg.EventTypes {
		checkEventType(ctx, r, acct, name)
	}
	return r.ok
}

// checkServer asks the server what the token is: whether it can be reached, speaks TLS and
// accepts the token.
func checkServer(ctx context.Context, r *apiReport, acct *account.Account, server string, claims eventsapi.Claims) bool {
	who, err := acct.Introspect(ctx)
	if end := claims.ExpiresAt; eventsapi.ClassOf(err) == eventsapi.Auth && !end.IsZero() && time.Until(end) < 0 {
		r.fail(fmt.Errorf("the server rejected the token, which expired at %s", end.UTC().Format(time.RFC3339)), newToken)
		return false
	}
	if err != nil {
		r.failed("", err)
		return false
	}
	how := "over TLS"
	if strings.HasPrefix(server, "http://") {
		how = "(without TLS, loopback only)"
	}
	r.pass("connected to the server %s; the token was accepted", how)
	checkClock(r, who.ServerTime)
	if who.AccountUUID != "" {
		r.pass("account %s", who.AccountUUID)
	}
	r.pass("grants %s", strings.Join(who.Features, ", "))
	switch end := claims.ExpiresAt; {
	case end.IsZero():
		r.pass("the token does not expire")
	case time.Until(end) < 0:
		r.fail(fmt.Errorf("the token expired at %s", end.UTC().Format(time.RFC3339)), newToken)
	default:
		r.pass("the token expires at %s, in %d days", end.UTC().Format(time.RFC3339), int(time.Until(end).Hours()/24))
	}
	return true
}

// checkClock compares this machine's clock with the server's.
func checkClock(r *apiReport, server time.Time) {
	if server.IsZero() {
		r.warn("the server states no time, so this machine's clock cannot be checked")
		return
	}
	switch skew := time.Since(server).Round(time.Second); {
	case skew > account.MaxSkew:
		r.warn("this machine's clock is %s ahead of the server's: set it, for example with NTP", skew)
	case skew < -account.MaxSkew:
		r.warn("this machine's clock is %s behind the server's: set it, for example with NTP", -skew)
	default:
		r.pass("this machine's clock agrees with the server's (difference %s)", skew)
	}
}

// checkEventType fetches one event.
func checkEventType(ctx context.Context, r *apiReport, acct *account.Account, name string) {
	mod, ok := module.ByName(name)
	if !ok {
		r.fail(fmt.Errorf("event type %q is unknown", name), "choose from "+eventTypes())
		return
	}
	page, err := acct.Fetch(ctx, mod.Path, eventsapi.Query{Limit: 1, StartTime: time.Now().Add(-config.MaxInitialInterval).Add(retentionMargin)})
	switch {
	case err != nil:
		r.failed(name+": ", err)
	case len(page.Items) == 0:
		r.pass("%s: allowed; the account has none in the last %d days", name, int(config.MaxInitialInterval.Hours()/24))
	default:
		ev, _, err := mod.Map(page.Items[0])
		if err != nil {
			r.fail(fmt.Errorf("%s: an event came that can't be mapped: %w", name, err),
				"the beat publishes it as it came, below event.original; please report it, without personal data")
			return
		}
		r.pass("%s: one event fetched, of %s", name, ev.Timestamp.UTC().Format(time.RFC3339))
	}
}
