// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A node's life: started, found ready, killed, started again, and cleared away.

package estest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"onepasswordbeat/tests/engine"
)

// Admin is the node's superuser.
const Admin = "estest-admin"

// How long things may take. A download of 100 MB is the slowest.
const (
	provideTimeout = 10 * time.Minute
	stopTimeout    = 30 * time.Second
	requestTimeout = 30 * time.Second
	pollInterval   = 100 * time.Millisecond
)

// Config says what node to run. The zero value is a node of release V8 with TLS and no users but Admin.
type Config struct {
	Version   string              // V8 (default), V819 or V9
	Roles     map[string]Role     // by name
	Users     map[string][]string // by name, with their roles' names; passwords are made up, see Node.Password
	PlainHTTP bool                // http:// instead of TLS with a private CA
	Settings  map[string]any      // more lines of elasticsearch.yml, by full key
	// Serverless has the proxy answer like Elasticsearch Serverless: its flavor, no ILM,
	// and no settings that the service decides on.
	Serverless bool
}

// Node is a running Elasticsearch. Its methods may be called concurrently, except those that stop, kill or restart it and SetRole.
type Node struct {
	config     Config
	dist       *distribution
	server     *engine.Server
	owner      *engine.Owner
	identity   *identity // nil with PlainHTTP
	passwords  map[string]string
	roles      map[string]Role
	generation int // of roles.yml

	proxy  *proxy
	client *http.Client
}

// Start runs a node for the length of a test, and skips the test where that is impossible (see the package's description) or the tests are short ones.
func Start(t testing.TB, config Config) *Node {
	t.Helper()
	if testing.Short() {
		t.Skip("starts an Elasticsearch node; left out of short tests")
	}
	n, err := New(t.Context(), config)
	engine.Require(t, err, engine.CI() && (config.Version == "" || config.Version == V8))
	n.server.EndWith(t, n.Close)
	return n
}

// New runs a node until Close. The context ends the start, not the node. The error is an *engine.MissingError where this machine cannot run one.
func New(ctx context.Context, config Config) (*Node, error) {
	if config.Version == "" {
		config.Version = V8
	}
	n := &Node{config: config, passwords: map[string]string{}, roles: map[string]Role{}}
	for name, role := range config.Roles {
		n.roles[name] = role
	}
	var err error
	if n.owner, err = engine.Unprivileged(name); err != nil {
		return nil, err
	}
	provideCtx, cancel := context.WithTimeout(ctx, provideTimeout)
	defer cancel()
	if n.dist, err = provide(provideCtx, config.Version); err != nil {
		return nil, err
	}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// start makes the node's directory and the proxy, and launches the node.
func (n *Node) start(ctx context.Context) error {
	if err := n.makeDir(); err != nil {
		return err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	var serve *tls.Config
	if n.identity != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: n.identity.roots, MinVersion: tls.VersionTLS12}
		serve = &tls.Config{Certificates: []tls.Certificate{n.identity.cert}, MinVersion: tls.VersionTLS12}
	}
	n.client = &http.Client{Transport: transport, Timeout: requestTimeout}
	var err error
	if n.proxy, err = newProxy(n.config.Version, flavor(n.config), serve, transport); err != nil {
		return fmt.Errorf("proxy before the test node: %w", err)
	}
	return n.launch(ctx)
}

func flavor(config Config) string {
	if config.Serverless {
		return serverless
	}
	return "default"
}

// makeDir makes everything that the node writes to, and gives it to the user that the node runs as.
func (n *Node) makeDir() (err error) {
	if n.server, err = engine.NewServer(name+" "+n.config.Version, "config", "data", "logs", "tmp"); err != nil {
		return err
	}
	if !n.config.PlainHTTP {
		if n.identity, err = newIdentity(n.server.Path("config")); err != nil {
			return err
		}
	}
	if err := n.writeConfig(); err != nil {
		return err
	}
	if n.owner == nil {
		return nil
	}
	for _, dir := range []string{filepath.Dir(n.server.Dir), n.dist.javaHome} {
		if err := openToAll(dir); err != nil {
			return err
		}
	}
	return filepath.WalkDir(n.server.Dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, n.owner.Give(path))
	})
}

// openToAll tells whether any user can enter a directory.
func openToAll(dir string) error {
	for d := dir; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("%s cannot be entered by the user nobody, as whom Elasticsearch has to run when tests run as root; choose another place (TMPDIR, JAVA_HOME)", d)
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}

// launch starts the server on what is in the node's directory and returns when it answers.
func (n *Node) launch(ctx context.Context) error {
	cmd := exec.Command(filepath.Join(n.dist.home, "bin", "elasticsearch")) //nolint:noctx // lives until it is killed, longer than a start's context
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.server.Dir, "LC_ALL=C.UTF-8",
		"ES_JAVA_HOME=" + n.dist.javaHome, "ES_PATH_CONF=" + n.server.Path("config"), "ES_TMPDIR=" + n.server.Path("tmp"),
		// The launcher is a JVM too.
		"CLI_JAVA_OPTS=-Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"}
	return n.server.Launch(ctx, cmd, n.owner, func(ctx context.Context, address string) error {
		n.proxy.setTarget(address)
		return engine.Healthy(n.exchange(ctx, Admin, http.MethodGet, engine.HealthPath, nil))
	})
}

// Kill9 ends the node as the kernel does when memory runs out: at once, with requests half done. Until Restart, clients' connections are cut as soon as they ask something.
func (n *Node) Kill9(t testing.TB) {
	t.Helper()
	err := n.server.Proc.Kill()
	n.proxy.setTarget("")
	if err != nil {
		t.Fatal(err)
	}
}

// Restart starts the node again on its data, after Kill9, a crash or, in an orderly way, while it runs. Its URL stays.
func (n *Node) Restart(t testing.TB) {
	t.Helper()
	if n.server.Proc.Running() {
		err := n.server.Proc.Terminate(stopTimeout)
		n.proxy.setTarget("")
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := n.launch(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Close kills the node and removes everything of it. It may be called twice.
func (n *Node) Close() error {
	var errs []error
	if n.proxy != nil {
		errs = append(errs, n.proxy.close())
	}
	if n.client != nil {
		n.client.CloseIdleConnections()
	}
	if n.server != nil {
		errs = append(errs, n.server.Close())
	}
	return errors.Join(errs...)
}

// URL is where clients reach the node, through the proxy; the same for the node's whole life.
func (n *Node) URL() string { return n.proxy.url }

// CAFile is the path of the CA's certificate in PEM. With PlainHTTP there is no such file.
func (n *Node) CAFile() string { return n.server.Path("config", caFile) }

// Password is the password of a user of Config.Users, or of Admin.
func (n *Node) Password(user string) string { return n.passwords[user] }

// Log is all that the node has written to its log, starts and restarts together.
func (n *Node) Log() string { return n.server.Log() }
