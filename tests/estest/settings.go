// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The node's configuration directory: elasticsearch.yml, the JVM's options, and the file realm's users and roles.

package estest

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// heap bounds the node's memory. The JVM needs about as much again outside of it.
const heap = "512m"

// Role is what its users may do, in Elasticsearch's own terms.
type Role struct {
	Cluster []string          `json:"cluster"`           // cluster privileges
	Indices []IndexPrivileges `json:"indices,omitempty"` // privileges on indices, data streams and aliases
}

// IndexPrivileges are privileges on all indices, data streams and aliases that one of the names or patterns matches.
type IndexPrivileges struct {
	Names      []string `json:"names"`
	Privileges []string `json:"privileges"`
}

// probe is a user of the node's own with a role of the same name, which shows when roles.yml has been read again.
const probe = "estest-probe"

// jvmOptions keep the JVM small and its files below the node's directory. Without the second compiler a node starts in half the time and takes a hundred thousand documents
// for less CPU. The property keeps the server from copying its built-in roles into an index that needs a missing module.
const jvmOptions = `-Xms%[1]s
-Xmx%[1]s
-XX:+UseSerialGC
-XX:TieredStopAtLevel=1
-XX:+ExitOnOutOfMemoryError
-XX:ErrorFile=%[2]s/hs_err.log
-Djava.io.tmpdir=%[2]s/tmp
-Des.queryable_built_in_roles_enabled=false
`

// log4j logs to the standard output alone: one log, which a failing test shows the end of.
const log4j = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%consoleException%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`

// writeConfig fills the node's configuration directory.
func (n *Node) writeConfig() error {
	settings := map[string]any{
		"cluster.name":   "estest",
		"node.name":      "estest",
		"path.data":      n.server.Path("data"),
		"path.logs":      n.server.Path("logs"),
		"discovery.type": "single-node",
		"network.host":   "127.0.0.1",
		"http.port":      0, // the kernel's choice, which the node writes to a file
		"transport.port": 0,
		"node.portsfile": true,
		// A rather full disk of the machine must not reject a test's documents. SetDiskFull turns this on.
		"cluster.routing.allocation.disk.threshold_enabled": false,
		"cluster.info.update.interval":                      "10s",
		"resource.reload.interval.high":                     "200ms",
		"xpack.security.enabled":                            true,
		"xpack.security.autoconfiguration.enabled":          false,
		"xpack.security.transport.ssl.enabled":              false,
		"xpack.security.http.ssl.enabled":                   !n.config.PlainHTTP,
	}
	if !n.config.PlainHTTP {
		settings["xpack.security.http.ssl.certificate"] = certFile
		settings["xpack.security.http.ssl.key"] = keyFile
	}
	maps.Copy(settings, n.config.Settings)
	yml, err := yamlLines(settings)
	if err != nil {
		return fmt.Errorf("settings of the test node: %w", err)
	}
	for name, text := range map[string]string{
		"elasticsearch.yml": yml,
		"jvm.options":       fmt.Sprintf(jvmOptions, heap, n.server.Dir),
		"log4j2.properties": log4j,
		"role_mapping.yml":  "",
	} {
		if err := os.WriteFile(n.server.Path("config", name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := n.writeUsers(); err != nil {
		return err
	}
	return n.writeRoles()
}

// writeUsers writes the file realm's users with passwords made up here.
func (n *Node) writeUsers() error {
	members := map[string][]string{"superuser": {Admin}, probe: {probe}}
	for user, roles := range n.config.Users {
		for _, role := range roles {
			members[role] = append(members[role], user)
		}
		n.passwords[user] = rand.Text()
	}
	n.passwords[Admin], n.passwords[probe] = rand.Text(), rand.Text()

	var users, roles strings.Builder
	for user, password := range n.passwords {
		hash, err := hashPassword(password)
		if err != nil {
			return err
		}
		fmt.Fprintf(&users, "%s:%s\n", user, hash)
	}
	for role, names := range members {
		fmt.Fprintf(&roles, "%s:%s\n", role, strings.Join(names, ","))
	}
	if err := os.WriteFile(n.server.Path("config", "users"), []byte(users.String()), 0o600); err != nil {
		return err
	}
	return os.WriteFile(n.server.Path("config", "users_roles"), []byte(roles.String()), 0o600)
}

// writeRoles replaces roles.yml in one step; the node reads it again automatically. The probe's role carries a number that tells one version from the next.
func (n *Node) writeRoles() error {
	n.generation++
	roles := maps.Clone(n.roles)
	roles[probe] = Role{Cluster: []string{}, Indices: []IndexPrivileges{{Names: []string{n.probeIndex()}, Privileges: []string{"monitor"}}}}
	yml, err := yamlLines(roles)
	if err != nil {
		return fmt.Errorf("roles of the test node: %w", err)
	}
	next := n.server.Path("config", "roles.yml.next")
	if err := os.WriteFile(next, []byte(yml), 0o600); err != nil {
		return err
	}
	if err := n.owner.Give(next); err != nil {
		return err
	}
	return os.Rename(next, n.server.Path("config", "roles.yml"))
}

// probeIndex is the index that the probe may see after the latest change of the roles.
func (n *Node) probeIndex() string { return fmt.Sprintf("estest-generation-%d", n.generation) }

// yamlLines is a YAML document with a line for each key. Each value is JSON, which is YAML too.
func yamlLines[V any](values map[string]V) (string, error) {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(values)) {
		v, err := json.Marshal(values[key])
		if err != nil {
			return "", fmt.Errorf("%s: %w", key, err)
		}
		fmt.Fprintf(&b, "%s: %s\n", key, v)
	}
	return b.String(), nil
}

// hashPassword makes a password hash in the format that Elasticsearch calls pbkdf2. Few rounds are enough for a password that lives for minutes, and save the node's time.
func hashPassword(password string) (string, error) {
	const rounds, size = 1000, 32
	salt := make([]byte, size)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key, err := pbkdf2.Key(sha512.New, password, salt, rounds, size)
	if err != nil {
		return "", err
	}
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("{PBKDF2}%d$%s$%s", rounds, encode(salt), encode(key)), nil
}
