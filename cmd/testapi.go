// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// `test api`: is everything there that an input needs of 1Password?

package cmd

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elastic/beats/v7/libbeat/cmd/instance"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/beater"
	"onepasswordbeat/config"
	"onepasswordbeat/internal/account"
	"onepasswordbeat/internal/eventsapi"
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
				return errors.New("not all is well")
			}
			return nil
		},
	}
}

const (
	tick  = "✔"
	cross = "✖"
)

// apiReport prints one line a check.
type apiReport struct {
	w  io.Writer
	ok bool
}

func (r *apiReport) pass(format string, args ...any) {
	_, _ = fmt.Fprintf(r.w, "  "+tick+" "+format+"\n", args...)
}

func (r *apiReport) fail(err error, remedy string) {
	r.ok = false
	_, _ = fmt.Fprintf(r.w, "  %s %s\n    → %s\n", cross, err, remedy)
}

// testAPI checks one input and tells whether all is well.
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
		r.fail(err, remedyFor(err))
		return false
	}
	r.pass("token read, it is for %s", server)
	if !checkServer(ctx, r, acct, server, claims) {
		return false
	}
	for _, name := range cfg.EventTypes {
		checkEventType(ctx, r, acct, name)
	}
	return r.ok
}

// checkServer asks the server what the token is: it is reached, speaks TLS and
// takes the token.
func checkServer(ctx context.Context, r *apiReport, acct *account.Account, server string, claims eventsapi.Claims) bool {
	who, err := acct.Introspect(ctx)
	if err != nil {
		r.fail(err, remedyFor(err))
		return false
	}
	how := "TLS"
	if strings.HasPrefix(server, "http://") {
		how = "no TLS, loopback only"
	}
	r.pass("server reached (%s), token accepted", how)
	if who.AccountUUID != "" {
		r.pass("account %s", who.AccountUUID)
	}
	r.pass("grants %s", strings.Join(who.Features, ", "))
	switch end := claims.ExpiresAt; {
	case end.IsZero():
		r.pass("the token names no expiry")
	case time.Until(end) < 0:
		r.fail(fmt.Errorf("the token expired at %s", end.UTC().Format(time.RFC3339)), newToken)
	default:
		r.pass("the token expires at %s, in %d days", end.UTC().Format(time.RFC3339), int(time.Until(end).Hours()/24))
	}
	return true
}

// checkEventType fetches one event.
func checkEventType(ctx context.Context, r *apiReport, acct *account.Account, name string) {
	mod, ok := module.ByName(name)
	if !ok {
		r.fail(fmt.Errorf("event type %q is unknown", name), "choose from "+strings.Join(config.EventTypes(), ", "))
		return
	}
	page, err := acct.Fetch(ctx, mod.Path, eventsapi.Query{Limit: 1, StartTime: time.Now().Add(-config.MaxInitialInterval)})
	switch {
	case err != nil:
		r.fail(fmt.Errorf("%s: %w", name, err), remedyFor(err))
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

const newToken = "make a new token at 1Password (Integrations, Events Reporting)"

// remedies by class of error. The error itself says what happened.
var remedies = map[eventsapi.Class]string{
	eventsapi.Token:       "check the path and permissions of `token_file` and that it holds the whole token, or set `token`",
	eventsapi.Auth:        newToken + ", or set `url` to your region's server: " + knownServers(),
	eventsapi.Forbidden:   "make a token that grants this event type, or leave it out of `event_types`",
	eventsapi.RateLimited: "wait for a minute; another client may use the same token",
	eventsapi.BadRequest:  "check `url` and `api_version`: the Events API takes this request",
	eventsapi.NotFound:    "check `url` and `api_version`; the servers are " + knownServers(),
	eventsapi.Server:      "try again later; 1Password's state is at status.1password.com",
	eventsapi.Network:     "check the name, the firewall, `proxy_url` and `ssl.*`",
	eventsapi.Redirect:    "check `url`: something between here and 1Password answers in its place",
	eventsapi.Malformed:   "check `url` and the proxy: what answers is not the Events API",
	eventsapi.TooLarge:    "check `url` and the proxy: one event is never that large",
	eventsapi.Unexpected:  "check `url` and the proxy, or try again later; 1Password's state is at status.1password.com",
	eventsapi.Canceled:    "run the test again",
}

// networkRemedies say more of a Network error, where its cause is known.
var networkRemedies = []struct {
	is     func(error) bool
	remedy string
}{
	{caused[tls.RecordHeaderError], "check the scheme and the port of `url`, or remove it: the token names its server"},
	{func(err error) bool { return errors.Is(err, http.ErrSchemeMismatch) }, "check the scheme and the port of `url`, or remove it: the token names its server"},
	{caused[x509.UnknownAuthorityError], "check `url`; if a proxy inspects TLS, name its CA in `ssl.certificate_authorities`"},
	{caused[x509.HostnameError], "check `url`, which needs the server's name, not its address; or a proxy answers in its place"},
}

func caused[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// remedyFor says what to do about an error of the Events API's client.
func remedyFor(err error) string {
	class := eventsapi.ClassOf(err)
	for _, known := range networkRemedies {
		if class == eventsapi.Network && known.is(err) {
			return known.remedy
		}
	}
	return remedies[class]
}

func knownServers() string {
	var urls []string
	for _, s := range eventsapi.KnownServers() {
		urls = append(urls, s.URL)
	}
	slices.Sort(urls)
	return strings.Join(urls, ", ")
}
